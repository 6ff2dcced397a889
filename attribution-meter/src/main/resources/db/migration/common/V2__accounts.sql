-- What an accountant asks of the ledger: who may write a stream, corrections, times of entry, a chained audit trail.

-- One row per stream of receipts. Whoever appends changes it first, so appends come one after the other; an opening that
-- another has replaced finds another epoch than its own and writes nothing.
CREATE TABLE receipt_stream (
    stream  ${bytes} PRIMARY KEY CHECK (length(stream) = 32),
    epoch   ${long}  NOT NULL,
    appends ${long}  NOT NULL
);

-- Whose usage it is: each replica scores its own. Null in rows from before there were several, until their ledger is
-- opened.
ALTER TABLE usage ADD COLUMN stream ${bytes};
UPDATE usage SET stream = (SELECT receipt.stream FROM receipt WHERE receipt.usage_id = usage.id);
DROP INDEX usage_waiting;
CREATE INDEX usage_waiting ON usage (stream, id) WHERE state = 0;

ALTER TABLE receipt ADD COLUMN kind INTEGER NOT NULL DEFAULT 1 CHECK (kind IN (1, 2, 3));   -- usage, credit, debit
ALTER TABLE receipt ADD COLUMN ref ${bytes} CHECK ((kind = 1) = (ref IS NULL));             -- what is corrected
ALTER TABLE receipt ADD COLUMN served_to ${long} NOT NULL DEFAULT 0;
ALTER TABLE receipt ADD COLUMN recorded_at ${long} NOT NULL DEFAULT 0;
CREATE INDEX receipt_ref ON receipt (ref) WHERE ref IS NOT NULL;
CREATE INDEX receipt_served ON receipt (stream, served_to);

-- Corrections by their own id, for ever.
CREATE TABLE correction (
    request_id ${bytes} PRIMARY KEY CHECK (length(request_id) = 32),
    body_hash  ${bytes} NOT NULL CHECK (length(body_hash) = 32),
    stream     ${bytes} NOT NULL,
    seq        ${long}  NOT NULL,
    actor      TEXT     NOT NULL,
    reason     TEXT     NOT NULL,
    UNIQUE (stream, seq),
    FOREIGN KEY (stream, seq) REFERENCES receipt (stream, seq)
);

-- The audit trail becomes a chain: hash covers the entry and the hash before it. Null in entries from before, until the
-- ledger is opened.
ALTER TABLE audit ADD COLUMN actor TEXT NOT NULL DEFAULT 'system';
ALTER TABLE audit ADD COLUMN before_state TEXT NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN after_state TEXT NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN hash ${bytes};
CREATE TABLE audit_end (
    one     INTEGER  PRIMARY KEY CHECK (one = 1),
    entries ${long}  NOT NULL,
    hash    ${bytes} NOT NULL
);
