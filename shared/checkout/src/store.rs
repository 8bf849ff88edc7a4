//! Stores, their menus and their hours.

use carryout_market::{FeeSource, Market, MarketId, MarketType};
use carryout_money::{Currency, Money, Rate};
use carryout_pricing::{ContextLine, Fee, FeeAmount, STANDARD_TAX, TaxRate, Taxes, Weight};
use jiff::{Timestamp, ToSpan, civil::Time, civil::Weekday, tz::TimeZone};
use serde::{Deserialize, Serialize};

/// A point on the Earth (WGS 84).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Location {
    /// Degrees north, −90 to 90.
    pub lat: f64,
    /// Degrees east, −180 to 180.
    pub lng: f64,
}

impl Location {
    /// A point, if both coordinates are in range.
    pub fn new(lat: f64, lng: f64) -> Option<Self> {
        let in_range = (-90.0..=90.0).contains(&lat) && (-180.0..=180.0).contains(&lng);
        in_range.then_some(Self { lat, lng })
    }

    /// Metres along the surface to `other` (haversine formula on a sphere of 6 371 km; off by at most 0.5 %).
    pub fn metres_to(self, other: Self) -> f64 {
        const EARTH_RADIUS_METRES: f64 = 6_371_000.0;
        let (lat, other_lat) = (self.lat.to_radians(), other.lat.to_radians());
        let half_lat = ((other_lat - lat) / 2.0).sin();
        let half_lng = ((other.lng - self.lng).to_radians() / 2.0).sin();
        let a = half_lat.mul_add(half_lat, lat.cos() * other_lat.cos() * half_lng * half_lng);
        2.0 * EARTH_RADIUS_METRES * a.sqrt().min(1.0).asin()
    }
}

/// One opening of a week. It may end after midnight, and then belongs to the day on which it began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opening {
    /// ISO weekday: 1 for Monday to 7 for Sunday.
    pub weekday: i8,
    /// Minutes after midnight, local time.
    pub from: u16,
    /// Minutes after midnight of the same day, local time; above 1 440 where it ends on the next day.
    pub until: u16,
}

/// A store.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Store {
    /// Its id, `sto_…`.
    pub id: String,
    /// What is on its sign.
    pub name: String,
    /// The market that it is in.
    pub country: MarketId,
    /// The kind of goods it sells.
    pub market_type: MarketType,
    /// The kitchen or assortment, in words: `Ramen`, `Organic grocery`.
    pub cuisine: String,
    /// Street address, one line.
    pub address: String,
    /// City, as people say it.
    pub city: String,
    /// Where it is.
    pub location: Location,
    /// IANA time zone, such as `America/Chicago`.
    pub time_zone: String,
    /// When it is open.
    pub hours: Vec<Opening>,
    /// Whether it takes orders now: a kitchen that is full switches this off.
    pub accepting_orders: bool,
    /// How far it delivers, in metres.
    pub delivery_radius: u32,
    /// Fee of a delivery.
    pub delivery_fee: Money,
    /// Service fee, as a share of the subtotal.
    pub service_fee: Rate,
    /// The least service fee.
    pub service_fee_min: Money,
    /// The most service fee.
    pub service_fee_max: Money,
    /// Subtotal below which the difference is charged.
    pub small_order_minimum: Money,
    /// The most that is charged for a small order.
    pub small_order_fee_max: Money,
    /// The rate of the local tax, for taxes whose rate the market leaves to the place.
    pub tax_rate: Rate,
    /// Minutes from order to ready.
    pub prep_minutes: u16,
    /// Stars, times ten: 47 is 4.7.
    pub rating_tenths: u8,
}

/// An item that a store sells, and how many are left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Its id, `itm_…`, unique over all stores.
    pub id: String,
    /// The store that sells it.
    pub store_id: String,
    /// What the menu calls it.
    pub name: String,
    /// One sentence about it.
    pub description: String,
    /// The part of the menu that it stands in.
    pub section: String,
    /// Price of one.
    pub price: Money,
    /// Whether the store offers it now.
    pub available: bool,
    /// How many are left.
    pub stock: u32,
    /// What one weighs, about, where the price is for one unit of weight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<Weight>,
    /// Deposit on one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deposit: Option<Money>,
    /// The tax class of its market; the standard class if it has none of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tax_class: Option<String>,
}

impl Item {
    /// The line of a price with so many of it.
    pub fn line(&self, quantity: u32) -> ContextLine {
        ContextLine {
            weight: self.weight.map(|weight| Weight::from_thousandths(weight.thousandths().saturating_mul(quantity))),
            deposit: self.deposit.map_or(0, |deposit| deposit.minor),
            tax_class: self.tax_class.clone().unwrap_or_else(|| STANDARD_TAX.to_owned()),
            ..ContextLine::new(self.id.as_str(), self.name.as_str(), quantity, self.price.minor)
        }
    }
}

/// A store with everything it sells: one read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoreWithMenu {
    /// The store.
    #[serde(flatten)]
    pub store: Store,
    /// Its items, in the menu's order.
    pub items: Vec<Item>,
}

impl StoreWithMenu {
    /// The item with this id.
    pub fn item(&self, id: &str) -> Option<&Item> {
        self.items.iter().find(|item| item.id == id)
    }
}

impl Store {
    /// Whether it is open at `now` (milliseconds since the Unix epoch) by its own clock.
    ///
    /// A store whose time zone is not known counts as closed.
    pub fn is_open(&self, now: i64) -> bool {
        self.opening_at(now).is_some()
    }

    /// When it opens next after `now` (milliseconds since the Unix epoch), as local weekday and time: `Mon 11:00`.
    pub fn opens_next(&self, now: i64) -> Option<String> {
        let zone = TimeZone::get(&self.time_zone).ok()?;
        let local = Timestamp::from_millisecond(now).ok()?.to_zoned(zone);
        (0..8_i64).find_map(|days| {
            let day = local.date().checked_add(days.days()).ok()?;
            let weekday = day.weekday();
            self.hours
                .iter()
                .filter(|opening| opening.weekday == weekday.to_monday_one_offset())
                .filter(|opening| days > 0 || i32::from(opening.from) > minutes_of(local.time()))
                .min_by_key(|opening| opening.from)
                .map(|opening| format!("{} {:02}:{:02}", short_name(weekday), opening.from / 60, opening.from % 60))
        })
    }

    /// Whether its fees are in its market's currency. A store whose fees are not has no prices.
    pub fn has_fees_in(&self, currency: Currency) -> bool {
        let fees =
            [self.delivery_fee, self.service_fee_min, self.service_fee_max, self.small_order_minimum, self.small_order_fee_max];
        fees.iter().all(|fee| fee.currency == currency)
    }

    /// The fees of an order, in minor units of the market's currency.
    pub fn fees(&self, market: &Market, delivery: bool) -> Vec<Fee> {
        let amount = |source: &FeeSource| match source {
            FeeSource::StoreDelivery => delivery.then_some(FeeAmount::Fixed(self.delivery_fee.minor)),
            FeeSource::StoreService => Some(FeeAmount::OfSubtotal {
                rate: self.service_fee,
                min: self.service_fee_min.minor,
                max: self.service_fee_max.minor,
                after_discounts: false,
            }),
            FeeSource::StoreSmallOrder => {
                Some(FeeAmount::BelowMinimum { minimum: self.small_order_minimum.minor, max: self.small_order_fee_max.minor })
            }
            FeeSource::Fixed(minor) => Some(FeeAmount::Fixed(*minor)),
        };
        let fees = market.fees.iter().filter_map(|rule| {
            Some(Fee {
                code: rule.code.clone(),
                name: rule.name.in_locale(market.default_locale()).to_owned(),
                amount: amount(&rule.amount)?,
                tax_class: rule.tax_class.clone(),
            })
        });
        fees.collect()
    }

    /// The taxes on items and fees, with the store's own rate where the market sets none.
    pub fn taxes(&self, market: &Market) -> Taxes {
        let rates = market.tax.rates.iter().map(|rule| {
            let rate = rule.rate.unwrap_or(self.tax_rate);
            TaxRate {
                code: rule.code.clone(),
                name: format!("{} {rate}", rule.name.in_locale(market.default_locale())),
                rate,
                compound: rule.compound,
                classes: rule.classes.iter().cloned().collect(),
            }
        });
        Taxes { included: market.tax.included, rates: rates.collect() }
    }

    fn opening_at(&self, now: i64) -> Option<&Opening> {
        let zone = TimeZone::get(&self.time_zone).ok()?;
        let local = Timestamp::from_millisecond(now).ok()?.to_zoned(zone);
        let today = local.weekday().to_monday_one_offset();
        let yesterday = local.weekday().previous().to_monday_one_offset();
        let minute = minutes_of(local.time());
        self.hours.iter().find(|opening| {
            let minute = match opening.weekday {
                day if day == today => minute,
                day if day == yesterday => minute + 1_440,
                _ => return false,
            };
            (i32::from(opening.from)..i32::from(opening.until)).contains(&minute)
        })
    }
}

fn minutes_of(time: Time) -> i32 {
    i32::from(time.hour()) * 60 + i32::from(time.minute())
}

const fn short_name(weekday: Weekday) -> &'static str {
    match weekday {
        Weekday::Monday => "Mon",
        Weekday::Tuesday => "Tue",
        Weekday::Wednesday => "Wed",
        Weekday::Thursday => "Thu",
        Weekday::Friday => "Fri",
        Weekday::Saturday => "Sat",
        Weekday::Sunday => "Sun",
    }
}
