-- Periods of accounts: a calendar month (UTC) of one tenant. A month without a row is open.
CREATE TABLE accounting_period (
    account       ${bytes} NOT NULL CHECK (length(account) = 32),
    period        TEXT     NOT NULL,          -- such as 2026-11
    state         INTEGER  NOT NULL CHECK (state IN (1, 2)), -- soft, closed
    totals        TEXT     NOT NULL,          -- canonical JSON: what is pinned
    totals_hash   ${bytes} NOT NULL CHECK (length(totals_hash) = 32),
    at            ${long}  NOT NULL,
    actor         TEXT     NOT NULL,
    reason        TEXT     NOT NULL,
    reopen_actor  TEXT,                       -- who asked to reopen it; a second person must agree
    reopen_reason TEXT,
    PRIMARY KEY (account, period)
);

-- The last receipt of each stream that a closed month holds: what comes later counts in the next open one.
CREATE TABLE accounting_cutoff (
    account  ${bytes} NOT NULL,
    period   TEXT     NOT NULL,
    stream   ${bytes} NOT NULL CHECK (length(stream) = 32),
    last_seq ${long}  NOT NULL CHECK (last_seq >= 1),
    PRIMARY KEY (account, period, stream),
    FOREIGN KEY (account, period) REFERENCES accounting_period (account, period)
);
