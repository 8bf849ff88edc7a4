//! What goes wrong, where, and how often: a plan that every adapter of the simulated world asks before it acts.
//!
//! A plan speaks of *places*: the function of a step going forward (`authorize-payment`), its undo
//! (`undo-authorize-payment`), the closing of an order, or one of the functions around the workflow.

use crate::{history::History, random::Random, virtual_time::lock};
use carryout_checkout::ports::MerchantAnswer;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

/// Whom a function calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dependency {
    /// Our own tables.
    Store,
    /// The payment processor.
    Payments,
    /// The fraud service.
    Fraud,
    /// The logistics partner.
    Logistics,
    /// The merchants' order systems.
    Merchants,
    /// The workflow service, by a function that starts or asks.
    Executions,
    /// The workflow service, by a function that answers for a waiting step.
    Callbacks,
    /// The queue of submitted orders.
    Queue,
    /// The queue of parked orders.
    Pager,
}

impl Dependency {
    const fn is_partner(self) -> bool {
        matches!(self, Self::Payments | Self::Fraud | Self::Logistics | Self::Merchants)
    }
}

/// The places, and the call in each that has the effect.
pub const PLACES: &[(&str, Dependency, &str)] = &[
    ("confirm-price", Dependency::Store, "confirm"),
    ("reserve-items", Dependency::Store, "reserve"),
    ("check-fraud", Dependency::Fraud, "check"),
    ("authorize-payment", Dependency::Payments, "confirm"),
    ("create-delivery", Dependency::Logistics, "create"),
    ("notify-merchant", Dependency::Merchants, "send"),
    ("await-merchant", Dependency::Store, "wait_for"),
    ("capture-payment", Dependency::Payments, "capture"),
    ("complete-order", Dependency::Store, "place"),
    ("undo-capture-payment", Dependency::Payments, "refund"),
    ("undo-create-delivery", Dependency::Logistics, "cancel"),
    ("undo-notify-merchant", Dependency::Merchants, "cancel"),
    ("undo-authorize-payment", Dependency::Payments, "cancel"),
    ("undo-reserve-items", Dependency::Store, "put_back"),
    ("close-as-failed", Dependency::Store, "fail"),
    ("park", Dependency::Store, "park"),
    ("submit-checkout", Dependency::Store, "submit"),
    ("start-checkout", Dependency::Executions, "start"),
    ("sweep-orders", Dependency::Executions, "start"),
    ("receive-webhooks", Dependency::Store, "record"),
    ("cancel-order", Dependency::Store, "cancel"),
    ("redrive-orders", Dependency::Store, "reopen"),
];

/// The call that has the effect in this place.
pub fn effect_of(place: &str) -> Option<(Dependency, &'static str)> {
    PLACES.iter().find(|(name, ..)| *name == place).map(|(_, party, call)| (*party, *call))
}

/// The place of a step's function that is asked for this action.
pub fn place_of(step: &str, action: &str) -> &'static str {
    let find = |wanted: &str| PLACES.iter().find(|(name, ..)| *name == wanted).map_or("", |(name, ..)| *name);
    match action {
        "undo" => find(&format!("undo-{step}")),
        "fail" => "close-as-failed",
        "park" => "park",
        _ => find(step),
    }
}

/// What goes wrong with one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallFault {
    /// It happens, and the answer is lost.
    AnswerLost,
    /// It does not happen, and the caller can't know.
    NoAnswer,
    /// It does not happen, and the caller is told so where the other side can tell.
    Error,
    /// Another writer is at the same items.
    Conflict,
    /// The answer is lost; it happens this many milliseconds after the request was sent.
    Late(i64),
    /// The partner refuses for good, with this code.
    Refuse(&'static str),
}

impl CallFault {
    const fn fits(&self, party: Dependency) -> bool {
        match self {
            Self::AnswerLost | Self::NoAnswer | Self::Error => true,
            Self::Conflict => matches!(party, Dependency::Store),
            Self::Late(_) | Self::Refuse(_) => party.is_partner(),
        }
    }
}

/// What happens around one invocation of a function.
#[derive(Debug, Clone, PartialEq)]
pub enum InvocationFault {
    /// It is not run: too many requests.
    Throttled,
    /// It runs, and whoever called it is told that the Lambda service failed.
    AnswerLost,
    /// It is called twice; the second time this many milliseconds later.
    Twice(i64),
    /// The order's next run begins beside the one that calls.
    NextRun,
    /// The run that calls is started a second time, which the workflow service must not do.
    SameRun,
    /// The consumer cancels.
    ConsumerCancels,
    /// The merchant answers now, this many times.
    MerchantAnswers(MerchantAnswer, u32),
    /// The execution (or the message) that calls is gone, before the function is called.
    CallerGone,
    /// The execution (or the message) that calls is gone, after the function was called.
    CallerGoneAfter,
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// A call of the function.
    Call(CallFault),
    /// The process of the function is killed at a point where it waits.
    Killed,
    /// A request reaches the partner a second time, this many milliseconds later.
    RequestTwice(i64),
    /// Something around the function.
    Around(InvocationFault),
}

/// At which of the calls, or waits, of an invocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Site {
    /// The call that has the effect.
    Effect,
    /// This many calls or waits after the invocation began, or at the effect, whichever is first.
    Before(u32),
    /// This many calls or waits after the effect.
    After(u32),
    /// Any call of a partner but the one that has the effect.
    OtherPartnerCalls,
}

/// Something that is going to go wrong.
#[derive(Debug, Clone)]
pub struct PlannedFault {
    /// Where.
    pub place: &'static str,
    /// What.
    pub what: What,
    /// At which call.
    pub site: Site,
    /// From which invocation on, counted from 1.
    pub from: u32,
    /// How many times; `u32::MAX` until the faults are lifted.
    pub times: u32,
}

impl PlannedFault {
    /// Once, at the first opportunity.
    pub const fn once(place: &'static str, what: What, site: Site) -> Self {
        Self { place, what, site, from: 1, times: 1 }
    }

    /// Until the faults are lifted.
    #[must_use]
    pub const fn for_long(mut self) -> Self {
        self.times = u32::MAX;
        self
    }

    const fn spend(&mut self) {
        if self.times != u32::MAX {
            self.times -= 1;
        }
    }
}

/// One run of a function.
#[derive(Debug)]
pub struct Invocation {
    place: &'static str,
    nth: u32,
    effect_seen: bool,
    killed: bool,
    /// Calls and waits so far, before and after the effect.
    passed: [u32; 4],
    /// When it last began to wait. Milliseconds since the Unix epoch.
    waits_since: i64,
}

/// One run of a function, as whoever runs it and the plan share it.
pub type SharedInvocation = Arc<Mutex<Invocation>>;

/// Whether this invocation's process was killed.
pub fn is_killed(invocation: &SharedInvocation) -> bool {
    lock(invocation).killed
}

/// How many of 100 partner calls fail at random.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RandomFaults {
    /// They did nothing, and say so.
    pub fail: u64,
    /// They happened, and their answer is lost.
    pub lose_answer: u64,
}

/// The plan. Clones share it.
#[derive(Clone)]
pub struct Faults {
    shared: Arc<Mutex<Shared>>,
    /// What happens, in words.
    pub history: History,
}

struct Shared {
    armed: Vec<PlannedFault>,
    random_faults: Option<RandomFaults>,
    current: Option<SharedInvocation>,
    invocations: BTreeMap<&'static str, u32>,
    fired: u32,
    random: Random,
}

impl Faults {
    /// A plan of what is `armed`; `random` decides how long calls take.
    pub fn new(armed: Vec<PlannedFault>, random_faults: Option<RandomFaults>, random: Random, history: History) -> Self {
        let shared = Shared { armed, random_faults, current: None, invocations: BTreeMap::new(), fired: 0, random };
        Self { shared: Arc::new(Mutex::new(shared)), history }
    }

    /// From now on nothing goes wrong any more, but for what goes wrong with the lifting itself.
    pub fn lift(&self) {
        let mut shared = lock(&self.shared);
        shared.armed.retain(|armed| armed.place == "redrive-orders" && armed.times != u32::MAX);
        shared.random_faults = None;
        drop(shared);
        self.history.say(|| "faults are lifted".to_owned());
    }

    /// How many things went wrong so far.
    pub fn fired(&self) -> u32 {
        lock(&self.shared).fired
    }

    /// A function begins to run in `place`.
    pub fn begin(&self, place: &'static str) -> SharedInvocation {
        let mut shared = lock(&self.shared);
        let nth = shared.invocations.entry(place).or_default();
        *nth += 1;
        Arc::new(Mutex::new(Invocation { place, nth: *nth, effect_seen: false, killed: false, passed: [0; 4], waits_since: 0 }))
    }

    /// Until it is left, calls and waits are those of `invocation`.
    pub fn enter(&self, invocation: &SharedInvocation) {
        lock(&self.shared).current = Some(Arc::clone(invocation));
    }

    /// The invocation gives way to others.
    pub fn leave(&self) {
        lock(&self.shared).current = None;
    }

    /// What happens around the next invocation in `place`.
    pub fn around(&self, place: &'static str) -> Vec<InvocationFault> {
        let mut shared = lock(&self.shared);
        let nth = shared.invocations.get(place).copied().unwrap_or_default() + 1;
        let mut found = Vec::new();
        for armed in shared.armed.iter_mut().filter(|armed| armed.place == place && armed.from <= nth && armed.times > 0) {
            if let What::Around(happening) = &armed.what {
                found.push(happening.clone());
                armed.spend();
            }
        }
        shared.fired += found.len() as u32;
        drop(shared);
        for happening in &found {
            self.history.say(|| format!("{place}: {happening:?}"));
        }
        found
    }

    /// What goes wrong with this call, made now.
    pub fn call(&self, party: Dependency, call: &'static str) -> Option<CallFault> {
        let mut shared = lock(&self.shared);
        let current = shared.current.clone();
        let fault = match &current {
            Some(invocation) => {
                let mut invocation = lock(invocation);
                let passed = usize::from(invocation.effect_seen);
                let number = invocation.passed[passed];
                invocation.passed[passed] += 1;
                let is_effect = effect_of(invocation.place) == Some((party, call));
                let planned = shared.take(&invocation, is_effect, number, party, |what| match what {
                    What::Call(fault) if fault.fits(party) => Some(fault.clone()),
                    _ => None,
                });
                invocation.effect_seen |= is_effect || matches!(call, "complete" | "complete_undo");
                planned.map(|fault| match fault {
                    CallFault::Late(after) => CallFault::Late((invocation.waits_since + after - self.history.now()).max(1)),
                    other => other,
                })
            }
            None => None,
        };
        let fault = fault.or_else(|| {
            let random_faults = shared.random_faults.filter(|_| party.is_partner())?;
            let drawn = shared.random.number() % 100;
            let fault = match drawn {
                drawn if drawn < random_faults.fail => CallFault::Error,
                drawn if drawn < random_faults.fail + random_faults.lose_answer => CallFault::AnswerLost,
                _ => return None,
            };
            shared.fired += 1;
            Some(fault)
        });
        drop(shared);
        self.history.say(|| {
            let place = current.as_ref().map_or("-", |invocation| lock(invocation).place);
            match &fault {
                None => format!("{place}: {party:?}.{call}"),
                Some(fault) => format!("{place}: {party:?}.{call} FAULT {fault:?}"),
            }
        });
        fault
    }

    /// After how many milliseconds this request reaches its partner a second time, if it does.
    pub fn twice(&self, party: Dependency, call: &'static str) -> Option<i64> {
        let mut shared = lock(&self.shared);
        let invocation = shared.current.clone()?;
        let invocation = lock(&invocation);
        let is_effect = effect_of(invocation.place) == Some((party, call));
        let found = shared.take(&invocation, is_effect, 0, party, |what| match what {
            What::RequestTwice(after) => Some(*after),
            _ => None,
        });
        drop(shared);
        if let Some(after) = found {
            self.history.say(|| format!("{}: {party:?}.{call} arrives again after {after} ms", invocation.place));
        }
        found
    }

    /// How long the current invocation waits here, milliseconds; nothing where it is killed while it waits.
    pub fn wait(&self, party: Dependency, call: &'static str) -> Option<i64> {
        let mut shared = lock(&self.shared);
        let longest = match party {
            Dependency::Store | Dependency::Executions | Dependency::Callbacks | Dependency::Queue | Dependency::Pager => {
                (2, 12, 1_800)
            }
            Dependency::Payments | Dependency::Fraud | Dependency::Logistics | Dependency::Merchants => (10, 90, 1_400),
        };
        let slow = shared.random.chance(4);
        let ms = shared.random.between(longest.0, if slow { longest.2 } else { longest.1 });
        let Some(invocation) = shared.current.clone() else { return Some(ms) };
        let mut invocation = lock(&invocation);
        let passed = 2 + usize::from(invocation.effect_seen);
        let number = invocation.passed[passed];
        invocation.passed[passed] += 1;
        invocation.waits_since = self.history.now();
        let is_effect = effect_of(invocation.place) == Some((party, call)) && !invocation.effect_seen;
        let killed = shared.take(&invocation, is_effect, number, party, |what| (*what == What::Killed).then_some(()));
        if killed.is_none() {
            return Some(ms);
        }
        invocation.killed = true;
        let place = invocation.place;
        drop((invocation, shared));
        self.history.say(|| format!("{place}: KILLED at {party:?}.{call}"));
        None
    }

    /// A number of milliseconds from `least` to `most`.
    pub fn between(&self, least: i64, most: i64) -> i64 {
        lock(&self.shared).random.between(least, most)
    }
}

impl Shared {
    /// The first armed fault that goes off here.
    fn take<T>(
        &mut self,
        invocation: &Invocation,
        is_effect: bool,
        number: u32,
        party: Dependency,
        fits: impl Fn(&What) -> Option<T>,
    ) -> Option<T> {
        for armed in self.armed.iter_mut().filter(|armed| armed.place == invocation.place && armed.times > 0) {
            let here = match armed.site {
                Site::Effect => is_effect,
                Site::Before(skip) => !invocation.effect_seen && (number >= skip || is_effect),
                Site::After(skip) => invocation.effect_seen && number >= skip,
                Site::OtherPartnerCalls => party.is_partner() && !is_effect,
            };
            if !here || invocation.nth < armed.from {
                continue;
            }
            if let Some(found) = fits(&armed.what) {
                armed.spend();
                self.fired += 1;
                return Some(found);
            }
        }
        None
    }
}
