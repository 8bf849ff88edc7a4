//! A round of orders on a running stack: sent over HTTP, followed live, and compared with what the partners' books say.

mod report;
mod scenarios;
pub mod shopping;

use carryout_market::MarketId;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use carryout_checkout::{cart::CartLine, order::OrderStatus, submit::CheckoutAnswer, track::OrderView};
use carryout_lambda::ids::new_id;
use carryout_marketplace::Marketplace;
use carryout_pricing::Quote;
use futures::{StreamExt as _, stream};
use jiff::Timestamp;

use crate::client::{Books, Client, POLL, Reply};
use local_cloud::Terminal;
use scenarios::{Expect, Order, Scenario};
use shopping::{Basket, Shopper, Wanted};

pub use report::Report;

/// Orders that are under way at the same time.
const CONCURRENCY: usize = 8;
/// How long an order may take to end.
const PATIENCE: Duration = Duration::from_secs(150);

/// What came of one request of the demo.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// What happened, in a few words.
    pub name: &'static str,
    /// The market's country.
    pub country: MarketId,
    /// The order, if one was taken.
    pub order: Option<Placed>,
    /// The refusal, if none was.
    pub refusal: Option<Refusal>,
    /// From request to end.
    pub took: Duration,
    /// What is not as it should be; nothing if all is well.
    pub wrong: Option<String>,
}

/// An order that was taken, at its end.
#[derive(Debug, Clone)]
pub struct Placed {
    /// The order.
    pub view: OrderView,
    /// What the partners' books say of it.
    pub books: Books,
}

/// A request that was refused.
#[derive(Debug, Clone)]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// The problem's code.
    pub code: String,
    /// What it said.
    pub detail: String,
}

/// A scenario with who plays it.
struct Play {
    scenario: Scenario,
    baskets: Vec<Basket>,
}

/// Plays every scenario and reports.
pub async fn run(client: Client, marketplace: &Marketplace, terminal: &Terminal) -> Result<Report> {
    client.clear_faults().await?;
    let plays = cast(marketplace)?;
    let client = Arc::new(client);
    let board = terminal.board(plays.len());
    let outcomes: Vec<Vec<Outcome>> = stream::iter(plays)
        .map(|play| {
            let (client, line) = (Arc::clone(&client), board.line());
            async move {
                let name = format!("{} {}", play.scenario.country, play.scenario.name);
                line.say(&format!("{name}: ordering"));
                let outcomes =
                    play_one(&client, &play, |view| line.say(&format!("{name}: {} {}", view.status, under_way(view)))).await;
                line.finish(&summary(&name, &outcomes));
                outcomes
            }
        })
        .buffered(CONCURRENCY)
        .collect()
        .await;
    board.done();
    client.clear_faults().await?;
    Ok(Report { outcomes: outcomes.into_iter().flatten().collect() })
}

/// Finds who plays what.
fn cast(marketplace: &Marketplace) -> Result<Vec<Play>> {
    let mut shopper = Shopper::new(marketplace, Timestamp::now().as_millisecond());
    // Whoever pays with a declined card must have one: they are picked first.
    let mut plays: Vec<(usize, Scenario)> = scenarios::scenarios().into_iter().enumerate().collect();
    plays.sort_by_key(|(_, scenario)| scenario.order != Order::DeclinedCard);
    let mut cast: Vec<(usize, Play)> = Vec::with_capacity(plays.len());
    for (index, scenario) in plays {
        let baskets =
            baskets(&mut shopper, &scenario).with_context(|| format!("the scenario {:?} can't be played", scenario.name))?;
        cast.push((index, Play { scenario, baskets }));
    }
    cast.sort_by_key(|(index, _)| *index);
    Ok(cast.into_iter().map(|(_, play)| play).collect())
}

fn baskets(shopper: &mut Shopper<'_>, scenario: &Scenario) -> Result<Vec<Basket>> {
    let wanted = match scenario.order {
        Order::ClosedStore => Wanted::Closed,
        Order::FullKitchen => Wanted::NotAccepting,
        Order::SoldOut => Wanted::WithSoldOut,
        _ => Wanted::Open,
    };
    let (consumer, store) = shopper.pick(scenario.country, scenario.market_type, wanted)?;
    let payment_method = match scenario.order {
        Order::DeclinedCard => shopping::declined_card(&consumer)?,
        _ => shopping::working_card(&consumer)?,
    };
    let mut cart = match scenario.order {
        Order::Delivery { lines } => shopping::delivery(&consumer, &store, lines),
        Order::Pickup => shopping::pickup(&consumer, &store),
        _ => shopping::delivery(&consumer, &store, 2),
    };
    match scenario.order {
        Order::SoldOut => {
            let item = store.items.iter().find(|item| item.available && item.stock == 0).context("nothing is sold out")?;
            cart.lines.push(CartLine { item_id: item.id.clone(), quantity: 1 });
        }
        Order::LastOnes => {
            let item = store.items.iter().filter(|item| item.available && item.stock > 0).min_by_key(|item| item.stock);
            let item = item.context("nothing is in stock")?;
            cart.lines = vec![CartLine { item_id: item.id.clone(), quantity: item.stock }];
            let other = shopper.another(&store)?;
            let same = carryout_checkout::cart::Cart {
                address_id: other.addresses.first().map(|address| address.id.clone()),
                ..cart.clone()
            };
            let second = Basket { payment_method: shopping::working_card(&other)?, consumer: other, cart: same };
            return Ok(vec![Basket { consumer, cart, payment_method }, second]);
        }
        _ => {}
    }
    Ok(vec![Basket { consumer, cart, payment_method }])
}

async fn play_one(client: &Client, play: &Play, mut tell: impl FnMut(&OrderView)) -> Vec<Outcome> {
    let started = Instant::now();
    let scenario = &play.scenario;
    let failed = |error: anyhow::Error| {
        vec![Outcome {
            name: scenario.name,
            country: scenario.country,
            order: None,
            refusal: None,
            took: started.elapsed(),
            wrong: Some(format!("{error:#}")),
        }]
    };
    let replies = match send(client, play).await {
        Ok(replies) => replies,
        Err(error) => return failed(error),
    };
    let mut outcomes = Vec::with_capacity(replies.len());
    for (consumer, reply) in replies {
        match finish(client, scenario, &consumer, &reply, started, &mut tell).await {
            Ok(outcome) => outcomes.push(outcome),
            Err(error) => outcomes.extend(failed(error)),
        }
    }
    let placed = |outcome: &Outcome| outcome.order.as_ref().is_some_and(|order| order.view.status == OrderStatus::Placed);
    if scenario.expect == Expect::OnePlaced && outcomes.iter().filter(|outcome| placed(outcome)).count() != 1 {
        outcomes.iter_mut().for_each(|outcome| outcome.wrong = Some("not exactly one of them got the last ones".to_owned()));
    }
    outcomes
}

/// Sends what the scenario sends. Gives each reply with the consumer whom it concerns.
async fn send(client: &Client, play: &Play) -> Result<Vec<(String, Reply)>> {
    let scenario = &play.scenario;
    for fault in &scenario.faults {
        let mut fault = fault.clone();
        fault["consumer_id"] = play.baskets[0].consumer.id.clone().into();
        client.set_fault(&fault).await?;
    }
    let mut quotes = Vec::with_capacity(play.baskets.len());
    for basket in &play.baskets {
        let quote: Quote = client.quote(&basket.consumer.id, &basket.cart).await?.expect(201)?;
        quotes.push(quote);
    }
    let basket = &play.baskets[0];
    let (consumer, quote, key) = (&basket.consumer.id, &quotes[0], new_id("key"));
    let card = &basket.payment_method.id;
    match scenario.order {
        Order::SameKeyTwice => {
            let (first, second) =
                futures::try_join!(client.checkout(consumer, quote, card, &key), client.checkout(consumer, quote, card, &key))?;
            let (one, two): (CheckoutAnswer, CheckoutAnswer) = (first.expect(202)?, second.expect(202)?);
            anyhow::ensure!(one.order_id == two.order_id, "the same key gave two orders: {} and {}", one.order_id, two.order_id);
            Ok(vec![(consumer.clone(), first)])
        }
        Order::SameKeyOtherBody => {
            let first = client.checkout(consumer, quote, card, &key).await?;
            let _: CheckoutAnswer = first.expect(202)?;
            let other: Quote = client.quote(consumer, &basket.cart).await?.expect(201)?;
            let second = client.checkout(consumer, &other, card, &key).await?;
            Ok(vec![(consumer.clone(), first), (consumer.clone(), second)])
        }
        Order::LastOnes => {
            let (other, other_key) = (&play.baskets[1], new_id("key"));
            let (first, second) = futures::try_join!(
                client.checkout(consumer, quote, card, &key),
                client.checkout(&other.consumer.id, &quotes[1], &other.payment_method.id, &other_key)
            )?;
            Ok(vec![(consumer.clone(), first), (other.consumer.id.clone(), second)])
        }
        _ => Ok(vec![(consumer.clone(), client.checkout(consumer, quote, card, &key).await?)]),
    }
}

/// Follows what a reply promises to its end, and holds it against what the scenario expects.
async fn finish(
    client: &Client,
    scenario: &Scenario,
    consumer: &str,
    reply: &Reply,
    started: Instant,
    tell: &mut impl FnMut(&OrderView),
) -> Result<Outcome> {
    let outcome = |order, refusal, wrong| Outcome {
        name: scenario.name,
        country: scenario.country,
        order,
        refusal,
        took: started.elapsed(),
        wrong,
    };
    if reply.status != 202 {
        let detail = reply.body["detail"].as_str().unwrap_or_default().to_owned();
        let refusal = Refusal { status: reply.status, code: reply.code().to_owned(), detail };
        let wrong = match scenario.expect {
            Expect::Refused(status, code) if status == reply.status && code == refusal.code => None,
            Expect::OnePlaced if refusal.code == "Item.SoldOut" => None,
            expected => Some(format!("expected {expected:?}, got {} {}", reply.status, reply.body)),
        };
        return Ok(outcome(None, Some(refusal), wrong));
    }
    let answer: CheckoutAnswer = reply.expect(202)?;
    let view = client.follow(consumer, &answer.order_id, PATIENCE, POLL, |view| tell(view)).await?;
    let books = client.books(&answer.order_id).await?;
    let contradiction = match view.status {
        OrderStatus::Placed => books.summary.contradicts_placed(view.total.minor, view.fulfilment == "delivery"),
        OrderStatus::Failed | OrderStatus::Cancelled => books.summary.contradicts_undone(),
        OrderStatus::Submitted | OrderStatus::Processing | OrderStatus::Parked => None,
    };
    let code = view.failure.as_ref().map(|failure| failure.code.as_str());
    let unexpected = match (scenario.expect, view.status) {
        (Expect::Placed | Expect::OnePlaced | Expect::Refused(..), OrderStatus::Placed) => None,
        (Expect::Failed(expected), OrderStatus::Failed) if code == Some(expected) => None,
        (Expect::OnePlaced, OrderStatus::Failed) if code == Some("Item.SoldOut") => None,
        (expected, status) => Some(format!("expected {expected:?}, got {status} {}", code.unwrap_or_default())),
    };
    Ok(outcome(Some(Placed { view, books }), None, contradiction.or(unexpected)))
}

/// The step that an order is at.
fn under_way(view: &OrderView) -> String {
    use carryout_workflow::{StepState, UndoState};
    let undoing = view.steps.iter().rfind(|step| step.undo == UndoState::Running).map(|step| format!("undoing {}", step.step));
    let running = || view.steps.iter().rfind(|step| matches!(step.state, StepState::Running | StepState::Waiting));
    undoing.or_else(|| running().map(|step| step.step.clone())).unwrap_or_default()
}

fn summary(name: &str, outcomes: &[Outcome]) -> String {
    let ends: Vec<String> = outcomes
        .iter()
        .map(|outcome| match (&outcome.order, &outcome.refusal, &outcome.wrong) {
            (_, _, Some(wrong)) => format!("WRONG: {wrong}"),
            (Some(order), _, _) => order.view.status.to_string(),
            (_, Some(refusal), _) => format!("refused {}", refusal.code),
            _ => String::new(),
        })
        .collect();
    let took = outcomes.iter().map(|outcome| outcome.took).max().unwrap_or_default();
    format!("{name}: {} ({:.1} s)", ends.join(", "), took.as_secs_f64())
}
