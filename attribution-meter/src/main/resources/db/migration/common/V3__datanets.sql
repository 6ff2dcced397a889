-- Versions of datanets. A version's rows, root, place in the order of registration and copies never change; what may
-- change does so by an event, and the columns here say what holds now.
CREATE TABLE datanet_version (
    ordinal       ${long}  NOT NULL PRIMARY KEY REFERENCES datanet (ordinal),
    id            TEXT     NOT NULL,
    version       TEXT     NOT NULL,
    title         TEXT     NOT NULL,
    licence       TEXT     NOT NULL,
    salt          ${bytes} NOT NULL CHECK (length(salt) = 32),
    row_count     ${long}  NOT NULL CHECK (row_count > 0),
    row_bytes     ${long}  NOT NULL CHECK (row_bytes > 0),
    merkle_root   ${bytes} NOT NULL CHECK (length(merkle_root) = 32),
    copy_count    ${long}  NOT NULL CHECK (copy_count >= 0),
    copies_digest ${bytes} NOT NULL CHECK (length(copies_digest) = 32),
    registered_at ${long}  NOT NULL,
    retired_at    ${long},
    UNIQUE (id, version)
);

CREATE TABLE datanet_contributor (
    ordinal        ${long}  NOT NULL REFERENCES datanet_version (ordinal),
    place          ${long}  NOT NULL,
    hash           ${bytes} NOT NULL CHECK (length(hash) = 32),
    contributor_id TEXT     NOT NULL,
    name           TEXT     NOT NULL,
    payee          ${bytes} NOT NULL CHECK (length(payee) = 20),
    PRIMARY KEY (ordinal, place),
    UNIQUE (ordinal, hash)
);
CREATE INDEX datanet_contributor_hash ON datanet_contributor (hash);

-- Rows that are near-duplicates of a row that was registered before them; rows that are not are not listed.
CREATE TABLE datanet_copy (
    ordinal          ${long} NOT NULL REFERENCES datanet_version (ordinal),
    row_place        ${long} NOT NULL,
    original_ordinal ${long} NOT NULL REFERENCES datanet_version (ordinal),
    original_place   ${long} NOT NULL,
    PRIMARY KEY (ordinal, row_place)
);

-- What happened to datanets, each entry bound to the one before by its hash.
CREATE TABLE datanet_event (
    id      ${id},
    at      ${long}  NOT NULL,
    ordinal ${long}  NOT NULL REFERENCES datanet_version (ordinal),
    kind    TEXT     NOT NULL,
    body    TEXT     NOT NULL,
    hash    ${bytes} NOT NULL CHECK (length(hash) = 32)
);
