-- A batch's header as it was sealed, so that it is sent without reading its receipts. Null in batches that were sealed
-- before these columns were there; their totals are computed when they are asked for.
ALTER TABLE batch ADD COLUMN from_ts ${long};
ALTER TABLE batch ADD COLUMN to_ts ${long};
ALTER TABLE batch ADD COLUMN gross ${number};
ALTER TABLE batch ADD COLUMN credit_total ${number};
ALTER TABLE batch ADD COLUMN prompt_tokens ${long};
ALTER TABLE batch ADD COLUMN generated_tokens ${long};
ALTER TABLE batch ADD COLUMN price_book_hash ${bytes};

-- What one process of all on this database does at a time. The epoch grows with each change of hands: what was begun
-- under an older one is refused. Times are this database's own.
CREATE TABLE lease (
    name       VARCHAR(100) PRIMARY KEY,
    holder     VARCHAR(200) NOT NULL,
    epoch      ${long}      NOT NULL CHECK (epoch >= 1),
    expires_at ${long}      NOT NULL
);
