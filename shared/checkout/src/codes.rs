//! Every error code of the checkout, once. The same names stand in the state machines, in problem replies and in
//! `docs/api.md`; a contract test holds them together.

use carryout_environment::ErrorCode;

/// The card was declined.
pub const PAYMENT_DECLINED: ErrorCode = ErrorCode::permanent("Payment.Declined", "Pay with another card, or ask your bank.");
/// The processor refuses the payment for another reason than the card.
pub const PAYMENT_REFUSED: ErrorCode = ErrorCode::permanent("Payment.Refused", "Pay with another payment method.");
/// The processor did nothing.
pub const PAYMENT_UNAVAILABLE: ErrorCode =
    ErrorCode::retryable("Payment.Unavailable", "Wait a moment; the order goes on by itself.");
/// The processor may have done it.
pub const PAYMENT_UNCLEAR: ErrorCode = ErrorCode::unknown("Payment.Unclear", "Wait a moment; you are not charged twice.");
/// The quote is used by another order, or changed.
pub const QUOTE_NOT_HELD: ErrorCode = ErrorCode::permanent("Quote.NotHeld", "Ask for a new quote and order again.");
/// An item is sold out.
pub const ITEM_SOLD_OUT: ErrorCode = ErrorCode::permanent("Item.SoldOut", "Remove the item, or choose another one.");
/// A promotion of the price is used up.
pub const PROMOTION_USED_UP: ErrorCode =
    ErrorCode::permanent("Promotion.UsedUp", "Ask for a new quote: it has the price without the promotion.");
/// A credit of the price was spent on another order.
pub const CREDIT_SPENT: ErrorCode =
    ErrorCode::permanent("Credit.Spent", "Ask for a new quote: it has the price with what is left of the credit.");
/// Many orders want the same items at the same moment.
pub const STOCK_BUSY: ErrorCode = ErrorCode::retryable("Stock.Busy", "Wait a moment; the order goes on by itself.");
/// The order looks like fraud.
pub const FRAUD_REJECTED: ErrorCode = ErrorCode::permanent("Fraud.Rejected", "Contact support to have the order reviewed.");
/// The fraud service did not answer.
pub const FRAUD_UNAVAILABLE: ErrorCode = ErrorCode::retryable("Fraud.Unavailable", "Wait a moment; the order goes on by itself.");
/// No courier can be booked.
pub const DELIVERY_REFUSED: ErrorCode = ErrorCode::permanent("Delivery.Refused", "Choose pickup, or another address.");
/// The logistics partner did not answer.
pub const DELIVERY_UNAVAILABLE: ErrorCode =
    ErrorCode::retryable("Delivery.Unavailable", "Wait a moment; the order goes on by itself.");
/// The logistics partner may have booked a courier.
pub const DELIVERY_UNCLEAR: ErrorCode = ErrorCode::unknown("Delivery.Unclear", "Wait a moment; the order goes on by itself.");
/// The merchant does not take the order.
pub const MERCHANT_REFUSED: ErrorCode = ErrorCode::permanent("Merchant.Refused", "Order from another store.");
/// The merchant did not answer in time.
pub const MERCHANT_SILENT: ErrorCode = ErrorCode::permanent("Merchant.Silent", "Order from another store, or try again later.");
/// The merchant's system could not be reached.
pub const MERCHANT_UNAVAILABLE: ErrorCode =
    ErrorCode::retryable("Merchant.Unavailable", "Wait a moment; the order goes on by itself.");
/// The merchant's system may have got the order.
pub const MERCHANT_UNCLEAR: ErrorCode = ErrorCode::unknown("Merchant.Unclear", "Wait a moment; the order goes on by itself.");

/// The processor refuses to give money back.
pub const REFUND_REFUSED: ErrorCode =
    ErrorCode::permanent("Refund.Refused", "Look at the payment at the processor; nothing was given back.");
/// Whether money was given back is not known.
pub const REFUND_UNCERTAIN: ErrorCode =
    ErrorCode::permanent("Refund.Uncertain", "Redrive the refund once the processor answers again.");

/// The codes that a step's function can end with.
pub const STEP_CODES: &[ErrorCode] = &[
    PAYMENT_DECLINED,
    PAYMENT_REFUSED,
    PAYMENT_UNAVAILABLE,
    PAYMENT_UNCLEAR,
    QUOTE_NOT_HELD,
    ITEM_SOLD_OUT,
    PROMOTION_USED_UP,
    CREDIT_SPENT,
    STOCK_BUSY,
    FRAUD_REJECTED,
    FRAUD_UNAVAILABLE,
    DELIVERY_REFUSED,
    DELIVERY_UNAVAILABLE,
    DELIVERY_UNCLEAR,
    MERCHANT_REFUSED,
    MERCHANT_SILENT,
    MERCHANT_UNAVAILABLE,
    MERCHANT_UNCLEAR,
    REFUND_REFUSED,
    REFUND_UNCERTAIN,
];
