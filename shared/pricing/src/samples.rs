//! Contexts for unit tests.

use crate::context::{Context, ContextLine, Fee, FeeAmount, STANDARD_TAX, TaxRate, Taxes};
use carryout_money::{Currency, Rate};

/// Two ramen at 14.50, a service fee of 2.99, 8.875 % sales tax on both, and a tip of 1.50.
pub(crate) fn taxed_order() -> Context {
    let fee = Fee {
        code: "service".to_owned(),
        name: "Service fee".to_owned(),
        amount: FeeAmount::Fixed(299),
        tax_class: STANDARD_TAX.to_owned(),
    };
    let rate = TaxRate {
        code: "tax".to_owned(),
        name: "Sales tax".to_owned(),
        rate: Rate::from_milli_percent(8_875),
        compound: false,
        classes: vec![STANDARD_TAX.to_owned()],
    };
    Context {
        fees: vec![fee],
        taxes: Taxes { included: false, rates: vec![rate] },
        tip: 150,
        ..Context::new(Currency::USD, vec![ContextLine::new("ramen", "Ramen", 2, 1_450)])
    }
}
