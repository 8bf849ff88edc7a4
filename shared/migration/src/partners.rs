//! The policies for calls to the legacy system.

use carryout_checkout::partners::{Fallback, PartnerPolicy};

/// The order system that legacy readers use.
pub const LEGACY: PartnerPolicy =
    PartnerPolicy { name: "legacy", timeout_ms: 3_000, longest_processing_ms: 0, fallback: Fallback::Queue };
/// The legacy system's prices, for quotes that show them.
pub const LEGACY_PRICES: PartnerPolicy =
    PartnerPolicy { name: "legacy", timeout_ms: 800, longest_processing_ms: 0, fallback: Fallback::OurPrice };

/// Every policy of this module.
pub const POLICIES: [PartnerPolicy; 2] = [LEGACY, LEGACY_PRICES];
