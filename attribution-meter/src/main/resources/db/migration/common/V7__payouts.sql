-- Payouts. A pool is what one operator pays in one token through one contract; a round is its document as it stands
-- under its hash. Units are the token's smallest, times milliseconds since the epoch.

CREATE TABLE payout_pool (
    pool        ${bytes} NOT NULL PRIMARY KEY CHECK (length(pool) = 32),
    chain_id    ${long}  NOT NULL,
    contract    ${bytes} NOT NULL CHECK (length(contract) = 20),
    operator_id ${bytes} NOT NULL CHECK (length(operator_id) = 32),
    token       ${bytes} NOT NULL CHECK (length(token) = 20),
    symbol      TEXT     NOT NULL,
    decimals    INTEGER  NOT NULL
);

CREATE TABLE payout_round (
    pool             ${bytes}  NOT NULL REFERENCES payout_pool (pool),
    number           ${long}   NOT NULL CHECK (number >= 1),
    state            INTEGER   NOT NULL CHECK (state IN (0, 1, 2, 3)),   -- planned, sent, posted, disabled
    root             ${bytes}  NOT NULL CHECK (length(root) = 32),
    data_hash        ${bytes}  NOT NULL CHECK (length(data_hash) = 32),
    total_units      ${number} NOT NULL,
    body             ${bytes}  NOT NULL,   -- canonical JSON
    planned_at       ${long}   NOT NULL,
    posted_at        ${long},
    transaction_hash ${bytes},             -- null also where another run of ours sent it
    PRIMARY KEY (pool, number)
);
