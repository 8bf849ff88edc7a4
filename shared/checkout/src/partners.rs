//! What is agreed with each partner: how long it may take, and what Carryout does while it is down.

/// What Carryout does while a partner stays down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fallback {
    /// Nothing stands in for it: the order is retried, then undone.
    Undo,
    /// The order is decided by its amount and the account's age, and flagged.
    DecideByAmountAndAccountAge,
    /// Whether couriers come is decided by the store's delivery radius, and the order is flagged.
    StoreRadius,
    /// Its queue keeps what it has not taken; no order waits for it.
    Queue,
    /// Our own price is shown, and the quote is flagged.
    OurPrice,
}

/// What is agreed with a partner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartnerPolicy {
    /// The partner's name in logs and errors.
    pub name: &'static str,
    /// How long a call may take before Carryout gives up on the answer. Milliseconds; less than any function's timeout.
    pub timeout_ms: u64,
    /// How long after it was sent a request may still have its effect. Milliseconds.
    pub longest_processing_ms: i64,
    /// What happens when it stays down in the middle of an order.
    pub fallback: Fallback,
}

/// How long after its claim an attempt may still send a request: as long as its function may run. Milliseconds.
pub const LONGEST_ATTEMPT_MS: i64 = 10_000;

/// The payment processor. Money is never guessed.
pub const PAYMENT: PartnerPolicy =
    PartnerPolicy { name: "payment", timeout_ms: 3_000, longest_processing_ms: 10_000, fallback: Fallback::Undo };
/// The fraud service.
pub const FRAUD: PartnerPolicy =
    PartnerPolicy { name: "fraud", timeout_ms: 1_500, longest_processing_ms: 0, fallback: Fallback::DecideByAmountAndAccountAge };
/// The logistics partner, when a courier is booked.
pub const LOGISTICS: PartnerPolicy =
    PartnerPolicy { name: "logistics", timeout_ms: 3_000, longest_processing_ms: 8_000, fallback: Fallback::Undo };
/// The logistics partner, when it is only asked whether couriers come.
pub const COVERAGE: PartnerPolicy =
    PartnerPolicy { name: "logistics", timeout_ms: 800, longest_processing_ms: 0, fallback: Fallback::StoreRadius };
/// The merchants' order systems.
pub const MERCHANT: PartnerPolicy =
    PartnerPolicy { name: "merchant", timeout_ms: 3_000, longest_processing_ms: 8_000, fallback: Fallback::Undo };
/// Where legacy readers look orders up.
pub const LEGACY: PartnerPolicy =
    PartnerPolicy { name: "legacy", timeout_ms: 3_000, longest_processing_ms: 0, fallback: Fallback::Queue };

/// The legacy system's prices, when consumers are shown them.
pub const LEGACY_PRICES: PartnerPolicy =
    PartnerPolicy { name: "legacy", timeout_ms: 800, longest_processing_ms: 0, fallback: Fallback::OurPrice };

/// Every agreement.
pub const AGREEMENTS: [PartnerPolicy; 7] = [PAYMENT, FRAUD, LOGISTICS, COVERAGE, MERCHANT, LEGACY, LEGACY_PRICES];
