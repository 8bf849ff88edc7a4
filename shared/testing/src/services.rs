use crate::{Faults, ManualClock, Pause, faults::Partner};
use carryout_checkout::{
    consumer::Address,
    order::{FraudFacts, Order},
    partners::{FRAUD, LOGISTICS, MERCHANT},
    ports::{CallError, Delivery, Fraud, FraudVerdict, Logistics, Merchants},
    store::Location,
};
use std::collections::BTreeMap;

/// A fraud service that approves, or refuses consumers that it was told about. Calls, for faults: `check`.
#[derive(Clone)]
pub struct FakeFraud {
    partner: Partner<Vec<String>>,
}

impl FakeFraud {
    /// A service that approves everybody.
    pub fn new(clock: &ManualClock) -> Self {
        Self { partner: Partner::new(FRAUD.name, clock, Vec::new()) }
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

    /// From now on rejects this consumer.
    pub fn reject(&self, consumer_id: &str) {
        self.partner.read(|rejected| rejected.push(consumer_id.to_owned()));
    }
}

impl Fraud for FakeFraud {
    async fn check(&self, order: &Order, _facts: FraudFacts) -> Result<FraudVerdict, CallError> {
        let consumer = order.consumer.id.clone();
        let check = move |rejected: &mut Vec<String>, refuse: Option<String>| {
            if let Some(code) = refuse {
                return Err((code, "the check was refused".to_owned()));
            }
            let approved = !rejected.contains(&consumer);
            let (score, reason) = if approved { (5, "nothing stands out") } else { (97, "known for chargebacks") };
            Ok(FraudVerdict { approved, score, reason: reason.to_owned() })
        };
        self.partner.call("check", check).await
    }
}

/// A logistics partner that goes everywhere, unless told otherwise. The same key gives the same delivery.
///
/// Calls, for faults: `covers`, `create`, `find`, `cancel`.
#[derive(Clone)]
pub struct FakeLogistics {
    partner: Partner<Deliveries>,
}

#[derive(Default)]
struct Deliveries {
    stays_home: bool,
    /// Key, order, delivery.
    booked: Vec<(String, String, Delivery)>,
}

impl FakeLogistics {
    /// A partner without deliveries.
    pub fn new(clock: &ManualClock) -> Self {
        Self { partner: Partner::new(LOGISTICS.name, clock, Deliveries::default()) }
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

    /// From now on couriers go nowhere.
    pub fn stay_home(&self) {
        self.partner.read(|books| books.stays_home = true);
    }

    /// The order's deliveries, cancelled ones too.
    pub fn deliveries(&self, order_id: &str) -> Vec<Delivery> {
        self.partner.read(|books| books.of(order_id))
    }

    /// How many couriers still come for the order.
    pub fn live(&self, order_id: &str) -> usize {
        self.deliveries(order_id).iter().filter(|delivery| delivery.live).count()
    }
}

impl Deliveries {
    fn of(&self, order_id: &str) -> Vec<Delivery> {
        self.booked.iter().filter(|(_, order, _)| order == order_id).map(|(.., delivery)| delivery.clone()).collect()
    }
}

impl Logistics for FakeLogistics {
    async fn covers(&self, _from: Location, _to: Location) -> Result<bool, CallError> {
        let covers = |books: &mut Deliveries, refuse: Option<String>| match refuse {
            Some(code) => Err((code, "the question was refused".to_owned())),
            None => Ok(!books.stays_home),
        };
        self.partner.call("covers", covers).await
    }

    async fn create(&self, key: &str, order: &Order, _to: &Address) -> Result<Delivery, CallError> {
        let (key, order_id) = (key.to_owned(), order.id.clone());
        let create = move |books: &mut Deliveries, refuse: Option<String>| {
            if let Some((.., known)) = books.booked.iter().find(|(other, ..)| *other == key) {
                return Ok(known.clone());
            }
            if let Some(code) = refuse {
                return Err((code, "no courier is free".to_owned()));
            }
            let id = format!("dlv_{}_{order_id}", books.booked.len() + 1);
            let delivery = Delivery { id, live: true, eta_minutes: 25 };
            books.booked.push((key, order_id, delivery.clone()));
            Ok(delivery)
        };
        self.partner.call("create", create).await
    }

    async fn find(&self, order_id: &str) -> Result<Vec<Delivery>, CallError> {
        let order_id = order_id.to_owned();
        self.partner.call("find", move |books, _| Ok(books.of(&order_id))).await
    }

    async fn cancel(&self, delivery: &str) -> Result<(), CallError> {
        let id = delivery.to_owned();
        let cancel = move |books: &mut Deliveries, refuse: Option<String>| {
            if let Some(code) = refuse {
                return Err((code, "the cancellation was refused".to_owned()));
            }
            match books.booked.iter_mut().find(|(.., delivery)| delivery.id == id) {
                Some((.., delivery)) => {
                    delivery.live = false;
                    Ok(())
                }
                None => Err(("not_found".to_owned(), format!("there is no delivery {id}"))),
            }
        };
        self.partner.call("cancel", cancel).await
    }
}

/// What the stores know of one order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MerchantBooks {
    /// Times that it was received.
    pub received: u32,
    /// Whether it was called off, maybe before it was received.
    pub cancelled: bool,
    /// Whether the store was asked to answer.
    pub wants_answer: bool,
}

impl MerchantBooks {
    /// Whether the store makes it.
    pub const fn is_made(&self) -> bool {
        self.received > 0 && !self.cancelled
    }
}

/// The stores' order systems. Calls, for faults: `send`, `cancel`.
#[derive(Clone)]
pub struct FakeMerchants {
    partner: Partner<BTreeMap<String, MerchantBooks>>,
}

impl FakeMerchants {
    /// Stores that take every order.
    pub fn new(clock: &ManualClock) -> Self {
        Self { partner: Partner::new(MERCHANT.name, clock, BTreeMap::new()) }
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

    /// What the stores know of this order.
    pub fn books(&self, order_id: &str) -> MerchantBooks {
        self.partner.read(|books| books.get(order_id).copied().unwrap_or_default())
    }
}

impl Merchants for FakeMerchants {
    async fn send(&self, order: &Order, wants_answer: bool) -> Result<(), CallError> {
        let id = order.id.clone();
        let send = move |books: &mut BTreeMap<String, MerchantBooks>, refuse: Option<String>| {
            if let Some(code) = refuse {
                return Err((code, "the kitchen is full".to_owned()));
            }
            let known = books.entry(id).or_default();
            if known.cancelled {
                return Err(("cancelled".to_owned(), "the order was called off".to_owned()));
            }
            known.received += 1;
            known.wants_answer |= wants_answer;
            Ok(())
        };
        self.partner.call("send", send).await
    }

    async fn cancel(&self, order: &Order) -> Result<(), CallError> {
        let id = order.id.clone();
        let cancel = move |books: &mut BTreeMap<String, MerchantBooks>, refuse: Option<String>| {
            if let Some(code) = refuse {
                return Err((code, "the cancellation was refused".to_owned()));
            }
            books.entry(id).or_default().cancelled = true;
            Ok(())
        };
        self.partner.call("cancel", cancel).await
    }
}
