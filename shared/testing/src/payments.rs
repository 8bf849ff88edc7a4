use crate::{
    Faults, ManualClock, Pause,
    faults::{Partner, Refusal},
};
use carryout_checkout::{
    order::Order,
    partners::PAYMENT,
    ports::{CallError, Intent, IntentPage, IntentStatus, ListedIntent, PaymentList, Payments, Refund},
};
use carryout_environment::Clock as _;
use carryout_money::Money;
use std::collections::BTreeMap;

/// A payment processor with the Stripe API's state guards, which keeps books.
///
/// Calls, for faults: `create`, `confirm`, `retrieve`, `capture`, `cancel`, `refund`, `refunds`, `list`, `listed`. A refused `confirm`
/// leaves the intent without a payment method, as a declined card does.
#[derive(Clone)]
pub struct FakePayments {
    partner: Partner<Books>,
    clock: ManualClock,
    /// How many intents a page of the list has.
    page: usize,
}

/// What the processor's books say of one order. Minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PaymentBooks {
    /// Intents that were created.
    pub intents: u32,
    /// Times that money was held.
    pub holds: u32,
    /// What is held now.
    pub held: i64,
    /// Times that money was taken.
    pub captures: u32,
    /// What was taken; refunds do not lessen it.
    pub taken: i64,
    /// Times that money was given back.
    pub refunds: u32,
    /// What was given back.
    pub refunded: i64,
}

impl PaymentBooks {
    /// Whether the consumer's money is where it was before the order.
    pub const fn is_clean(&self) -> bool {
        self.held == 0 && self.taken == self.refunded
    }
}

#[derive(Default)]
struct Books {
    honours_keys: bool,
    intents: Vec<Booked>,
    intent_replies: BTreeMap<(&'static str, String), Result<Intent, Refusal>>,
    refund_replies: BTreeMap<String, Result<Refund, Refusal>>,
    refunds_fail: u32,
}

struct Booked {
    intent: Intent,
    order_id: String,
    /// Milliseconds since the Unix epoch.
    created_at: i64,
    holds: u32,
    captured: Option<i64>,
    refunds: Vec<Refund>,
}

impl FakePayments {
    /// A processor that gives the same answer to the same key, or one that ignores keys.
    pub fn new(clock: &ManualClock, honours_keys: bool) -> Self {
        let books = Books { honours_keys, ..Books::default() };
        Self { partner: Partner::new(PAYMENT.name, clock, books), clock: clock.clone(), page: 2 }
    }

    /// Waits at every call.
    #[must_use]
    pub fn pausing(mut self, pause: Pause) -> Self {
        self.partner.pause = pause;
        self
    }

    /// What goes wrong.
    pub fn faults(&self) -> &Faults {
        &self.partner.faults
    }

    /// Lets the next refunds fail at the consumer's bank: they are listed and do not count.
    pub fn fail_next_refunds(&self, times: u32) {
        self.partner.read(|books| books.refunds_fail = times);
    }

    /// What the books say of this order.
    pub fn books(&self, order_id: &str) -> PaymentBooks {
        self.partner.read(|books| {
            let mut sum = PaymentBooks::default();
            for booked in books.intents.iter().filter(|booked| booked.order_id == order_id) {
                sum.intents += 1;
                sum.holds += booked.holds;
                if booked.intent.status == IntentStatus::RequiresCapture {
                    sum.held += booked.intent.amount.minor;
                }
                sum.captures += u32::from(booked.captured.is_some());
                sum.taken += booked.captured.unwrap_or_default();
                for refund in booked.refunds.iter().filter(|refund| !refund.failed) {
                    sum.refunds += 1;
                    sum.refunded += refund.amount.minor;
                }
            }
            sum
        })
    }
}

/// The refusal of what the intent's state does not allow, in the API's words.
fn unexpected_state(intent: &Intent, wanted: &str) -> Refusal {
    let status = format!("{:?}", intent.status);
    ("payment_intent_unexpected_state".to_owned(), format!("you can't {wanted} an intent whose status is {status}"))
}

impl Books {
    fn find(&mut self, id: &str) -> Result<&mut Booked, Refusal> {
        let unknown = || ("resource_missing".to_owned(), format!("no such payment_intent: {id}"));
        self.intents.iter_mut().find(|booked| booked.intent.id == id).ok_or_else(unknown)
    }

    fn keyed(
        &mut self,
        call: &'static str,
        key: String,
        act: impl FnOnce(&mut Self) -> Result<Intent, Refusal>,
    ) -> Result<Intent, Refusal> {
        let key = (call, key);
        if let Some(known) = self.intent_replies.get(&key).filter(|_| self.honours_keys) {
            return known.clone();
        }
        let answer = act(self);
        self.intent_replies.insert(key, answer.clone());
        answer
    }

    fn create(&mut self, order_id: String, amount: Money, created_at: i64) -> Intent {
        let id = format!("pi_{}_{order_id}", self.intents.len() + 1);
        let intent = Intent { id, status: IntentStatus::RequiresPaymentMethod, amount };
        let booked = Booked { intent: intent.clone(), order_id, created_at, holds: 0, captured: None, refunds: Vec::new() };
        self.intents.push(booked);
        intent
    }

    fn confirm(&mut self, id: &str, payment_method: &str, refuse: Option<String>) -> Result<Intent, Refusal> {
        let booked = self.find(id)?;
        if !matches!(booked.intent.status, IntentStatus::RequiresPaymentMethod | IntentStatus::RequiresConfirmation) {
            return Err(unexpected_state(&booked.intent, "confirm"));
        }
        let declined = match payment_method {
            "pm_card_visa_chargeDeclinedInsufficientFunds" => Some("insufficient_funds".to_owned()),
            "pm_card_chargeDeclined" => Some("generic_decline".to_owned()),
            _ => None,
        };
        if let Some(code) = refuse.or(declined) {
            booked.intent.status = IntentStatus::RequiresPaymentMethod;
            return Err((code, "Your card was declined.".to_owned()));
        }
        booked.intent.status = IntentStatus::RequiresCapture;
        booked.holds += 1;
        Ok(booked.intent.clone())
    }

    fn capture(&mut self, id: &str, amount: Money, refuse: Option<String>) -> Result<Intent, Refusal> {
        let booked = self.find(id)?;
        if booked.intent.status != IntentStatus::RequiresCapture {
            return Err(unexpected_state(&booked.intent, "capture"));
        }
        if let Some(code) = refuse {
            return Err((code, "the capture was refused".to_owned()));
        }
        if amount.currency != booked.intent.amount.currency || amount.minor > booked.intent.amount.minor {
            return Err(("amount_too_large".to_owned(), "the amount to capture is greater than what is held".to_owned()));
        }
        booked.intent.status = IntentStatus::Succeeded;
        booked.captured = Some(amount.minor);
        Ok(booked.intent.clone())
    }

    fn cancel(&mut self, id: &str, refuse: Option<String>) -> Result<Intent, Refusal> {
        let booked = self.find(id)?;
        if matches!(booked.intent.status, IntentStatus::Succeeded | IntentStatus::Canceled) {
            return Err(unexpected_state(&booked.intent, "cancel"));
        }
        if let Some(code) = refuse {
            return Err((code, "the cancellation was refused".to_owned()));
        }
        booked.intent.status = IntentStatus::Canceled;
        Ok(booked.intent.clone())
    }

    fn refund(&mut self, key: &str, id: &str, amount: Money, refuse: Option<String>) -> Result<Refund, Refusal> {
        let failed = self.refunds_fail > 0;
        let booked = self.find(id)?;
        if booked.intent.status != IntentStatus::Succeeded {
            return Err(unexpected_state(&booked.intent, "refund"));
        }
        if let Some(code) = refuse {
            return Err((code, "the refund was refused".to_owned()));
        }
        let given: i64 = booked.refunds.iter().filter(|refund| !refund.failed).map(|refund| refund.amount.minor).sum();
        let left = booked.captured.unwrap_or_default() - given;
        if left == 0 {
            return Err(("charge_already_refunded".to_owned(), "the charge has already been refunded".to_owned()));
        }
        if amount.minor > left {
            return Err(("amount_too_large".to_owned(), "the refund is greater than what is left".to_owned()));
        }
        let refund = Refund { id: format!("re_{}_{id}", booked.refunds.len() + 1), amount, failed, key: key.to_owned() };
        booked.refunds.push(refund.clone());
        self.refunds_fail = self.refunds_fail.saturating_sub(1);
        Ok(refund)
    }
}

impl Payments for FakePayments {
    async fn create(&self, key: &str, order: &Order) -> Result<Intent, CallError> {
        let (key, order_id, amount, now) = (key.to_owned(), order.id.clone(), order.total(), self.clock.now());
        let create = move |books: &mut Books, refuse: Option<String>| {
            books.keyed("create", key, |books| match refuse {
                Some(code) => Err((code, "the intent was refused".to_owned())),
                None => Ok(books.create(order_id, amount, now)),
            })
        };
        self.partner.call("create", create).await
    }

    async fn confirm(&self, key: &str, intent: &str, payment_method: &str) -> Result<Intent, CallError> {
        let (key, id, method) = (key.to_owned(), intent.to_owned(), payment_method.to_owned());
        let confirm = move |books: &mut Books, refuse| books.keyed("confirm", key, |books| books.confirm(&id, &method, refuse));
        self.partner.call("confirm", confirm).await
    }

    async fn retrieve(&self, intent: &str) -> Result<Intent, CallError> {
        let id = intent.to_owned();
        self.partner.call("retrieve", move |books, _| books.find(&id).map(|booked| booked.intent.clone())).await
    }

    async fn capture(&self, key: &str, intent: &str, amount: Money) -> Result<Intent, CallError> {
        let (key, id) = (key.to_owned(), intent.to_owned());
        let capture = move |books: &mut Books, refuse| books.keyed("capture", key, |books| books.capture(&id, amount, refuse));
        self.partner.call("capture", capture).await
    }

    async fn cancel(&self, key: &str, intent: &str) -> Result<Intent, CallError> {
        let (key, id) = (key.to_owned(), intent.to_owned());
        let cancel = move |books: &mut Books, refuse| books.keyed("cancel", key, |books| books.cancel(&id, refuse));
        self.partner.call("cancel", cancel).await
    }

    async fn refund(&self, key: &str, intent: &str, amount: Money) -> Result<Refund, CallError> {
        let (key, id) = (key.to_owned(), intent.to_owned());
        let refund = move |books: &mut Books, refuse| {
            if let Some(known) = books.refund_replies.get(&key).filter(|_| books.honours_keys) {
                return known.clone();
            }
            let answer = books.refund(&key, &id, amount, refuse);
            books.refund_replies.insert(key, answer.clone());
            answer
        };
        self.partner.call("refund", refund).await
    }

    async fn refunds(&self, intent: &str) -> Result<Vec<Refund>, CallError> {
        let id = intent.to_owned();
        self.partner.call("refunds", move |books, _| books.find(&id).map(|booked| booked.refunds.clone())).await
    }
}

impl Booked {
    /// An intent of the empty order is one that another system created.
    fn listed(&self) -> ListedIntent {
        ListedIntent {
            received: Money { minor: self.captured.unwrap_or_default(), ..self.intent.amount },
            order_id: Some(self.order_id.clone()).filter(|id| !id.is_empty()),
            created_at: self.created_at / 1_000 * 1_000,
            intent: self.intent.clone(),
        }
    }
}

impl PaymentList for FakePayments {
    async fn list(&self, since: i64, after: Option<&str>) -> Result<IntentPage, CallError> {
        let (after, page) = (after.map(str::to_owned), self.page);
        let list = move |books: &mut Books, _| {
            let newest_first = books.intents.iter().rev().map(Booked::listed).filter(|listed| listed.created_at >= since);
            let mut rest: Vec<ListedIntent> = newest_first.collect();
            if let Some(after) = after {
                let at = rest.iter().position(|listed| listed.intent.id == after);
                rest.drain(..=at.ok_or_else(|| ("resource_missing".to_owned(), format!("no such payment_intent: {after}")))?);
            }
            let has_more = rest.len() > page;
            rest.truncate(page);
            Ok(IntentPage { intents: rest, has_more })
        };
        self.partner.call("list", list).await
    }

    async fn listed(&self, intent: &str) -> Result<ListedIntent, CallError> {
        let id = intent.to_owned();
        self.partner.call("listed", move |books, _| books.find(&id).map(|booked| booked.listed())).await
    }
}
