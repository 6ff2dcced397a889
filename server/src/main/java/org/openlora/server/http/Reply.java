package org.openlora.server.http;

import java.util.List;
import org.openlora.engine.GenerationSink;
import org.openlora.server.serving.Admission;

/// How the answers to one request reach its client.
interface Reply {
    /// Where the events of a prompt's answers go; events may come before [#begin].
    GenerationSink sink(int prompt);

    /// All prompts were taken on: from now on the client is answered.
    ///
    /// @param admissions one for each prompt, in order
    void begin(List<Admission> admissions);
}
