//! HTTP clients for the partners of checkout and onboarding, behind their ports.
//!
//! What a reply, or the lack of one, says about the effect is decided in one place, `call`.

mod call;
mod fraud;
mod legacy;
mod logistics;
mod merchants;
mod stripe;
mod vendors;

pub use call::Http;
pub use fraud::HttpFraud;
pub use legacy::{HttpLegacy, HttpLegacyApplicants, HttpLegacyPrices};
pub use logistics::HttpLogistics;
pub use merchants::HttpMerchants;
pub use stripe::StripePayments;
pub use vendors::HttpVendors;
