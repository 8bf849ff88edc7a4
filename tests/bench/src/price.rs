//! The pricing engine: time and allocations per quote, from a context to the price that a quote locks.

use std::hint::black_box;
use std::time::Instant;

use anyhow::{Result, ensure};
use carryout_pricing::{ChargeKind, Context, price};
use serde_json::{Value, json};

use crate::{quantile, sorted};

/// Measurements of a cart of ten lines; the median counts. Larger carts are measured less often.
const RUNS: usize = 5_000;
/// Quotes in one measurement, so that reading the clock does not count.
const QUOTES: usize = 4;

/// Measures carts of 10, 100 and 1 000 lines with three promotions, two fees and two tax rates.
pub fn measure() -> Result<()> {
    println!("\npricing engine, on one core (median of {RUNS} runs; three promotions, two fees, two tax rates)");
    println!("  {:>5} {:>12} {:>12} {:>14} {:>18} {:>12}", "lines", "per quote", "99th", "per line", "allocations", "memory");
    let mut medians = Vec::new();
    for lines in [10, 100, 1_000] {
        let context = cart(lines)?;
        ensure!(price(&context)?.charges[ChargeKind::Discount].len() == 3, "every promotion applies");
        let times = microseconds(&context);
        let allocated = allocation_counter::measure(|| drop(black_box(price(black_box(&context)))));
        let median = quantile(&times, 0.5);
        println!(
            "  {lines:>5} {median:>9.1} µs {:>9.1} µs {:>11.2} µs {:>18} {:>8.1} KiB",
            quantile(&times, 0.99),
            median / lines as f64,
            allocated.count_total,
            allocated.bytes_total as f64 / 1024.0,
        );
        medians.push(median);
    }
    if let [ten, hundred, _] = medians[..] {
        println!("  wanted: ten lines in at most 10 µs, and a hundred in at most 12 times as long; {:.1} times", hundred / ten);
    }
    Ok(())
}

/// How long a quote of this context takes, run by run in ascending order. Microseconds.
pub fn microseconds(context: &Context) -> Vec<f64> {
    let runs = RUNS / context.lines.len().div_ceil(10).max(1);
    let times = (0..runs).map(|_| {
        let started = Instant::now();
        for _ in 0..QUOTES {
            let _ = black_box(price(black_box(context)));
        }
        started.elapsed().as_secs_f64() * 1e6 / QUOTES as f64
    });
    sorted(times.collect())
}

/// A cart of so many lines, with three promotions, two fees and two tax rates.
pub fn cart(lines: usize) -> Result<Context> {
    let line = |index: usize| {
        json!({
            "item_id": format!("itm_{index}"), "name": format!("Item {index}"),
            "quantity": 1 + index % 3, "unit_price": 499 + 37 * index,
            "attributes": { "category": if index.is_multiple_of(2) { "drinks" } else { "mains" } },
        })
    };
    Ok(serde_json::from_value(json!({
        "currency": "USD",
        "lines": (0..lines).map(line).collect::<Vec<Value>>(),
        "promotions": [
            { "id": "drinks", "name": "Three for two on drinks", "benefit": { "buy_x_get_y": { "buy": 2, "get": 1 } },
              "lines": { "category": "drinks" }, "priority": 3 },
            { "id": "ten", "name": "10 % off", "benefit": { "percent": "0.10" }, "cap": 1_000,
              "condition": { "consumer.orders": { "$lt": 3 } }, "priority": 2 },
            { "id": "free", "name": "Free delivery", "benefit": "free_delivery", "minimum_subtotal": 1_500 },
        ],
        "fees": [
            { "code": "delivery", "name": "Delivery fee", "amount": { "fixed": 299 } },
            { "code": "service", "name": "Service fee", "tax_class": "standard",
              "amount": { "of_subtotal": { "rate": "0.15", "min": 300, "max": 900 } } },
        ],
        "taxes": { "rates": [
            { "code": "state", "name": "State tax 4%", "rate": "0.04" },
            { "code": "city", "name": "City tax 4.875%", "rate": "0.04875" },
        ] },
        "tip": 300,
        "attributes": { "consumer": { "orders": 1 } },
    }))?)
}
