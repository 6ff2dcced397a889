-- Texts of requests whose tenants asked for them to be kept, and disputes about receipts.

-- Written with the usage row and completed with its receipt. Erased rows stay, empty: that there was one is no secret.
CREATE TABLE trace (
    source     TEXT     NOT NULL,
    request_id ${bytes} NOT NULL,
    account    ${bytes} NOT NULL,
    keep_until ${long}  NOT NULL,
    replay     TEXT,     -- how the answer was drawn, as JSON; null once erased
    prompt_ids ${bytes}, -- null until the receipt stands for them, and once erased
    output_ids ${bytes},
    erased_at  ${long},
    PRIMARY KEY (source, request_id),
    CHECK ((erased_at IS NULL) = (replay IS NOT NULL)),
    CHECK (erased_at IS NULL OR (prompt_ids IS NULL AND output_ids IS NULL)),
    CHECK ((prompt_ids IS NULL) = (output_ids IS NULL))
);
CREATE INDEX trace_due ON trace (keep_until) WHERE erased_at IS NULL;
CREATE INDEX trace_account ON trace (account) WHERE erased_at IS NULL;
CREATE INDEX trace_request ON trace (request_id);

CREATE TABLE dispute (
    id          ${bytes} PRIMARY KEY,
    stream      ${bytes} NOT NULL,
    seq         ${long}  NOT NULL,
    receipt     ${bytes} NOT NULL, -- struct hash of the receipt in question
    reason      TEXT     NOT NULL,
    opened_by   TEXT     NOT NULL,
    opened_at   ${long}  NOT NULL,
    prompt_ids  ${bytes},          -- given by who opened it, checked against the receipt; null where none, and once resolved
    output_ids  ${bytes},
    state       INTEGER  NOT NULL DEFAULT 0 CHECK (state IN (0, 1, 2)), -- open, credited, rejected
    resolved_by TEXT,
    resolved_at ${long},
    finding     TEXT,              -- what was recomputed, as JSON
    credit      ${bytes},          -- struct hashes of the corrections
    debit       ${bytes},
    CHECK ((state = 0) = (finding IS NULL)),
    CHECK ((state = 1) = (credit IS NOT NULL))
);
CREATE INDEX dispute_receipt ON dispute (receipt);
