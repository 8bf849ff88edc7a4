//! DynamoDB requests of a placed order, counted where they leave the process, step by step.

use anyhow::{Result, ensure};
use carryout::Stack;
use carryout_market::{MarketType, ids};

use crate::naive::Naive;
use crate::rig::{self, Rig, Tables};

/// Counts each workflow's requests, and the naive flow's.
pub async fn measure(stack: &Stack) -> Result<()> {
    println!("\nDynamoDB requests from submit to PLACED (keys and ledger included, partners' books not; wanted: at most 20)");
    for (name, country, market_type) in [
        ("checkout-standard", ids::US, MarketType::Restaurant),
        ("checkout-accepted", ids::AU, MarketType::Restaurant),
        ("checkout-grocery", ids::NZ, MarketType::Grocery),
    ] {
        let rig = Rig::new(Tables::of(stack).await?);
        let basket = &rig::baskets(country, market_type, 1)?[0];
        let quote = rig.quote(basket).await?;
        let begun = rig.requests();
        let order = rig.submit(basket, &quote).await?;
        let mut counts = vec![("submit".to_owned(), rig.requests() - begun)];
        let mut before = rig.requests();
        rig.process(&order, |steps| {
            counts.push((steps.to_owned(), rig.requests() - before));
            before = rig.requests();
        })
        .await?;
        print(name, &counts, rig.requests() - begun);
        ensure!(rig.is_placed(&order.order_id).await?, "the order was not placed");
    }
    let rig = Rig::new(Tables::of(stack).await?);
    let naive = Naive::new(rig.tables(), stack.output("SandboxTable")?);
    let basket = &rig::baskets(ids::US, MarketType::Restaurant, 1)?[0];
    let quote = rig.quote(basket).await?;
    let begun = rig.requests();
    let order = naive.submit(basket, &quote).await?;
    let mut counts = vec![("submit".to_owned(), rig.requests() - begun)];
    let mut before = rig.requests();
    naive
        .process(&order, basket, &quote, |step| {
            counts.push((step.to_owned(), rig.requests() - before));
            before = rig.requests();
        })
        .await?;
    print("naive", &counts, rig.requests() - begun);
    Ok(())
}

fn print(name: &str, counts: &[(String, u64)], total: u64) {
    let steps: Vec<String> = counts.iter().map(|(step, count)| format!("{step} {count}")).collect();
    println!("  {name:<18} {total:>3} = {}", steps.join(" + "));
}
