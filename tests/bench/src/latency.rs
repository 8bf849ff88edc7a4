//! Submit, and submit to PLACED: Carryout's flow beside the naive one, in one process on the same store in the same run;
//! and through the whole stack, from HTTP.

use carryout_market::{MarketType, ids};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use carryout::Stack;
use carryout::client::{Client, POLL};
use carryout_checkout::order::OrderStatus;
use carryout_checkout::submit::CheckoutAnswer;
use carryout_lambda::ids::new_id;
use carryout_pricing::Quote;
use local_cloud::Project;

use crate::naive::Naive;
use crate::rig::{self, Basket, Rig, Tables};
use crate::{quantile, sorted};

/// Measures `orders` orders of each flow, in turns, so that what slows the machine slows both.
pub async fn measure(project: &Project, orders: usize) -> Result<()> {
    let stack = Stack::deployed(project)?;
    let rig = Rig::new(Tables::of(&stack).await?);
    let naive = Naive::new(rig.tables(), stack.output("SandboxTable")?);
    let baskets = rig::baskets(ids::US, MarketType::Restaurant, orders)?;

    let (mut ours, mut theirs) = (Timings::default(), Timings::default());
    for basket in &baskets {
        ours.add(one_of_ours(&rig, basket).await?);
        theirs.add(one_of_theirs(&rig, &naive, basket).await?);
    }
    let client = Client::new(project, &stack)?;
    let mut stacked = Timings::default();
    for basket in &baskets {
        stacked.add(through_the_stack(&client, basket).await?);
    }

    println!("\nlatency ({orders} orders one after another, partners that answer at once)");
    println!("  {:<34} {:>10} {:>10} {:>14} {:>14}", "", "submit p50", "p95", "to PLACED p50", "p95");
    let ours = ours.print("in one process: Carryout");
    let theirs = theirs.print("in one process: naive");
    println!(
        "  {:<34} {:>9.2}x {:>9.2}x {:>13.2}x {:>13.2}x",
        "  naive ÷ Carryout",
        theirs[0] / ours[0],
        theirs[1] / ours[1],
        theirs[2] / ours[2],
        theirs[3] / ours[3]
    );
    stacked.print("through the stack: HTTP to PLACED");
    Ok(())
}

/// Milliseconds: submit, and submit to PLACED.
#[derive(Default)]
struct Timings {
    submit: Vec<f64>,
    placed: Vec<f64>,
}

impl Timings {
    fn add(&mut self, (submit, placed): (f64, f64)) {
        self.submit.push(submit);
        self.placed.push(placed);
    }

    fn print(self, name: &str) -> [f64; 4] {
        let (submit, placed) = (sorted(self.submit), sorted(self.placed));
        let values = [quantile(&submit, 0.5), quantile(&submit, 0.95), quantile(&placed, 0.5), quantile(&placed, 0.95)];
        println!("  {name:<34} {:>7.1} ms {:>7.1} ms {:>11.1} ms {:>11.1} ms", values[0], values[1], values[2], values[3]);
        values
    }
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1_000.0
}

async fn one_of_ours(rig: &Rig, basket: &Basket) -> Result<(f64, f64)> {
    let quote = rig.quote(basket).await?;
    let started = Instant::now();
    let order = rig.submit(basket, &quote).await?;
    let submit = milliseconds(started);
    rig.process(&order, |_| {}).await?;
    Ok((submit, milliseconds(started)))
}

async fn one_of_theirs(rig: &Rig, naive: &Naive, basket: &Basket) -> Result<(f64, f64)> {
    let quote = rig.quote(basket).await?;
    let started = Instant::now();
    let order = naive.submit(basket, &quote).await?;
    let submit = milliseconds(started);
    naive.process(&order, basket, &quote, |_| {}).await?;
    Ok((submit, milliseconds(started)))
}

async fn through_the_stack(client: &Client, basket: &Basket) -> Result<(f64, f64)> {
    let consumer = &basket.consumer.id;
    let quote: Quote = client.quote(consumer, &basket.cart).await?.expect(201)?;
    let started = Instant::now();
    let answer: CheckoutAnswer = client.checkout(consumer, &quote, &basket.payment_method, &new_id("key")).await?.expect(202)?;
    let submit = milliseconds(started);
    let order = client.follow(consumer, &answer.order_id, Duration::from_secs(120), POLL, |_| {}).await?;
    ensure!(order.status == OrderStatus::Placed, "order {} ended {}", order.id, order.status);
    // By the order's own clock: polling would round the time up.
    Ok((submit, (order.updated_at - order.created_at) as f64))
}
