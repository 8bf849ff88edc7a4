//! Why a bank declines a card, as far as a consumer may know it.

/// What a decline code of the Stripe API comes to: <https://docs.stripe.com/declines/codes>.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Decline {
    /// The bank gives no reason, or one that is not for the consumer to hear: the card is reported lost, fraud is suspected.
    NoReason,
    /// The bank wants the consumer to confirm the payment first.
    Authentication,
    /// There is not enough money on the card, or the payment is above its limit.
    InsufficientFunds,
    /// The card has expired.
    Expired,
    /// The security code is wrong.
    SecurityCode,
    /// The number, the expiry date, the postal code or the PIN is wrong.
    Details,
    /// The card was used too often.
    TooOften,
    /// The card can't pay for this: its kind, its currency.
    NotSupported,
    /// The bank could not process it.
    BankFailed,
}

impl Decline {
    /// The decline that `code` stands for; nothing for a code that says nothing about a card.
    pub fn from_code(code: &str) -> Option<Self> {
        Some(match code {
            "authentication_required" | "approve_with_id" => Self::Authentication,
            "insufficient_funds" | "invalid_amount" => Self::InsufficientFunds,
            "expired_card" => Self::Expired,
            "incorrect_cvc" | "invalid_cvc" => Self::SecurityCode,
            "incorrect_number"
            | "incorrect_pin"
            | "incorrect_zip"
            | "invalid_account"
            | "invalid_expiry_month"
            | "invalid_expiry_year"
            | "invalid_number"
            | "invalid_pin" => Self::Details,
            "card_velocity_exceeded" | "pin_try_exceeded" | "withdrawal_count_limit_exceeded" => Self::TooOften,
            "card_not_supported" | "currency_not_supported" | "not_permitted" | "service_not_allowed" => Self::NotSupported,
            "issuer_not_available" | "processing_error" | "reenter_transaction" | "try_again_later" => Self::BankFailed,
            "call_issuer"
            | "card_declined"
            | "do_not_honor"
            | "do_not_try_again"
            | "duplicate_transaction"
            | "fraudulent"
            | "generic_decline"
            | "lost_card"
            | "merchant_blacklist"
            | "new_account_information_available"
            | "no_action_taken"
            | "pickup_card"
            | "restricted_card"
            | "revocation_of_all_authorizations"
            | "revocation_of_authorization"
            | "security_violation"
            | "stolen_card"
            | "stop_payment_order"
            | "testmode_decline"
            | "transaction_not_allowed" => Self::NoReason,
            _ => return None,
        })
    }

    /// What the consumer is told.
    pub const fn explanation(self) -> &'static str {
        match self {
            Self::NoReason => "the bank gives no reason",
            Self::Authentication => "the bank wants you to confirm it first",
            Self::InsufficientFunds => "there is not enough money on it",
            Self::Expired => "it has expired",
            Self::SecurityCode => "its security code is wrong",
            Self::Details => "its details are wrong",
            Self::TooOften => "it was used too often",
            Self::NotSupported => "it can't pay for this",
            Self::BankFailed => "the bank could not process it",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_consumer_must_not_hear_has_no_reason() {
        for code in ["stolen_card", "lost_card", "fraudulent", "generic_decline"] {
            assert_eq!(Decline::from_code(code), Some(Decline::NoReason), "{code}");
        }
        assert_eq!(Decline::from_code("insufficient_funds"), Some(Decline::InsufficientFunds));
        assert_eq!(Decline::from_code("payment_intent_unexpected_state"), None);
    }
}
