//! Finds errors in market files before they are in force: at build time, in `carryout market lint`, and for overrides.

use crate::{FeeSource, Market, OpeningState, Text, UNTAXED, workflows};
use carryout_money::{Currency, Rate};
use serde::Serialize;
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

/// The highest amount that a market file may name, in minor units.
const HIGHEST_AMOUNT: i64 = 1_000_000_000;

/// One error in a market file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct MarketFinding {
    /// The file, or the key of the override.
    pub file: String,
    /// The JSON path of the value: `tax.rates[0].classes`. Empty for the whole file.
    pub path: String,
    /// The rule that the value breaks.
    pub rule: MarketRule,
    /// What is wrong.
    pub problem: String,
    /// What to write instead.
    pub instead: String,
}

/// The rules that a market file must keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum MarketRule {
    /// The text is JSON with the members of a market.
    Malformed,
    /// The id belongs to the country and names the file.
    Id,
    /// The version counts from 1, and an override is newer than the version in force.
    Version,
    /// The currency is an active ISO 4217 code.
    UnknownCurrency,
    /// No two markets cover the same place.
    OverlappingRegions,
    /// Locales are BCP 47 tags, and every text has every locale.
    MissingLocale,
    /// Time zones are known.
    UnknownTimeZone,
    /// Every tax names a class.
    TaxWithoutClass,
    /// Every fee's tax class is known.
    UnknownTaxClass,
    /// The workflow exists.
    UnknownWorkflow,
    /// A code occurs once.
    Duplicate,
    /// Numbers are in range.
    OutOfRange,
    /// Only a planned market has a rollout.
    Rollout,
}

impl fmt::Display for MarketFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.file)?;
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        write!(f, "{}; {}", self.problem, self.instead)
    }
}

/// Reads a market file.
///
/// # Errors
///
/// The first place that is not part of a market.
pub fn parse(file: &str, text: &str) -> Result<Market, MarketFinding> {
    let finding = |path: String, rule, problem: String, instead: String| MarketFinding {
        file: file.to_owned(),
        path,
        rule,
        problem,
        instead,
    };
    let value: Value = serde_json::from_str(text).map_err(|error| {
        finding(String::new(), MarketRule::Malformed, format!("not JSON: {error}"), "correct the syntax there".to_owned())
    })?;
    if let Some(code) = value.get("currency").and_then(Value::as_str)
        && !Currency::all().iter().any(|currency| currency.code() == code)
    {
        let instead = nearest(code, Currency::all().iter().map(|currency| currency.code()));
        let problem = format!("unknown currency {code:?}");
        let instead = format!("write an active ISO 4217 code such as {}", instead.unwrap_or("USD"));
        return Err(finding("currency".to_owned(), MarketRule::UnknownCurrency, problem, instead));
    }
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        let path = if path == "." { String::new() } else { path };
        let instead = "see docs/market.schema.json".to_owned();
        finding(path, MarketRule::Malformed, error.into_inner().to_string(), instead)
    })
}

/// Returns every error of these markets, which are all markets that there will be, by file.
pub fn lint(markets: &[(String, Market)]) -> Vec<MarketFinding> {
    let mut findings = Vec::new();
    for (index, (file, market)) in markets.iter().enumerate() {
        let mut lint = Lint { file, findings: &mut findings };
        lint.market(market);
        for (other_file, other) in &markets[..index] {
            lint.beside(market, other_file, other);
        }
    }
    findings
}

struct Lint<'a> {
    file: &'a str,
    findings: &'a mut Vec<MarketFinding>,
}

impl Lint<'_> {
    fn add(&mut self, path: impl Into<String>, rule: MarketRule, problem: impl Into<String>, instead: impl Into<String>) {
        self.findings.push(MarketFinding {
            file: self.file.to_owned(),
            path: path.into(),
            rule,
            problem: problem.into(),
            instead: instead.into(),
        });
    }

    fn market(&mut self, market: &Market) {
        self.identity(market);
        self.opening(market);
        self.places(market);
        self.taxes(market);
        self.fees(market);
        if !(0..=HIGHEST_AMOUNT).contains(&market.limits.tip) {
            let instead = format!("write 0 to {HIGHEST_AMOUNT} minor units");
            self.add("limits.tip", MarketRule::OutOfRange, format!("{} is out of range", market.limits.tip), instead);
        }
        self.workflows(market);
    }

    fn identity(&mut self, market: &Market) {
        if market.id.country() != market.country {
            let problem = format!("market {} is not in {}", market.id, market.country);
            self.add("country", MarketRule::Id, problem, format!("write {:?}", market.id.country().as_str()));
        }
        if market.version == 0 {
            self.add("version", MarketRule::Version, "0 is not a version", "count from 1");
        }
        if market.name.trim().is_empty() {
            self.add("name", MarketRule::Malformed, "the name is empty", "write the market's name in English");
        }
        for region in &market.regions {
            let fits =
                (1..=3).contains(&region.len()) && region.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
            if !fits {
                let instead = "write the second half of its ISO 3166-2 code, such as NY";
                self.add("regions", MarketRule::Malformed, format!("{region:?} is not a region"), instead);
            }
        }
    }

    fn opening(&mut self, market: &Market) {
        if market.opening.state != OpeningState::Planned && market.opening.rollout.is_some() {
            let instead = "remove it, or write \"planned\" as the state";
            self.add("opening.rollout", MarketRule::Rollout, "a rollout is read of a planned market only", instead);
        }
    }

    fn places(&mut self, market: &Market) {
        if market.locales.is_empty() {
            let instead = "write at least one BCP 47 tag, the default first, such as en-US";
            self.add("locales", MarketRule::MissingLocale, "no locale", instead);
        }
        for (index, locale) in market.locales.iter().enumerate() {
            if !is_locale(locale) {
                let instead = "write a BCP 47 tag such as en-US";
                self.add(format!("locales[{index}]"), MarketRule::MissingLocale, format!("{locale:?} is not a locale"), instead);
            }
            if market.locales[..index].contains(locale) {
                let problem = format!("{locale} occurs twice");
                self.add(format!("locales[{index}]"), MarketRule::Duplicate, problem, "remove it");
            }
        }
        if market.time_zones.is_empty() {
            let instead = "write the IANA time zones of its stores, such as America/Chicago";
            self.add("time_zones", MarketRule::UnknownTimeZone, "no time zone", instead);
        }
        for (index, zone) in market.time_zones.iter().enumerate() {
            if jiff::tz::TimeZone::get(zone).is_err() {
                let instead = "write an IANA time zone such as America/Chicago";
                self.add(
                    format!("time_zones[{index}]"),
                    MarketRule::UnknownTimeZone,
                    format!("unknown time zone {zone:?}"),
                    instead,
                );
            }
        }
    }

    fn text(&mut self, path: &str, text: &Text, market: &Market) {
        for locale in &market.locales {
            if text.locales().get(locale).is_none_or(|text| text.trim().is_empty()) {
                let instead = format!("add {locale:?} with the text");
                self.add(path, MarketRule::MissingLocale, format!("no text in {locale}"), instead);
            }
        }
        for locale in text.locales().keys().filter(|locale| !market.locales.contains(locale)) {
            let instead = "remove it, or add the locale to `locales`";
            self.add(path, MarketRule::MissingLocale, format!("{locale} is not a locale of the market"), instead);
        }
    }

    fn taxes(&mut self, market: &Market) {
        let rates = &market.tax.rates;
        for (index, rule) in rates.iter().enumerate() {
            let path = format!("tax.rates[{index}]");
            self.text(&format!("{path}.name"), &rule.name, market);
            if rates[..index].iter().any(|other| other.code == rule.code) {
                self.add(format!("{path}.code"), MarketRule::Duplicate, format!("{:?} occurs twice", rule.code), "rename one");
            }
            if rule.classes.is_empty() {
                let instead = "write the tax classes of its items, such as [\"standard\"]";
                self.add(format!("{path}.classes"), MarketRule::TaxWithoutClass, "the tax names no class", instead);
            }
            if rule.classes.contains(UNTAXED) {
                let problem = format!("{UNTAXED:?} is the class of untaxed items");
                self.add(format!("{path}.classes"), MarketRule::TaxWithoutClass, problem, "write a class that is taxed");
            }
            if rule.rate.is_some_and(|rate| !is_share(rate)) {
                let instead = "write a share from 0 to 1: \"0.19\" for 19 %";
                self.add(format!("{path}.rate"), MarketRule::OutOfRange, "the rate is out of range", instead);
            }
            if rule.rate.is_none() && rates[..index].iter().any(|other| other.rate.is_none()) {
                let instead = "write its rate: a store has one rate of its own";
                self.add(format!("{path}.rate"), MarketRule::Duplicate, "a second tax takes the store's rate", instead);
            }
        }
    }

    fn fees(&mut self, market: &Market) {
        let classes: BTreeSet<&str> =
            market.tax.rates.iter().flat_map(|rate| &rate.classes).map(String::as_str).chain([UNTAXED]).collect();
        for (index, fee) in market.fees.iter().enumerate() {
            let path = format!("fees[{index}]");
            self.text(&format!("{path}.name"), &fee.name, market);
            let before = &market.fees[..index];
            if before.iter().any(|other| other.code == fee.code) {
                self.add(format!("{path}.code"), MarketRule::Duplicate, format!("{:?} occurs twice", fee.code), "rename one");
            }
            if !market.knows_tax_class(&fee.tax_class) {
                let known = classes.iter().copied().collect::<Vec<_>>().join(", ");
                let problem = format!("no tax names the class {:?}", fee.tax_class);
                self.add(format!("{path}.tax_class"), MarketRule::UnknownTaxClass, problem, format!("write one of {known}"));
            }
            match fee.amount {
                FeeSource::Fixed(amount) if !(0..=HIGHEST_AMOUNT).contains(&amount) => {
                    let instead = format!("write 0 to {HIGHEST_AMOUNT} minor units");
                    self.add(
                        format!("{path}.amount.fixed"),
                        MarketRule::OutOfRange,
                        format!("{amount} is out of range"),
                        instead,
                    );
                }
                FeeSource::Fixed(_) => {}
                FeeSource::StoreDelivery | FeeSource::StoreService | FeeSource::StoreSmallOrder => {
                    if before.iter().any(|other| other.amount == fee.amount) {
                        let instead = "remove one of them";
                        self.add(format!("{path}.amount"), MarketRule::Duplicate, "two fees have the store's amount", instead);
                    }
                }
            }
        }
    }

    fn workflows(&mut self, market: &Market) {
        if market.checkout.orders.is_empty() {
            let instead = "name the workflow of at least one market type";
            self.add("checkout.orders", MarketRule::UnknownWorkflow, "the market sells nothing", instead);
        }
        let orders = market.checkout.orders.iter().map(|(market_type, name)| (format!("checkout.orders.{market_type}"), name));
        let orders: Vec<_> = orders.collect();
        for (path, name) in orders {
            self.workflow(path, name, &workflows::names(workflows::ORDERS));
        }
        self.workflow("checkout.refunds".to_owned(), &market.checkout.refunds, &workflows::names(workflows::REFUNDS));
    }

    fn workflow(&mut self, path: String, name: &str, known: &[&str]) {
        if !known.contains(&name) {
            let instead = format!("write one of {}", known.join(", "));
            self.add(path, MarketRule::UnknownWorkflow, format!("there is no workflow {name:?}"), instead);
        }
    }

    fn beside(&mut self, market: &Market, other_file: &str, other: &Market) {
        if market.id == other.id {
            let problem = format!("{other_file} is market {} already", other.id);
            self.add("id", MarketRule::Duplicate, problem, "choose another id");
        }
        if market.country != other.country {
            return;
        }
        let overlap = match (market.regions.is_empty(), other.regions.is_empty()) {
            (true, true) => Some(format!("{other_file} covers all of {} too", other.country)),
            (false, true) => Some(format!("{other_file} covers all of {}", other.country)),
            (true, false) => Some(format!("all of {} contains the regions of {other_file}", other.country)),
            (false, false) => {
                let both: Vec<_> = market.regions.intersection(&other.regions).map(String::as_str).collect();
                (!both.is_empty()).then(|| format!("{other_file} covers {} too", both.join(", ")))
            }
        };
        if let Some(problem) = overlap {
            let instead = format!("list in each market of {} the regions that no other has", market.country);
            self.add("regions", MarketRule::OverlappingRegions, problem, instead);
        }
    }
}

/// A language, optionally with script and region: `de`, `zh-Hant-TW`, `es-419`.
fn is_locale(tag: &str) -> bool {
    let mut parts = tag.split('-').peekable();
    let is = |part: &str, lengths: &[usize], fits: fn(char) -> bool| lengths.contains(&part.len()) && part.chars().all(fits);
    if !parts.next().is_some_and(|language| is(language, &[2, 3], |letter| letter.is_ascii_lowercase())) {
        return false;
    }
    parts.next_if(|script| is(script, &[4], |letter| letter.is_ascii_alphabetic()));
    parts.next_if(|region| {
        is(region, &[2], |letter| letter.is_ascii_uppercase()) || is(region, &[3], |digit| digit.is_ascii_digit())
    });
    parts.next().is_none()
}

fn is_share(rate: Rate) -> bool {
    let (numerator, denominator) = rate.as_ratio();
    (0..=denominator).contains(&numerator)
}

/// The text that has most letters of `wrong` in the same places.
fn nearest<'a>(wrong: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let wrong = wrong.to_ascii_uppercase();
    let alike = |text: &str| text.bytes().zip(wrong.bytes()).filter(|(one, other)| one == other).count();
    let by_likeness: BTreeMap<usize, &str> = known.map(|text| (alike(text), text)).collect();
    by_likeness.into_iter().next_back().filter(|(alike, _)| *alike > 1).map(|(_, text)| text)
}
