//! Where a test plays: its own store, at sea, where nobody else looks for one, and its own consumer next door. Both are
//! copies of the marketplace's, under fresh ids.

use crate::emulator::Emulator;
use anyhow::{Context as _, Result, bail, ensure};
use carryout::client::{self, Books, Client, Reply};
use carryout::{Stack, marketplace, shopping};
use carryout_aws::{Aws, DynamoCatalog, DynamoCatalogWriter, DynamoConsumerWriter, DynamoDocuments, DynamoOrders, ManagedSecret};
use carryout_checkout::{
    cart::Cart,
    consumer::{Consumer, PaymentMethod},
    ledger::{Balance, BalanceAmount},
    order::{Order, OrderStatus},
    ports::{Catalog as _, Orders as _},
    store::{Location, Opening, StoreWithMenu},
    submit::CheckoutAnswer,
    track::OrderView,
};
use carryout_environment::Secrets as _;
use carryout_lambda::{ids::new_id, signature::KeyRing};
use carryout_market::{MarketId, MarketType};
use carryout_pricing::Quote;
use carryout_workflow::{StepState, UndoState, run};
use local_cloud::Project;
use local_cloud::process::{CLOUD_ID, ProcessIdentity, marked, variable};
use local_cloud::{Home, Record};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpStream};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// How long an order may take to end. A slow emulator, and a partner that is waited for, take their time.
pub const PATIENCE: Duration = Duration::from_secs(150);
/// How often something is looked at again.
const POLL: Duration = Duration::from_millis(100);
/// How many there are of each item, unless a test says otherwise.
pub const STOCK: u32 = 50;

/// The deployed stack, and the ways into it.
pub struct Harness {
    pub project: Project,
    pub stack: Stack,
    pub client: Client,
    pub aws: Aws,
    pub emulator: Option<Emulator>,
    leftovers: Mutex<Vec<Leftover>>,
}

/// What is removed in the end.
pub enum Leftover {
    /// A fault of the sandbox: one that was never played would stay.
    Fault(String),
    /// A table that was made here.
    Table(String),
}

impl Harness {
    /// The stack that is deployed.
    ///
    /// # Errors
    ///
    /// At once, where none is deployed or its cloud is down.
    pub async fn set() -> Result<Self> {
        let project = Project::find()?;
        let Ok(stack) = Stack::deployed(&project) else {
            bail!("no stack is deployed from this checkout: run `make e2e`");
        };
        if let Some(endpoint) = &stack.endpoint
            && !answers(endpoint)
        {
            bail!("the stack's cloud at {endpoint} is down: run `make e2e`");
        }
        let client = Client::new(&project, &stack)?;
        let aws = stack.aws().await;
        let emulator = stack.endpoint.as_deref().map(|endpoint| Emulator::new(endpoint, &stack.region)).transpose()?;
        Ok(Self { project, stack, client, aws, emulator, leftovers: Mutex::default() })
    }

    /// A table or another of the stack's outputs.
    pub fn output(&self, name: &str) -> Result<&str> {
        self.stack.output(name)
    }

    /// A store that never closes and has [`STOCK`] of everything, with a consumer whom it delivers to.
    pub async fn fixture(&self, country: MarketId, market_type: MarketType) -> Result<Fixture<'_>> {
        self.scene_with(country, market_type, |_| {}).await
    }

    /// The same with a store that is changed before it opens.
    pub async fn scene_with(
        &self,
        country: MarketId,
        market_type: MarketType,
        change: impl FnOnce(&mut StoreWithMenu),
    ) -> Result<Fixture<'_>> {
        let marketplace = marketplace(1);
        let template = marketplace
            .stores
            .iter()
            .find(|store| store.store.country == country && store.store.market_type == market_type && store.items.len() > 3)
            .with_context(|| format!("the marketplace has no {market_type} in {country}"))?;
        let mut store = settled_at(template, at_sea());
        change(&mut store);
        let fixture = Fixture { harness: self, consumer: self.neighbour(&store, &marketplace.consumers)?, store };
        futures::try_join!(fixture.write_store(), self.sign_up(&fixture.consumer))?;
        Ok(fixture)
    }

    /// Somebody next door to `store`, with a card that works and one that does not. Not signed up yet.
    pub fn neighbour(&self, store: &StoreWithMenu, consumers: &[Consumer]) -> Result<Consumer> {
        // The first of each market is unremarkable.
        let mut consumer =
            consumers.iter().find(|consumer| consumer.country == store.store.country).context("nobody lives there")?.clone();
        consumer.id = new_id("con");
        consumer.addresses.truncate(1);
        for address in &mut consumer.addresses {
            address.id = new_id("adr");
            address.location = Location { lat: store.store.location.lat + 0.01, ..store.store.location };
        }
        for method in &mut consumer.payment_methods {
            method.id = new_id("pay");
        }
        Ok(consumer)
    }

    /// Writes a consumer.
    pub async fn sign_up(&self, consumer: &Consumer) -> Result<()> {
        let writer = DynamoConsumerWriter::new(&self.aws, self.output("ConsumersTable")?);
        writer.write(std::slice::from_ref(consumer)).await.context("the consumer could not be written")
    }

    /// Writes a store and its menu.
    pub async fn write_store(&self, store: &StoreWithMenu) -> Result<()> {
        let writer = DynamoCatalogWriter::new(&self.aws, self.output("StoresTable")?);
        writer.write(store).await.context("the store could not be written")
    }

    /// The order as it is stored.
    pub async fn stored(&self, order_id: &str) -> Result<Order> {
        let orders = DynamoOrders::new(&self.aws, self.output("OrdersTable")?);
        orders.order(order_id).await?.with_context(|| format!("there is no order {order_id}"))
    }

    /// The keys that the stack signs with, by the output that names their secret.
    pub async fn keys(&self, output: &str) -> Result<KeyRing> {
        let secret = ManagedSecret::new(&self.aws, self.output(output)?).secret().await?;
        Ok(KeyRing::new(&secret.current, secret.previous.as_deref()))
    }

    /// The processes that play a function, where functions are processes of this machine's own local cloud.
    pub fn processes_of(&self, function: &str) -> Result<Option<Vec<ProcessIdentity>>> {
        let cloud = Record::read(&self.project)?.filter(|cloud| matches!(cloud.home, Home::Process { .. }));
        let Some(cloud) = cloud.filter(|cloud| self.stack.endpoint.as_ref() == Some(&cloud.endpoint)) else { return Ok(None) };
        let name = format!("{}-{function}", self.stack.stack);
        let plays = |process: &ProcessIdentity| variable(process.pid, "AWS_LAMBDA_FUNCTION_NAME").as_ref() == Some(&name);
        Ok(Some(marked(CLOUD_ID, &cloud.id).into_iter().filter(plays).collect()))
    }

    /// Tells the sandbox to fail.
    pub async fn fault(&self, fault: &Value) -> Result<()> {
        let set: Value = self.client.as_operator(Method::POST, "/v1/ops/sandbox/faults", Some(fault)).await?.expect(201)?;
        let id = set["id"].as_str().context("the fault has no id")?.to_owned();
        self.remove_in_the_end(Leftover::Fault(id));
        Ok(())
    }

    /// Has something removed when this harness goes.
    pub fn remove_in_the_end(&self, leftover: Leftover) {
        self.leftovers.lock().unwrap_or_else(PoisonError::into_inner).push(leftover);
    }

    async fn remove(&self, leftover: &Leftover) -> Result<()> {
        match (leftover, &self.emulator) {
            (Leftover::Fault(id), _) => {
                // Not by the client and the adapters of the test: their connections end with its runtime.
                let documents = DynamoDocuments::new(&self.stack.aws().await, self.output("SandboxTable")?);
                Ok(documents.remove("faults", id).await?)
            }
            (Leftover::Table(name), Some(emulator)) => emulator.again()?.remove_table(name).await,
            (Leftover::Table(_), None) => Ok(()),
        }
    }
}

impl Drop for Harness {
    fn drop(&mut self) {
        let leftovers = std::mem::take(&mut *self.leftovers.lock().unwrap_or_else(PoisonError::into_inner));
        if leftovers.is_empty() {
            return;
        }
        let remove = || -> Result<()> {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async { futures::future::try_join_all(leftovers.iter().map(|left| self.remove(left))).await })?;
            Ok(())
        };
        // A runtime does not block inside another one.
        match std::thread::scope(|scope| scope.spawn(remove).join()) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => eprintln!("something was left behind: {error:#}"),
            Err(_) => eprintln!("something was left behind"),
        }
    }
}

/// A store and a consumer whom it delivers to.
pub struct Fixture<'a> {
    pub harness: &'a Harness,
    pub store: StoreWithMenu,
    pub consumer: Consumer,
}

impl Fixture<'_> {
    /// Writes the store as it is here: stock and prices, too.
    pub async fn write_store(&self) -> Result<()> {
        self.harness.write_store(&self.store).await
    }

    /// Two kinds of items, three pieces, to be delivered.
    pub fn cart(&self) -> Cart {
        shopping::delivery(&self.consumer, &self.store, 2)
    }

    /// The same to be fetched.
    pub fn pickup(&self) -> Cart {
        shopping::pickup(&self.consumer, &self.store)
    }

    pub fn working_card(&self) -> Result<PaymentMethod> {
        shopping::working_card(&self.consumer)
    }

    pub fn declined_card(&self) -> Result<PaymentMethod> {
        shopping::declined_card(&self.consumer)
    }

    /// What the sandbox does wrong for this consumer's orders.
    pub async fn fault(&self, partner: &str, operation: &str, kind: &str, more: Value) -> Result<()> {
        let mut fault = json!({ "partner": partner, "operation": operation, "kind": kind, "consumer_id": self.consumer.id });
        if let (Some(fault), Some(more)) = (fault.as_object_mut(), more.as_object()) {
            fault.extend(more.clone());
        }
        self.harness.fault(&fault).await
    }

    pub async fn quote(&self, cart: &Cart) -> Result<Quote> {
        self.harness.client.quote(&self.consumer.id, cart).await?.expect(201)
    }

    /// Orders at a quote with a fresh key.
    pub async fn checkout(&self, quote: &Quote, card: &PaymentMethod) -> Result<Reply> {
        self.harness.client.checkout(&self.consumer.id, quote, &card.id, &new_id("key")).await
    }

    /// Orders at a quote with the card that works; gives the order's id.
    pub async fn order(&self, quote: &Quote) -> Result<String> {
        let answer: CheckoutAnswer = self.checkout(quote, &self.working_card()?).await?.expect(202)?;
        Ok(answer.order_id)
    }

    /// The order as its consumer sees it.
    pub async fn view(&self, order_id: &str) -> Result<OrderView> {
        self.harness.client.order(&self.consumer.id, order_id).await
    }

    pub async fn end(&self, order_id: &str) -> Result<OrderView> {
        self.harness.client.follow(&self.consumer.id, order_id, PATIENCE, client::POLL, |_| {}).await
    }

    pub async fn books(&self, order_id: &str) -> Result<Books> {
        self.harness.client.books(order_id).await
    }

    /// How many there are of each item.
    pub async fn stock(&self) -> Result<BTreeMap<String, u32>> {
        let catalog = DynamoCatalog::new(&self.harness.aws, self.harness.output("StoresTable")?);
        let found = catalog.store(&self.store.store.id).await?.context("the store is gone")?;
        Ok(found.items.into_iter().map(|item| (item.id, item.stock)).collect())
    }

    /// How many there should be of each item once only `sold` is sold.
    pub fn stock_without(&self, sold: &[&Quote]) -> BTreeMap<String, u32> {
        let mut stock: BTreeMap<String, u32> = self.store.items.iter().map(|item| (item.id.clone(), item.stock)).collect();
        for line in sold.iter().flat_map(|quote| &quote.terms.price.lines) {
            if let Some(left) = stock.get_mut(&*line.item_id) {
                *left = left.saturating_sub(line.quantity);
            }
        }
        stock
    }

    /// Follows an order to its end, and holds what everybody knows of it against what a placed order is: every step done
    /// once and for good, its total charged once, one courier or none, the store told, the stock gone, the quote used.
    pub async fn assert_placed(&self, order_id: &str, quote: &Quote) -> Result<OrderView> {
        let view = self.end(order_id).await?;
        ensure!(view.status == OrderStatus::Placed, "{order_id} is {}: {:?}", view.status, view.failure);
        let total = quote.terms.price.total;
        ensure!(view.total == total, "{order_id} costs {:?}, the quote said {total:?}", view.total);
        for step in &view.steps {
            let skipped = step.step == "create-delivery" && !quote.terms.delivery;
            let expected = if skipped { StepState::Skipped } else { StepState::Done };
            ensure!(step.state == expected && step.undo == UndoState::None, "{order_id} left {step:?}");
        }
        let certain = |amount| BalanceAmount { amount, pending: 0 };
        let balance = view.balance.with_context(|| format!("the ledger of {order_id} contradicts itself: {:?}", view.ledger))?;
        let paid = Balance { currency: Some(total.currency), charged: certain(total.minor), ..Balance::default() };
        ensure!(balance == paid, "the ledger of {order_id} comes to {balance:?}: {:?}", view.ledger);
        let books = self.books(order_id).await?;
        if let Some(contradiction) = books.summary.contradicts_placed(total.minor, quote.terms.delivery) {
            bail!("the books contradict {order_id}: {contradiction}: {}", books.all);
        }
        let (left, expected) = (self.stock().await?, self.stock_without(&[quote]));
        ensure!(left == expected, "stock is {left:?} instead of {expected:?}");
        let again = self.checkout(quote, &self.working_card()?).await?;
        ensure!(again.status == 409 && again.code() == "Quote.Used", "the quote was not used: {} {}", again.status, again.body);
        Ok(view)
    }

    /// Follows an order to its end, and holds what everybody knows of it against what a failed order is: a reason with
    /// advice, and nothing left anywhere, so that the same quote can be ordered at again. It is, and that order is placed.
    pub async fn assert_undone(&self, order_id: &str, quote: &Quote, code: &str) -> Result<OrderView> {
        let view = self.assert_nothing_left(order_id, code).await?;
        let second = self.order(quote).await.context("the quote was not released")?;
        self.assert_placed(&second, quote).await.context("the second order at the released quote")?;
        Ok(view)
    }

    /// The same without the second order.
    pub async fn assert_nothing_left(&self, order_id: &str, code: &str) -> Result<OrderView> {
        let view = self.end(order_id).await?;
        let failure = view.failure.as_ref();
        let cancelled = code == run::CANCEL_REQUESTED.name;
        let ended = if cancelled { OrderStatus::Cancelled } else { OrderStatus::Failed };
        ensure!(view.status == ended, "{order_id} is {} {failure:?}", view.status);
        let failure = failure.with_context(|| format!("{order_id} does not say why it failed"))?;
        ensure!(failure.code == code, "{order_id} failed with {failure:?} instead of {code}");
        ensure!(!failure.advice.is_empty() && !failure.message.is_empty(), "{failure:?} does not help");
        let books = self.books(order_id).await?;
        if let Some(left) = books.summary.contradicts_undone() {
            bail!("of {order_id} something is left: {left}: {}", books.all);
        }
        let balance = view.balance.with_context(|| format!("the ledger of {order_id} contradicts itself: {:?}", view.ledger))?;
        let nothing = BalanceAmount::default();
        ensure!(
            (balance.authorized, balance.charged) == (nothing, nothing),
            "the ledger of {order_id} comes to {balance:?}: {:?}",
            view.ledger
        );
        let (left, expected) = (self.stock().await?, self.stock_without(&[]));
        ensure!(left == expected, "stock is {left:?} instead of {expected:?}");
        Ok(view)
    }
}

/// Asserts that a problem says what it is, in full.
pub fn assert_problem(reply: &Reply, status: u16, code: &str, field: Option<&str>) {
    let body = &reply.body;
    assert_eq!((reply.status, reply.code(), body["field"].as_str()), (status, code, field), "{body}");
    assert_eq!(reply.headers.get("content-type").map(String::as_str), Some("application/problem+json"));
    assert_eq!(body["status"], status, "{body}");
    for member in ["title", "detail", "trace_id"] {
        assert!(body[member].as_str().is_some_and(|text| !text.is_empty()), "no {member}: {body}");
    }
    assert_eq!(body["retryable"], matches!(status, 429 | 500..), "{body}");
}

/// How often a fault of this kind was played for the order. A test of a fault that was not played proves nothing.
pub fn times_played(books: &Books, kind: &str) -> usize {
    let calls = books.all["calls"].as_array().map(Vec::as_slice).unwrap_or_default();
    calls.iter().filter(|call| call["fault"]["kind"] == kind).count()
}

/// Asks again and again until there is an answer.
pub async fn eventually<T>(what: &str, mut ask: impl AsyncFnMut() -> Result<Option<T>>) -> Result<T> {
    let started = Instant::now();
    loop {
        if let Some(answer) = ask().await? {
            return Ok(answer);
        }
        ensure!(started.elapsed() < PATIENCE, "{what}: not within {} s", PATIENCE.as_secs());
        tokio::time::sleep(POLL).await;
    }
}

/// A copy of a store at another place and under fresh ids, which never closes and has [`STOCK`] of everything.
pub fn settled_at(template: &StoreWithMenu, location: Location) -> StoreWithMenu {
    let mut copy = template.clone();
    copy.store.id = new_id("sto");
    copy.store.location = location;
    copy.store.delivery_radius = 6_000;
    copy.store.accepting_orders = true;
    copy.store.hours = (1..=7).map(|weekday| Opening { weekday, from: 0, until: 1_440 }).collect();
    for item in &mut copy.items {
        item.id = new_id("itm");
        item.store_id.clone_from(&copy.store.id);
        item.available = true;
        item.stock = STOCK;
    }
    copy
}

/// Somewhere in the Southern Ocean, far from everybody's stores and from other tests'.
pub fn at_sea() -> Location {
    let (_, random) = Uuid::now_v7().as_u64_pair();
    let share = |bits: u64| (bits & 0xff_ffff) as f64 / f64::from(0x100_0000);
    // To four places, about ten metres, as addresses are: more than JSON and DynamoDB keep to the last bit.
    let degrees = |value: f64| (value * 10_000.0).round() / 10_000.0;
    Location { lat: degrees(-60.0 + 10.0 * share(random)), lng: degrees(-180.0 + 360.0 * share(random >> 24)) }
}

fn answers(endpoint: &str) -> bool {
    let Ok(url) = reqwest::Url::parse(endpoint) else { return false };
    let found = url.socket_addrs(|| None).unwrap_or_default();
    found.iter().any(|address: &SocketAddr| TcpStream::connect_timeout(address, Duration::from_secs(2)).is_ok())
}
