-- The ledger of one replica or several: the twin of SQLite's. Digests and ids are 32 bytes, accounts 20 bytes, amounts
-- pico-units, times milliseconds since the epoch.

-- Usage, durable before a response ends. Unique by source and request for ever: rows are never deleted.
CREATE TABLE usage (
    id              BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source          TEXT    NOT NULL,
    request_id      BYTEA   NOT NULL CHECK (length(request_id) = 32),
    body_hash       BYTEA   NOT NULL CHECK (length(body_hash) = 32),
    body            TEXT    NOT NULL,
    include_by      BIGINT  NOT NULL,
    acknowledgement BYTEA   NOT NULL,
    prompt_ids      BYTEA,   -- null once a receipt stands for them
    output_ids      BYTEA,
    state           INTEGER NOT NULL DEFAULT 0 CHECK (state IN (0, 1, 2)),   -- waiting, has a receipt, quarantined
    reason          TEXT    CHECK ((state = 2) = (reason IS NOT NULL)),
    UNIQUE (source, request_id),
    CHECK (state = 1 OR (prompt_ids IS NOT NULL AND output_ids IS NOT NULL))
);
CREATE INDEX usage_waiting ON usage (id) WHERE state = 0;
CREATE INDEX usage_quarantined ON usage (id) WHERE state = 2;

CREATE TABLE receipt (
    stream      BYTEA   NOT NULL CHECK (length(stream) = 32),
    seq         BIGINT  NOT NULL CHECK (seq >= 1),
    struct_hash BYTEA   NOT NULL UNIQUE CHECK (length(struct_hash) = 32),
    request_id  BYTEA   NOT NULL,
    usage_id    BIGINT  UNIQUE REFERENCES usage (id),
    signed      BYTEA   NOT NULL,   -- canonical JSON
    attribution BYTEA   NOT NULL,   -- the per-token record
    batch       BIGINT,             -- null until sealed
    PRIMARY KEY (stream, seq)
);
CREATE INDEX receipt_request ON receipt (request_id);
CREATE INDEX receipt_batch ON receipt (stream, batch, seq);

CREATE TABLE payment (
    stream BYTEA   NOT NULL,
    seq    BIGINT  NOT NULL,
    role   INTEGER NOT NULL,
    source BYTEA   NOT NULL,
    payee  BYTEA   NOT NULL CHECK (length(payee) = 20),
    amount BIGINT  NOT NULL CHECK (amount > 0),
    PRIMARY KEY (stream, seq, role, source, payee),
    FOREIGN KEY (stream, seq) REFERENCES receipt (stream, seq)
);
CREATE INDEX payment_payee ON payment (payee, role, source);

CREATE TABLE batch (
    stream      BYTEA  NOT NULL,
    number      BIGINT NOT NULL CHECK (number >= 1),
    operator_id BYTEA  NOT NULL CHECK (length(operator_id) = 32),
    first_seq   BIGINT NOT NULL,
    last_seq    BIGINT NOT NULL CHECK (last_seq >= first_seq),
    root        BYTEA  NOT NULL CHECK (length(root) = 32),
    data_hash   BYTEA  NOT NULL CHECK (length(data_hash) = 32),
    data_uri    TEXT   NOT NULL,
    head        BYTEA  NOT NULL CHECK (length(head) = 32),
    sealed_at   BIGINT NOT NULL,
    PRIMARY KEY (stream, number)
);

-- What scoring and pricing refer to by digest: price books and payee tables.
CREATE TABLE document (
    digest BYTEA PRIMARY KEY CHECK (length(digest) = 32),
    kind   TEXT  NOT NULL,
    json   TEXT  NOT NULL
);

-- Order of registration decides which of two copies is paid, so it is kept for ever.
CREATE TABLE datanet (
    ordinal BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    digest  BYTEA NOT NULL UNIQUE CHECK (length(digest) = 32)
);

-- Things that were refused or done by hand.
CREATE TABLE audit (
    id         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at         BIGINT NOT NULL,
    kind       TEXT   NOT NULL,
    source     TEXT   NOT NULL,
    request_id BYTEA  NOT NULL,
    detail     TEXT   NOT NULL
);

-- The flusher's memory.
CREATE TABLE journal (
    stream    BYTEA  PRIMARY KEY,
    chain_id  BIGINT,
    code_hash BYTEA,
    landed    BIGINT NOT NULL DEFAULT 0,
    final     BIGINT NOT NULL DEFAULT 0
);
CREATE TABLE attempt (
    id               BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    stream           BYTEA  NOT NULL,
    batch            BIGINT NOT NULL,
    nonce            BIGINT NOT NULL,
    transaction_hash BYTEA  NOT NULL CHECK (length(transaction_hash) = 32),
    raw_transaction  TEXT   NOT NULL,
    priority_fee_wei TEXT   NOT NULL,
    max_fee_wei      TEXT   NOT NULL,
    created_at       BIGINT NOT NULL
);
CREATE INDEX attempt_batch ON attempt (stream, batch, id);
CREATE TABLE landing (
    stream           BYTEA  NOT NULL,
    batch            BIGINT NOT NULL,
    transaction_hash BYTEA  NOT NULL,
    PRIMARY KEY (stream, batch)
);

-- One row for each opening of this database that writes, with the token of its last committed transaction: whoever lost
-- the connection in the middle of a commit reads there whether it was made.
CREATE TABLE opening (
    id         TEXT        PRIMARY KEY,
    token      TEXT        NOT NULL,
    last_write TIMESTAMPTZ NOT NULL
);
