-- The ledger of one replica. Digests and ids are 32-byte blobs, accounts 20-byte blobs, amounts pico-units, times
-- milliseconds since the epoch.

-- Usage, durable before a response ends. Unique by source and request for ever: rows are never deleted.
CREATE TABLE usage (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    source          TEXT    NOT NULL,
    request_id      BLOB    NOT NULL CHECK (length(request_id) = 32),
    body_hash       BLOB    NOT NULL CHECK (length(body_hash) = 32),
    body            TEXT    NOT NULL,
    include_by      INTEGER NOT NULL,
    acknowledgement BLOB    NOT NULL,
    prompt_ids      BLOB,   -- null once a receipt stands for them
    output_ids      BLOB,
    state           INTEGER NOT NULL DEFAULT 0 CHECK (state IN (0, 1, 2)),   -- waiting, has a receipt, quarantined
    reason          TEXT    CHECK ((state = 2) = (reason IS NOT NULL)),
    UNIQUE (source, request_id),
    CHECK (state = 1 OR (prompt_ids IS NOT NULL AND output_ids IS NOT NULL))
);
CREATE INDEX usage_waiting ON usage (id) WHERE state = 0;
CREATE INDEX usage_quarantined ON usage (id) WHERE state = 2;

CREATE TABLE receipt (
    stream      BLOB    NOT NULL CHECK (length(stream) = 32),
    seq         INTEGER NOT NULL CHECK (seq >= 1),
    struct_hash BLOB    NOT NULL UNIQUE CHECK (length(struct_hash) = 32),
    request_id  BLOB    NOT NULL,
    usage_id    INTEGER UNIQUE REFERENCES usage (id),
    signed      BLOB    NOT NULL,   -- canonical JSON
    attribution BLOB    NOT NULL,   -- the per-token record
    batch       INTEGER,            -- null until sealed
    PRIMARY KEY (stream, seq)
);
CREATE INDEX receipt_request ON receipt (request_id);
CREATE INDEX receipt_batch ON receipt (stream, batch, seq);

CREATE TABLE payment (
    stream BLOB    NOT NULL,
    seq    INTEGER NOT NULL,
    role   INTEGER NOT NULL,
    source BLOB    NOT NULL,
    payee  BLOB    NOT NULL CHECK (length(payee) = 20),
    amount INTEGER NOT NULL CHECK (amount > 0),
    PRIMARY KEY (stream, seq, role, source, payee),
    FOREIGN KEY (stream, seq) REFERENCES receipt (stream, seq)
) WITHOUT ROWID;
CREATE INDEX payment_payee ON payment (payee, role, source);

CREATE TABLE batch (
    stream      BLOB    NOT NULL,
    number      INTEGER NOT NULL CHECK (number >= 1),
    operator_id BLOB    NOT NULL CHECK (length(operator_id) = 32),
    first_seq   INTEGER NOT NULL,
    last_seq    INTEGER NOT NULL CHECK (last_seq >= first_seq),
    root        BLOB    NOT NULL CHECK (length(root) = 32),
    data_hash   BLOB    NOT NULL CHECK (length(data_hash) = 32),
    data_uri    TEXT    NOT NULL,
    head        BLOB    NOT NULL CHECK (length(head) = 32),
    sealed_at   INTEGER NOT NULL,
    PRIMARY KEY (stream, number)
);

-- What scoring and pricing refer to by digest: price books and payee tables.
CREATE TABLE document (
    digest BLOB PRIMARY KEY CHECK (length(digest) = 32),
    kind   TEXT NOT NULL,
    json   TEXT NOT NULL
);

-- Order of registration decides which of two copies is paid, so it is kept for ever.
CREATE TABLE datanet (
    ordinal INTEGER PRIMARY KEY AUTOINCREMENT,
    digest  BLOB NOT NULL UNIQUE CHECK (length(digest) = 32)
);

-- Things that were refused or done by hand.
CREATE TABLE audit (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    at         INTEGER NOT NULL,
    kind       TEXT    NOT NULL,
    source     TEXT    NOT NULL,
    request_id BLOB    NOT NULL,
    detail     TEXT    NOT NULL
);

-- The flusher's memory.
CREATE TABLE journal (
    stream    BLOB    PRIMARY KEY,
    chain_id  INTEGER,
    code_hash BLOB,
    landed    INTEGER NOT NULL DEFAULT 0,
    final     INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE attempt (
    id               INTEGER PRIMARY KEY AUTOINCREMENT,
    stream           BLOB    NOT NULL,
    batch            INTEGER NOT NULL,
    nonce            INTEGER NOT NULL,
    transaction_hash BLOB    NOT NULL CHECK (length(transaction_hash) = 32),
    raw_transaction  TEXT    NOT NULL,
    priority_fee_wei TEXT    NOT NULL,
    max_fee_wei      TEXT    NOT NULL,
    created_at       INTEGER NOT NULL
);
CREATE INDEX attempt_batch ON attempt (stream, batch, id);
CREATE TABLE landing (
    stream           BLOB    NOT NULL,
    batch            INTEGER NOT NULL,
    transaction_hash BLOB    NOT NULL,
    PRIMARY KEY (stream, batch)
) WITHOUT ROWID;
