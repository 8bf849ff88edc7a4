//! The sink against a PostgreSQL server of Debian's, which each test starts and stops by itself.

#![expect(clippy::unwrap_used, reason = "a test reports what should not happen by panicking")]

use carryout_checkout::{order::OrderStatus, ports::CallError};
use carryout_lambda::ids::RandomIds;
use carryout_migration::mirror::{LegacyOrder, LegacySink as _, Upserted};
use carryout_postgres::{PostgresLegacy, SCHEMA};
use carryout_testing::{FixedSecret, contract, samples};
use local_cloud::Terminal;
use test_servers::Postgres;
use tokio_postgres::{Client, NoTls};

async fn client(server: &Postgres) -> Client {
    let (client, connection) = tokio_postgres::connect(&server.url(), NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// A server with the sink's table, made twice: the second time changes nothing.
async fn server() -> Postgres {
    let server = Postgres::start(&Terminal::silent()).unwrap();
    let client = client(&server).await;
    for _ in 0..2 {
        client.batch_execute(SCHEMA).await.unwrap();
    }
    server
}

fn sink(server: &Postgres) -> PostgresLegacy<FixedSecret> {
    PostgresLegacy::new(FixedSecret::new(&server.url()))
}

#[tokio::test]
async fn it_keeps_the_contract() {
    let server = server().await;
    let client = client(&server).await;
    let held = async |id: &str| {
        let row = client.query_opt("SELECT version FROM legacy_orders WHERE id = $1", &[&id]).await.unwrap();
        row.map(|row| u64::try_from(row.get::<_, i64>(0)).unwrap())
    };
    contract::legacy_sink(&sink(&server), &RandomIds, held).await;
}

#[tokio::test]
async fn legacy_readers_find_an_order_by_its_columns_and_the_whole_of_it_in_the_document() {
    let server = server().await;
    let order = LegacyOrder { version: 3, status: OrderStatus::Placed, ..samples::legacy_order("ord_1") };
    assert_eq!(sink(&server).upsert(&order).await, Ok(Upserted::Applied));
    let query = "SELECT status, consumer_id, store_id, fulfilment, currency::text, total, \
        (extract(epoch FROM updated_at) * 1000)::bigint, document::text FROM legacy_orders WHERE version = 3";
    let row = client(&server).await.query_one(query, &[]).await.unwrap();
    let texts: Vec<String> = (0..5).map(|column| row.get(column)).collect();
    assert_eq!(texts, ["PLACED", "con_sample", "sto_sample", "pickup", "USD"]);
    assert_eq!((row.get::<_, i64>(5), row.get::<_, i64>(6)), (1_450, samples::NOON));
    assert_eq!(serde_json::from_str::<LegacyOrder>(row.get(7)).unwrap(), order);
}

#[tokio::test]
async fn a_server_that_was_gone_is_found_again() {
    let mut server = server().await;
    let sink = sink(&server);
    let at = |version| LegacyOrder { version, ..samples::legacy_order("ord_1") };
    assert_eq!(sink.upsert(&at(1)).await, Ok(Upserted::Applied));
    server.restart().unwrap();
    // The first one may meet the broken connection; its message comes again.
    let first = sink.upsert(&at(2)).await;
    assert!(matches!(first, Ok(Upserted::Applied) | Err(CallError::Unclear { .. } | CallError::Unavailable { .. })), "{first:?}");
    assert_eq!(sink.upsert(&at(3)).await, Ok(Upserted::Applied));
    assert_eq!(sink.upsert(&at(2)).await, Ok(Upserted::Older));
}

#[tokio::test]
async fn failures_say_whether_anything_happened() {
    let server = Postgres::start(&Terminal::silent()).unwrap();
    let sink = sink(&server);
    let order = samples::legacy_order("ord_1");
    assert!(matches!(sink.upsert(&order).await, Err(CallError::Unavailable { .. })), "there is no table");
    client(&server).await.batch_execute(SCHEMA).await.unwrap();
    let mut unfit = order.clone();
    unfit.store.id = "sto\0".to_owned();
    assert!(matches!(sink.upsert(&unfit).await, Err(CallError::Refused { .. })), "no text of PostgreSQL's holds a NUL");
    assert_eq!(sink.upsert(&order).await, Ok(Upserted::Applied));
    let elsewhere = PostgresLegacy::new(FixedSecret::new("not a url"));
    assert!(matches!(elsewhere.upsert(&order).await, Err(CallError::Unavailable { .. })));
}
