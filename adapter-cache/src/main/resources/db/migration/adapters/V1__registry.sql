-- The adapters known to one base. Digests are 32-byte blobs, times milliseconds since the epoch.

-- A name that somebody may use: a folder's under an adapter root, for all tenants; or one that a tenant registered.
CREATE TABLE alias (
    id           INTEGER PRIMARY KEY,
    root         TEXT NOT NULL,   -- of a folder: the real path of its adapter root; otherwise empty
    tenant       TEXT NOT NULL,   -- of a registered name: the tenant; otherwise empty
    name         TEXT NOT NULL,
    fingerprint  BLOB CHECK (length(fingerprint) = 32),   -- of a folder as it was read; null: read it again
    failure_code TEXT,            -- of a folder that cannot be served, an AdapterException.Code
    failure      TEXT CHECK ((failure IS NULL) = (failure_code IS NULL)),
    UNIQUE (root, tenant, name),
    CHECK ((root = '') <> (tenant = ''))
);

-- What a name stood for, one after the other; the last is what it stands for.
CREATE TABLE version (
    alias               INTEGER NOT NULL REFERENCES alias (id) ON DELETE CASCADE,
    number              INTEGER NOT NULL CHECK (number >= 1),
    digest              BLOB    NOT NULL CHECK (length(digest) = 32),
    manifest_digest     BLOB    NOT NULL CHECK (length(manifest_digest) = 32),   -- zero without a manifest
    manifest            TEXT    CHECK ((manifest IS NULL) = (manifest_digest = zeroblob(32))),   -- JSON
    resident_bytes      INTEGER NOT NULL CHECK (resident_bytes > 0),
    largest_block_bytes INTEGER NOT NULL CHECK (largest_block_bytes > 0),
    largest_rank        INTEGER NOT NULL CHECK (largest_rank > 0),
    origin              TEXT,   -- where exactly its files can be fetched again; null for a folder's
    registered_at       INTEGER NOT NULL,
    PRIMARY KEY (alias, number)
) WITHOUT ROWID;
