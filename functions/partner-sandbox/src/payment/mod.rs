//! The payment processor: the Stripe API's payment intents with manual capture, and refunds.
//!
//! <https://docs.stripe.com/api/payment_intents>. One document holds an intent, its refunds, and the replies given under
//! idempotency keys. So each change is one conditional write, and a key can neither act twice nor be forgotten after it acted.

mod change;
mod errors;
mod events;
mod form;
mod idempotency;
mod intents;
mod listing;
mod record;
mod refunds;
mod routes;

pub use intents::{CaptureMethod, Intent, Status};
pub use record::PaymentRecord;
pub use refunds::Refund;
pub(crate) use routes::Payment;
