//! The steps of a checkout, each a self-contained module, in the order in which most workflows run them; and those of a
//! refund, `refund_payment` and `complete_refund`.

pub mod authorize_payment;
pub mod await_merchant;
pub mod capture_payment;
pub mod check_fraud;
pub mod complete_order;
pub mod complete_refund;
pub mod confirm_price;
pub mod create_delivery;
pub mod notify_merchant;
mod payment;
pub mod refund_payment;
pub mod reserve_items;

pub(crate) use payment::authorized_intent;

use crate::order::Order;
use carryout_environment::{ErrorCode, HasErrorCode};
use carryout_workflow::StepEntry;

/// The entry of a step that its order is known to have: the claim that led here wrote it.
fn entry<'a>(order: &'a Order, step: &str) -> Option<&'a StepEntry> {
    order.steps.entry(step)
}

/// The codes of each step's own errors, by the step's name.
pub fn codes_of(step: &str) -> &'static [ErrorCode] {
    match step {
        "confirm-price" => confirm_price::ConfirmPriceError::CODES,
        "reserve-items" => reserve_items::ReserveItemsError::CODES,
        "check-fraud" => check_fraud::CheckFraudError::CODES,
        "authorize-payment" => authorize_payment::AuthorizePaymentError::CODES,
        "create-delivery" => create_delivery::CreateDeliveryError::CODES,
        "notify-merchant" => notify_merchant::NotifyMerchantError::CODES,
        "await-merchant" => await_merchant::AwaitMerchantError::CODES,
        "capture-payment" => capture_payment::CapturePaymentError::CODES,
        "refund-payment" => refund_payment::RefundPaymentError::CODES,
        "complete-refund" => complete_refund::CompleteRefundError::CODES,
        "complete-order" => complete_order::CompleteOrderError::CODES,
        _ => &[],
    }
}
