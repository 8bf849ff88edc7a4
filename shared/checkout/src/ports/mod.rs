//! What the checkout needs from the world outside, as promises. Adapters live in `shared/aws` and `shared/partners`;
//! in-memory ones, for tests, in `shared/testing`.

mod catalog;
mod operations;
mod partners;
mod refunds;
mod steps;
mod submission;

pub use catalog::{Catalog, Consumers, PROMOTIONS, Promotions, QuoteRecords, Quotes};
pub use operations::{Appended, Cancellations, Ledgers, Orders, Pager, ParkedOrder, ParkedOrders, Report, Reports, StuckOrders};
pub use partners::{
    CallError, Delivery, Fraud, FraudVerdict, Intent, IntentPage, IntentStatus, ListedIntent, Logistics, Merchants, PaymentList,
    Payments, Refund,
};
pub use refunds::{ParkedRefunds, RefundClosing, RefundRefused, RefundRequests, RefundSubmission};
pub use steps::{
    Answers, Callbacks, Closing, ExecutionState, Executions, MerchantAnswer, OrderNote, OrderSteps, QuoteLocks, Refused,
    Reservations, ReserveRefused,
};
pub use submission::{CompletedRequest, IdempotencyKey, OrderQueue, Submission, Submissions, SubmitRefused};
