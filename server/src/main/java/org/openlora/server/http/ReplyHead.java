package org.openlora.server.http;

/// What every event of an answer, and the answer in one piece, begin with.
///
/// @param id of the answer, with its kind's prefix
/// @param createdSeconds since the epoch
/// @param model as the client named it
record ReplyHead(String id, long createdSeconds, String model) {
    /// `{"id":…,"object":…,"created":…,"model":…,"choices":[`.
    void write(JsonBuffer out, String object) {
        out.raw("{\"id\":").string(id).raw(",\"object\":\"").raw(object);
        out.raw("\",\"created\":").integer(createdSeconds);
        out.raw(",\"model\":").string(model).raw(",\"choices\":[");
    }
}
