//! Who orders, and what they pay with.

use crate::store::Location;
use carryout_market::MarketId;
use carryout_money::Money;
use serde::{Deserialize, Serialize};

/// Who orders.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Consumer {
    /// Its id, `con_…`; the subject of its access tokens.
    pub id: String,
    /// Full name.
    pub name: String,
    /// E.164 number that the courier may call.
    pub phone: String,
    /// Where the account was opened.
    pub country: MarketId,
    /// When the account was opened. Milliseconds since the Unix epoch.
    pub created_at: i64,
    /// Orders placed so far.
    pub orders_placed: u32,
    /// Whether the account is blocked.
    pub blocked: bool,
    /// Whether they work here.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub employee: bool,
    /// Where orders may go.
    pub addresses: Vec<Address>,
    /// What orders may be paid with.
    pub payment_methods: Vec<PaymentMethod>,
    /// What orders may be paid with before that.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub credits: Vec<StoredCredit>,
}

impl Consumer {
    /// The address with this id.
    pub fn address(&self, id: &str) -> Option<&Address> {
        self.addresses.iter().find(|address| address.id == id)
    }

    /// The payment method with this id.
    pub fn payment_method(&self, id: &str) -> Option<&PaymentMethod> {
        self.payment_methods.iter().find(|method| method.id == id)
    }
}

/// An address of a consumer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Address {
    /// Its id, `adr_…`.
    pub id: String,
    /// What the consumer calls it: `Home`.
    pub label: String,
    /// Street address, one line.
    pub line: String,
    /// City.
    pub city: String,
    /// Where it is.
    pub location: Location,
}

/// What a consumer has to pay with besides money: a gift card, an apology. What orders took of it is counted
/// ([`crate::redemptions`]).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredCredit {
    /// Its id, `cre_…`; different for each credit of its consumer.
    pub id: String,
    /// What the consumer reads: `Gift card`.
    pub name: String,
    /// What was there in the beginning. It pays in its own currency alone.
    pub amount: Money,
}

/// A payment method, by the processor's token. Card data never enters Carryout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentMethod {
    /// Its id, `pay_…`.
    pub id: String,
    /// The processor's token, such as `pm_card_visa`.
    pub token: String,
    /// Brand, for people: `Visa`.
    pub brand: String,
    /// The last four digits, for people.
    pub last4: String,
}
