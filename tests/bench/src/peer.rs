//! The pricing engine beside one that shops use: `decorateCartTotals` of Medusa, in Node.js, on the same carts.
//!
//! Medusa's engine adds up a cart whose discounts and fees are known; what a promotion takes off is found elsewhere. So it is
//! given the discounts and fees that Carryout's engine computed, which computes them within the time that is printed.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use carryout_pricing::{Charge, ChargeKind, Context, Price, PriceMeasure, TaxLevel, price};
use local_cloud::{Project, Terminal, npm};
use serde_json::{Value, json};

use crate::{price as engine, quantile};

/// What npm installs, and what people call it.
const PACKAGE: &str = "@medusajs/utils@2.21.2";
/// Its calls with a cart of ten lines that are timed, after as many that are not. Larger carts are timed less often.
const RUNS: usize = 2_000;

/// Times both engines on carts of 10 and 100 lines, and says where they differ on those and on `events/pricing/`.
pub fn measure(project: &Project) -> Result<()> {
    println!("\npricing engine beside {PACKAGE} (median; wanted: at least 100 times as quick)");
    if !answers("node") || !answers("npm") {
        println!("  not measured: Node.js with npm is not there (Debian and Ubuntu: apt-get install nodejs npm)");
        return Ok(());
    }
    let log = project.state_dir()?.join("install.log");
    let folder = match npm::ensure(PACKAGE, "Medusa's utilities", "200 MB", &Terminal::detect(), &log) {
        Ok(folder) => folder,
        Err(error) => {
            println!("  not measured: {error:#}");
            return Ok(());
        }
    };
    let timed = [10, 100];
    let mut carts = Vec::new();
    for lines in timed {
        carts.push(Cart::of(format!("{lines} lines"), engine::cart(lines)?, 10 * RUNS / lines)?);
    }
    for (name, context) in examples(project)? {
        carts.push(Cart::of(name, context, 0)?);
    }
    let (node, totals) = theirs(project, &folder, &carts)?;
    println!("  {:>9} {:>12} {:>12} {:>10}", "", "Carryout", "Medusa", "ratio");
    for ((cart, totals), lines) in carts.iter().zip(&totals).zip(timed) {
        let ours = quantile(&engine::microseconds(&cart.context), 0.5);
        let theirs = totals["microseconds"].as_f64().context("a timed cart has a time")?;
        println!("  {lines:>3} lines {ours:>9.1} µs {theirs:>9.1} µs {:>9.0}x", theirs / ours);
    }
    println!("  Node.js {node}, warmed up; Medusa is told the discounts and fees, Carryout computes them");
    println!("  where the results differ, in the currency's unit:");
    println!("    {:<24} {:<10} {:>10} {:>18}  why", "cart", "component", "Carryout", "Medusa");
    for (cart, totals) in carts.iter().zip(&totals) {
        let differences = cart.differences(totals)?;
        if differences.is_empty() {
            println!("    {:<24} nothing", cart.name);
        }
        for Difference { component, ours, theirs, why } in differences {
            println!(
                "    {:<24} {component:<10} {ours:>10.decimals$} {theirs:>18}  {why}",
                cart.name,
                decimals = cart.decimals()
            );
        }
    }
    Ok(())
}

/// Whether a program is there.
fn answers(program: &str) -> bool {
    let mut command = Command::new(program);
    command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// The contexts of `events/pricing/`, by name.
fn examples(project: &Project) -> Result<BTreeMap<String, Context>> {
    let mut examples = BTreeMap::new();
    for file in fs::read_dir(project.root().join("events/pricing"))? {
        let path = file?.path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let context = serde_json::from_slice(&fs::read(&path)?).with_context(|| format!("{} is no context", path.display()))?;
        examples.insert(name, context);
    }
    Ok(examples)
}

/// The version of Node.js, and what Medusa makes of each cart.
fn theirs(project: &Project, folder: &Path, carts: &[Cart]) -> Result<(String, Vec<Value>)> {
    let asked: Vec<Value> = carts.iter().map(|cart| json!({ "cart": cart.for_medusa(), "runs": cart.runs })).collect();
    let mut child = Command::new("node")
        .arg(project.root().join("tests/bench/medusa.cjs"))
        .arg(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start node")?;
    // The script reads everything before it writes. Closing its input is what ends that.
    child.stdin.take().context("node has no input")?.write_all(&serde_json::to_vec(&asked)?)?;
    let output = child.wait_with_output()?;
    ensure!(output.status.success(), "tests/bench/medusa.cjs failed ({})", output.status);
    let answer: Value = serde_json::from_slice(&output.stdout).context("tests/bench/medusa.cjs answered no JSON")?;
    let measured = answer["measured"].as_array().context("tests/bench/medusa.cjs measured nothing")?;
    ensure!(measured.len() == carts.len(), "tests/bench/medusa.cjs left a cart out");
    Ok((answer["node"].as_str().unwrap_or_default().to_owned(), measured.clone()))
}

/// A cart that both engines get.
struct Cart {
    name: String,
    context: Context,
    price: Price,
    runs: usize,
}

/// A component that the engines disagree about.
struct Difference {
    component: &'static str,
    ours: f64,
    theirs: f64,
    why: String,
}

impl Cart {
    fn of(name: String, context: Context, runs: usize) -> Result<Self> {
        let price = price(&context).with_context(|| format!("{name} has no price"))?;
        Ok(Self { name, context, price, runs })
    }

    fn decimals(&self) -> usize {
        self.context.currency.exponent() as usize
    }

    /// Minor units in the currency's unit, as Medusa counts.
    fn major(&self, minor: i64) -> f64 {
        minor as f64 / 10_f64.powi(self.context.currency.exponent().cast_signed())
    }

    /// The cart in Medusa's form: percentages for rates, decimals for amounts, shipping methods for fees, tip and deposits.
    fn for_medusa(&self) -> Value {
        let (context, price) = (&self.context, &self.price);
        let included = context.taxes.included;
        let taxes = |class: &str| -> Vec<Value> {
            let applies = context.taxes.rates.iter().filter(|rate| rate.classes.iter().any(|other| other == class));
            let percent = |(numerator, denominator): (i128, i128)| numerator as f64 * 100.0 / denominator as f64;
            applies.map(|rate| json!({ "code": rate.code, "rate": percent(rate.rate.as_ratio()) })).collect()
        };
        let adjustments = |share: &dyn Fn(&Charge) -> Option<i64>| -> Vec<Value> {
            let shares =
                price.charges[ChargeKind::Discount].iter().filter_map(|discount| Some((&discount.code, share(discount)?)));
            let given = shares.filter(|(_, share)| *share != 0);
            given
                .map(|(code, share)| json!({ "code": code, "amount": self.major(-share), "is_tax_inclusive": included }))
                .collect()
        };
        let items = context.lines.iter().enumerate().map(|(place, line)| {
            json!({
                "id": format!("item_{place}"), "title": line.name,
                "quantity": line.weight.map_or(f64::from(line.quantity), |weight| f64::from(weight.thousandths()) / 1_000.0),
                "unit_price": self.major(line.unit_price), "is_tax_inclusive": included,
                "tax_lines": taxes(&line.tax_class),
                "adjustments": adjustments(&|discount| discount.shares.lines.get(place).copied()),
            })
        });
        let fees = price.charges[ChargeKind::Fee].iter().enumerate().map(|(place, fee)| {
            let rule = context.fees.iter().find(|rule| rule.code == fee.code && rule.name == fee.name);
            json!({
                "id": format!("fee_{place}"), "name": fee.name, "amount": self.major(fee.amount.minor), "is_tax_inclusive": included,
                "tax_lines": rule.map(|rule| taxes(&rule.tax_class)).unwrap_or_default(),
                "adjustments": adjustments(&|discount| discount.shares.fees.get(place).copied()),
            })
        });
        let untaxed = price.charges[ChargeKind::Deposit]
            .iter()
            .map(|deposit| (&deposit.name, deposit.amount))
            .map(|(name, amount)| (name.as_str(), amount));
        let untaxed = untaxed.chain([("Tip", price.tip)]).filter(|(_, amount)| amount.minor > 0);
        let untaxed = untaxed.map(|(name, amount)| json!({ "id": name, "name": name, "amount": self.major(amount.minor) }));
        let credits = price.charges[ChargeKind::Credit]
            .iter()
            .map(|credit| json!({ "id": credit.code, "amount": self.major(-credit.amount.minor) }));
        json!({
            "currency_code": context.currency.code().to_lowercase(),
            "items": items.collect::<Vec<_>>(),
            "shipping_methods": fees.chain(untaxed).collect::<Vec<_>>(),
            "credit_lines": credits.collect::<Vec<_>>(),
        })
    }

    /// The components that Medusa computes differently, each with the reason.
    fn differences(&self, totals: &Value) -> Result<Vec<Difference>> {
        let price = &self.price;
        let sum = |kind| PriceMeasure::Charges(kind).of(price);
        let theirs = |name: &str| number(&totals[name]).with_context(|| format!("Medusa has no {name}"));
        // Where prices contain the tax, so do these of Medusa.
        let (items, discounts, fees) = match self.context.taxes.included {
            true => ("gross_items", "gross_discounts", "gross_fees"),
            false => ("items", "discounts", "fees"),
        };
        let rows = [
            ("items", price.subtotal.minor, theirs(items)?, 1),
            ("discounts", -sum(ChargeKind::Discount), theirs(discounts)?, -1),
            ("fees", sum(ChargeKind::Fee) + sum(ChargeKind::Deposit) + price.tip.minor, theirs(fees)?, 1),
            ("taxes", sum(ChargeKind::Tax), theirs("taxes")?, i32::from(!self.context.taxes.included)),
            ("credits", -sum(ChargeKind::Credit), theirs("credits")?, -1),
            ("total", price.total.minor, theirs("total")?, 0),
        ];
        let mut found = Vec::new();
        let mut together = 0.0;
        for (component, minor, theirs, sign) in rows {
            let ours = self.major(minor);
            let apart = ours - theirs;
            if apart.abs() < TOLERANCE {
                continue;
            }
            let why = match component {
                "items" if self.context.lines.iter().any(|line| line.weight.is_some()) => {
                    "a weighed line is rounded; Medusa rounds nothing".to_owned()
                }
                "taxes" => self.why_taxes(minor, totals),
                "total" if (apart - together).abs() < TOLERANCE => "the differences above".to_owned(),
                _ => UNEXPLAINED.to_owned(),
            };
            together += apart * f64::from(sign);
            found.push(Difference { component, ours, theirs, why });
        }
        Ok(found)
    }

    /// Why Medusa's taxes are others.
    fn why_taxes(&self, minor: i64, totals: &Value) -> String {
        let Context { taxes, policy, .. } = &self.context;
        if taxes.rates.iter().any(|rate| rate.compound) {
            return "Medusa knows no compound tax: each rate is on the amount alone".to_owned();
        }
        if policy.tax_level == TaxLevel::Unit {
            return "the tax on each unit is rounded; Medusa rounds nothing".to_owned();
        }
        let shares: Vec<f64> = totals["shares"].as_array().into_iter().flatten().filter_map(number).collect();
        // In billionths of a minor unit, in which a half that Medusa computed is a half again.
        let billionths = |share: &f64| (share / self.major(1) * 1e9).round() as i128;
        let rounded: Option<i64> =
            shares.iter().map(|share| policy.rounding.quotient(billionths(share), 1_000_000_000).ok()).sum();
        match rounded == Some(minor) {
            true => "the tax on each line and fee is rounded; Medusa's, rounded so, add up to the same".to_owned(),
            false => UNEXPLAINED.to_owned(),
        }
    }
}

/// What no rule of either engine explains.
const UNEXPLAINED: &str = "unexplained";
/// Amounts that are closer than this are equal. Medusa's have twenty decimals. Units of the currency.
const TOLERANCE: f64 = 1e-9;

fn number(text: &Value) -> Option<f64> {
    text.as_str()?.parse().ok()
}
