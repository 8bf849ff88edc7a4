//! The legacy sink on PostgreSQL. A crate of its own, so that only the function that writes there links a client.

use carryout_checkout::ports::CallError;
use carryout_environment::Secrets;
use carryout_migration::{
    mirror::{LegacyOrder, LegacySink, Upserted},
    partners::LEGACY,
};
use std::{error::Error, sync::Arc, time::Duration};
use tokio::{sync::Mutex, time::timeout};
use tokio_postgres::{
    Client, Config, NoTls, Socket,
    config::SslMode,
    error::SqlState,
    tls::{MakeTlsConnect, TlsConnect},
};
use tokio_postgres_rustls::MakeRustlsConnect;

/// The table that [`PostgresLegacy`] writes, with its indexes. Running it again changes nothing.
pub const SCHEMA: &str = include_str!("../schema.sql");

/// One statement decides and writes, so that two upserts at once end with the newer one: the second one waits for the row
/// and compares with what the first one left.
const UPSERT: &str = "\
    INSERT INTO legacy_orders \
        (id, version, status, consumer_id, store_id, fulfilment, currency, total, created_at, updated_at, document) \
    VALUES ($1, $2, $3, $4, $5, $6, $7::text, $8, \
        timestamptz 'epoch' + $9::bigint * interval '1 millisecond', timestamptz 'epoch' + $10::bigint * interval '1 millisecond', \
        $11::text::jsonb) \
    ON CONFLICT (id) DO UPDATE SET \
        version = EXCLUDED.version, status = EXCLUDED.status, consumer_id = EXCLUDED.consumer_id, \
        store_id = EXCLUDED.store_id, fulfilment = EXCLUDED.fulfilment, currency = EXCLUDED.currency, \
        total = EXCLUDED.total, created_at = EXCLUDED.created_at, updated_at = EXCLUDED.updated_at, \
        document = EXCLUDED.document \
    WHERE legacy_orders.version < EXCLUDED.version";

/// Orders in the table `legacy_orders` of a PostgreSQL database; [`SCHEMA`] makes it.
///
/// One connection, made at the first use and again after it broke. TLS where the URL's `sslmode` asks for it (`prefer` by
/// default), verified with the system's certificates, or those that `SSL_CERT_FILE` names.
#[derive(Clone)]
pub struct PostgresLegacy<S> {
    url: S,
    client: Arc<Mutex<Option<Arc<Client>>>>,
}

impl<S: Secrets> PostgresLegacy<S> {
    /// The database whose URL is the secret: `postgresql://user:password@host:5432/database?sslmode=require`.
    pub fn new(url: S) -> Self {
        Self { url, client: Arc::default() }
    }

    async fn client(&self) -> Result<Arc<Client>, CallError> {
        let mut kept = self.client.lock().await;
        if let Some(client) = kept.as_ref().filter(|client| !client.is_closed()) {
            return Ok(Arc::clone(client));
        }
        let client = Arc::new(self.connect().await?);
        *kept = Some(Arc::clone(&client));
        Ok(client)
    }

    async fn connect(&self) -> Result<Client, CallError> {
        let url = self.url.secret().await.map_err(|error| unavailable(error.to_string()))?.current;
        // What can't be read may hold the password, so it is not repeated.
        let mut config: Config =
            url.parse().map_err(|_| unavailable("the database's URL in its secret can't be read".to_owned()))?;
        config.connect_timeout(Duration::from_millis(LEGACY.timeout_ms)).application_name("carryout");
        if config.get_ssl_mode() == SslMode::Disable {
            return connected(&config, NoTls).await;
        }
        let (tls, skipped) = MakeRustlsConnect::with_native_certs()
            .map_err(|errors| unavailable(format!("there is no certificate to trust: {errors:?}")))?;
        if !skipped.is_empty() {
            tracing::warn!(skipped = skipped.len(), "some of the system's certificates can't be read");
        }
        connected(&config, tls).await
    }

    async fn execute(&self, order: &LegacyOrder) -> Result<u64, CallError> {
        let number = |value: u64| i64::try_from(value).map_err(|error| refused("out_of_range", error.to_string()));
        let document = serde_json::to_string(order).map_err(|error| refused("unreadable", error.to_string()))?;
        let client = self.client().await?;
        let done = client
            .execute(
                UPSERT,
                &[
                    &order.id,
                    &number(order.version)?,
                    &order.status.name(),
                    &order.consumer.id,
                    &order.store.id,
                    &order.fulfilment.name(),
                    &order.total.currency.code(),
                    &order.total.minor,
                    &order.created_at,
                    &order.updated_at,
                    &document,
                ],
            )
            .await;
        done.map_err(|error| failed(&error))
    }
}

impl<S: Secrets> LegacySink for PostgresLegacy<S> {
    async fn upsert(&self, order: &LegacyOrder) -> Result<Upserted, CallError> {
        // Connecting and writing together; an upsert that is given up may still happen, and is repeated without harm.
        let written = match timeout(Duration::from_millis(LEGACY.timeout_ms), self.execute(order)).await {
            Ok(written) => written?,
            Err(_) => {
                // The connection may be one of before this environment was frozen, and nobody at its other end.
                *self.client.lock().await = None;
                return Err(unclear(format!("no answer within {} ms", LEGACY.timeout_ms)));
            }
        };
        Ok(if written > 0 { Upserted::Applied } else { Upserted::Older })
    }
}

/// Connects, and keeps the connection going in a task that ends with it.
async fn connected<T>(config: &Config, tls: T) -> Result<Client, CallError>
where
    T: MakeTlsConnect<Socket>,
    T::TlsConnect: TlsConnect<Socket, Future: Send> + Send,
    T::Stream: Send + 'static,
{
    let (client, connection) = config.connect(tls).await.map_err(|error| unavailable(chain(&error)))?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::warn!(error = chain(&error), "the connection to the legacy database broke");
        }
    });
    Ok(client)
}

/// What a failed statement means: refused where the server judged the order, unclear where it may have happened.
fn failed(error: &tokio_postgres::Error) -> CallError {
    match error.code() {
        Some(state) if is_about_the_data(state) => refused(state.code(), chain(error)),
        Some(_) => unavailable(chain(error)),
        None => unclear(chain(error)),
    }
}

/// Classes 22 (data exception) and 23 (integrity constraint violation): the same order will not be taken later either.
/// <https://www.postgresql.org/docs/current/errcodes-appendix.html>
fn is_about_the_data(state: &SqlState) -> bool {
    state.code().starts_with("22") || state.code().starts_with("23")
}

fn unavailable(detail: String) -> CallError {
    CallError::Unavailable { partner: LEGACY.name, detail }
}

fn unclear(detail: String) -> CallError {
    CallError::Unclear { partner: LEGACY.name, detail }
}

fn refused(code: &str, detail: String) -> CallError {
    CallError::Refused { partner: LEGACY.name, code: code.to_owned(), detail }
}

/// An error with its causes.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
