-- What legacy readers see of an order: the newest version that has come. Run it once in the mirror's database.
CREATE TABLE IF NOT EXISTS legacy_orders (
    id          text        PRIMARY KEY,
    version     bigint      NOT NULL,
    status      text        NOT NULL,
    consumer_id text        NOT NULL,
    store_id    text        NOT NULL,
    fulfilment  text        NOT NULL,
    currency    char(3)     NOT NULL,
    -- Minor units.
    total       bigint      NOT NULL,
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    -- The whole order, as docs/operations.md describes it.
    document    jsonb       NOT NULL
);

CREATE INDEX IF NOT EXISTS legacy_orders_of_consumer ON legacy_orders (consumer_id, created_at);
CREATE INDEX IF NOT EXISTS legacy_orders_of_store ON legacy_orders (store_id, created_at);
