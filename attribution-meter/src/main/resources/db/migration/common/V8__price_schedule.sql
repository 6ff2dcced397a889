-- Which price book is in force from when. Entries are never changed and never deleted; the book itself is a document.
CREATE TABLE price_schedule (
    id            ${id},
    digest        ${bytes} NOT NULL CHECK (length(digest) = 32) REFERENCES document (digest),
    in_force_from ${long}  NOT NULL CHECK (in_force_from >= 0),
    registered_at ${long}  NOT NULL,
    actor         TEXT     NOT NULL
);
