//! What a quote waits for: providers that are asked at the same time, against one after another.

use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use carryout_environment::Timer;
use carryout_pricing::{
    CONSUMER, Context, Contribution, FEES, ITEMS, LastKnown, PROMOTIONS, Price, Provider, ProviderError, Providers, TAXES, price,
};
use futures::future::{BoxFuture, FutureExt as _, ready};

use crate::{price as engine, quantile, sorted};

/// Quotes of each kind; the median counts.
const RUNS: usize = 40;
/// How long each provider takes. Milliseconds.
const TAKES: u32 = 20;

/// Measures a quote of ten lines whose context comes from five providers.
pub async fn measure() -> Result<()> {
    println!("\nquote with five providers of {TAKES} ms each ({RUNS} runs; wanted: at most {} ms)", TAKES + 3);
    let asked = Context { tip: 0, ..engine::cart(10)? };
    let answers = [
        (ITEMS, Contribution::Lines(asked.currency, asked.lines.clone())),
        (TAXES, Contribution::Taxes(asked.taxes.clone())),
        (FEES, Contribution::Fees(asked.fees.clone())),
        (PROMOTIONS, Contribution::Promotions(asked.promotions.clone())),
        (CONSUMER, Contribution::Attribute("consumer".to_owned(), asked.attributes["consumer"].clone())),
    ];
    let expected = price(&asked)?;

    let mut providers = Providers::default();
    for (criticality, answer) in &answers {
        providers = providers.with(criticality, Slow(answer.clone()), None);
    }
    let mut at_once = Vec::with_capacity(RUNS);
    let mut in_turn = Vec::with_capacity(RUNS);
    for _ in 0..RUNS {
        let started = Instant::now();
        let context = providers.context(&(), &Tokio, &Nothing).await?;
        check(&price(&context)?, &expected)?;
        at_once.push(started.elapsed().as_secs_f64() * 1e3);

        let started = Instant::now();
        for (_, answer) in &answers {
            black_box(Slow(answer.clone()).provide(&()).await?);
        }
        check(&price(&asked)?, &expected)?;
        in_turn.push(started.elapsed().as_secs_f64() * 1e3);
    }
    print("at the same time", at_once);
    print("one after another", in_turn);
    Ok(())
}

fn print(name: &str, times: Vec<f64>) {
    let times = sorted(times);
    println!("  {name:<18} median {:>6.1} ms, p95 {:>6.1} ms", quantile(&times, 0.5), quantile(&times, 0.95));
}

fn check(found: &Price, expected: &Price) -> Result<()> {
    ensure!(found == expected, "the providers gave another context");
    Ok(())
}

/// Answers after a while.
struct Slow(Contribution);

impl Provider<()> for Slow {
    fn provide<'a>(&'a self, (): &'a ()) -> BoxFuture<'a, Result<Contribution, ProviderError>> {
        async move {
            Tokio.sleep(TAKES).await;
            Ok(self.0.clone())
        }
        .boxed()
    }
}

/// The runtime's clock.
struct Tokio;

impl Timer for Tokio {
    fn sleep(&self, milliseconds: u32) -> BoxFuture<'_, ()> {
        tokio::time::sleep(Duration::from_millis(milliseconds.into())).boxed()
    }
}

/// Remembers nothing.
struct Nothing;

impl LastKnown<()> for Nothing {
    fn last_known<'a>(&'a self, _: &'static str, (): &'a ()) -> BoxFuture<'a, Option<Contribution>> {
        ready(None).boxed()
    }

    fn keep<'a>(&'a self, _: &'static str, (): &'a (), _: &'a Contribution) -> BoxFuture<'a, ()> {
        ready(()).boxed()
    }
}
