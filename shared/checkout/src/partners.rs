//! The policy for each partner: how long a call may take, and the fallback while the partner is down.

/// The fallback while a partner is unavailable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fallback {
    /// No fallback: the step is retried, then the order is compensated.
    Undo,
    /// The order's amount and the account's age decide, and the order is flagged.
    DecideByAmountAndAccountAge,
    /// The store's delivery radius decides coverage, and the order is flagged.
    StoreRadius,
    /// Messages stay in the partner's queue; no order waits for them.
    Queue,
    /// The consumer is shown our price, and the quote is flagged.
    OurPrice,
}

/// Timeouts and fallback for one partner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartnerPolicy {
    /// The partner's name in logs and errors.
    pub name: &'static str,
    /// Timeout of a call, in milliseconds; less than any function's timeout.
    pub timeout_ms: u64,
    /// The longest time after sending at which a request may still take effect. Milliseconds.
    pub longest_processing_ms: i64,
    /// The fallback while the partner is unavailable.
    pub fallback: Fallback,
}

/// The longest time after its claim at which an attempt may send a request: the function's timeout. Milliseconds.
pub const LONGEST_ATTEMPT_MS: i64 = 10_000;

/// The payment processor. No fallback: a payment is never assumed.
pub const PAYMENT: PartnerPolicy =
    PartnerPolicy { name: "payment", timeout_ms: 3_000, longest_processing_ms: 10_000, fallback: Fallback::Undo };
/// The fraud service.
pub const FRAUD: PartnerPolicy =
    PartnerPolicy { name: "fraud", timeout_ms: 1_500, longest_processing_ms: 0, fallback: Fallback::DecideByAmountAndAccountAge };
/// The logistics partner, for booking a courier.
pub const LOGISTICS: PartnerPolicy =
    PartnerPolicy { name: "logistics", timeout_ms: 3_000, longest_processing_ms: 8_000, fallback: Fallback::Undo };
/// The logistics partner, for coverage checks.
pub const COVERAGE: PartnerPolicy =
    PartnerPolicy { name: "logistics", timeout_ms: 800, longest_processing_ms: 0, fallback: Fallback::StoreRadius };
/// The merchants' order systems.
pub const MERCHANT: PartnerPolicy =
    PartnerPolicy { name: "merchant", timeout_ms: 3_000, longest_processing_ms: 8_000, fallback: Fallback::Undo };
/// Every partner that an order's steps call.
pub const POLICIES: [PartnerPolicy; 5] = [PAYMENT, FRAUD, LOGISTICS, COVERAGE, MERCHANT];
