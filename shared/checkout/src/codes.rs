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

/// A field of a request is wrong.
pub const REQUEST_INVALID: ErrorCode =
    ErrorCode::permanent("Request.InvalidField", "Correct the field and send the request again.");
/// The account does not exist.
pub const CONSUMER_UNKNOWN: ErrorCode = ErrorCode::permanent("Consumer.Unknown", "Sign up first.");
/// The store does not exist.
pub const STORE_UNKNOWN: ErrorCode = ErrorCode::permanent("Store.Unknown", "Find stores with GET /v1/stores?lat=…&lng=….");
/// The item does not exist.
pub const ITEM_UNKNOWN: ErrorCode = ErrorCode::permanent("Item.Unknown", "Read the store's menu with GET /v1/stores/{id}.");
/// The validator refused the price.
pub const PRICE_WRONG: ErrorCode =
    ErrorCode::permanent("Price.Wrong", "Nothing is charged. Tell support the record's id, or choose other items.");
/// The account is blocked.
pub const CONSUMER_BLOCKED: ErrorCode = ErrorCode::permanent("Consumer.Blocked", "Contact support.");
/// The quote does not exist.
pub const QUOTE_UNKNOWN: ErrorCode = ErrorCode::permanent("Quote.Unknown", "Ask for a quote with POST /v1/quotes.");
/// The quote's signature is wrong.
pub const QUOTE_FORGED: ErrorCode =
    ErrorCode::permanent("Quote.Forged", "Send the signature that came with the quote, unchanged.");
/// The quote has expired; its price is the same.
pub const QUOTE_EXPIRED: ErrorCode = ErrorCode::permanent("Quote.Expired", "Order at the fresh quote in this answer.");
/// The quote has expired, and the price is another one now.
pub const QUOTE_CHANGED: ErrorCode =
    ErrorCode::permanent("Quote.Changed", "Look at the differences and order at the fresh quote in this answer.");
/// The quote was used.
pub const QUOTE_USED: ErrorCode = ErrorCode::permanent("Quote.Used", "Ask for a new quote to order again.");
/// The payment method does not exist.
pub const PAYMENT_METHOD_UNKNOWN: ErrorCode =
    ErrorCode::permanent("PaymentMethod.Unknown", "Choose one of your payment methods.");
/// The store is closed.
pub const STORE_CLOSED: ErrorCode =
    ErrorCode::permanent("Store.Closed", "Order from a store that is open, or come back when this one opens.");
/// The store takes no orders.
pub const STORE_NOT_ACCEPTING: ErrorCode =
    ErrorCode::permanent("Store.NotAccepting", "Order from another store, or try again later.");
/// The address is too far away.
pub const DELIVERY_OUT_OF_REACH: ErrorCode =
    ErrorCode::permanent("Delivery.OutOfReach", "Choose pickup, or a store near the address.");
/// The address is gone.
pub const ADDRESS_UNKNOWN: ErrorCode = ErrorCode::permanent("Address.Unknown", "Ask for a new quote with one of your addresses.");
/// The market is not open.
pub const MARKET_UNKNOWN: ErrorCode = ErrorCode::permanent("Market.Unknown", "Order from a store in a market that is open.");
/// The key was used for another request.
pub const KEY_REUSED: ErrorCode = ErrorCode::permanent("Idempotency.KeyReused", "Use a new Idempotency-Key for a new request.");
/// Too many requests for the same things.
pub const SUBMIT_BUSY: ErrorCode =
    ErrorCode::retryable("Submit.Busy", "Send the same request again with the same Idempotency-Key.");
/// Nothing is left of the order.
pub const ORDER_ENDED: ErrorCode = ErrorCode::permanent("Order.Ended", "Only an order that stands has a price.");
/// There is no such order.
pub const ORDER_UNKNOWN: ErrorCode = ErrorCode::permanent("Order.Unknown", "Check the order's number.");
/// The order is not placed.
pub const REFUND_NOT_PLACED: ErrorCode =
    ErrorCode::permanent("Refund.NotPlaced", "Only a placed order is refunded; any other is undone by itself.");
/// Another refund is under way.
pub const REFUND_IN_PROGRESS: ErrorCode =
    ErrorCode::retryable("Refund.InProgress", "Wait until the refund under way has ended, and send the request again.");
/// The order has no such line.
pub const REFUND_NO_LINE: ErrorCode = ErrorCode::permanent("Refund.NoLine", "Name lines by their place in the order, from 0.");
/// More than is left.
pub const REFUND_TOO_MUCH: ErrorCode = ErrorCode::permanent("Refund.TooMuch", "Give back no more than is left of the order.");
/// Nothing is left.
pub const REFUND_NOTHING: ErrorCode = ErrorCode::permanent("Refund.Nothing", "Nothing to do: it is given back already.");
/// The store has accepted the order, or the order is placed already.
pub const CANCEL_TOO_LATE: ErrorCode =
    ErrorCode::permanent("Order.CancelTooLate", "The store makes it already: ask support for a refund.");
/// The order has failed.
pub const CANCEL_NOTHING: ErrorCode = ErrorCode::permanent("Order.NothingToCancel", "Nothing to do: you are not charged.");
/// The order is not parked.
pub const NOT_PARKED: ErrorCode = ErrorCode::permanent("Order.NotParked", "Nothing to do: only a parked order is redriven.");
/// The refund is not parked.
pub const REFUND_NOT_PARKED: ErrorCode =
    ErrorCode::permanent("Refund.NotParked", "Nothing to do: only a parked refund is redriven.");

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
