//! The matrix: what goes wrong (columns) at each place (rows). A case and a seed are one scenario.

use crate::{
    adapters::Guard,
    cloud::{MerchantHabit, Scenario},
    faults::{CallFault, Dependency, InvocationFault, PLACES, PlannedFault, RandomFaults, Site, What, effect_of},
    random::Random,
};
use carryout_checkout::{
    partners::{LOGISTICS, MERCHANT, PAYMENT},
    ports::MerchantAnswer,
};
use carryout_market::{MarketId, MarketType, ids};
use carryout_workflow::RetryClass;
use std::fmt;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The call happens, and its answer is lost.
    TimeoutWithEffect,
    /// The call does not happen, and no answer comes.
    TimeoutWithout,
    /// The call fails.
    Error,
    /// The process is killed.
    Killed,
    /// Before: too many requests. After: the caller loses the answer of the function.
    Throttled,
    /// The partner receives the request twice; the merchant answers twice.
    AnsweredTwice,
    /// The effect lands after it was looked up.
    LateAfterLookup,
    /// The effect lands while it is undone, or after.
    LateAfterUndo,
    /// The transaction meets another one.
    Conflict,
    /// The function is called twice for one message or task.
    DeliveredTwice,
    /// Two runs of the order at once.
    TwoRuns,
    /// The merchant's webhook comes when nobody expects it.
    OutOfOrder,
    /// The execution, or the message, that calls is gone.
    CallerGone,
    /// The consumer cancels at this moment.
    Cancelled,
}

impl Kind {
    /// Every kind, in the order of the table's columns.
    pub const ALL: [Self; 14] = [
        Self::TimeoutWithEffect,
        Self::TimeoutWithout,
        Self::Error,
        Self::Killed,
        Self::Throttled,
        Self::AnsweredTwice,
        Self::LateAfterLookup,
        Self::LateAfterUndo,
        Self::Conflict,
        Self::DeliveredTwice,
        Self::TwoRuns,
        Self::OutOfOrder,
        Self::CallerGone,
        Self::Cancelled,
    ];

    /// As in a case's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TimeoutWithEffect => "timeout-with-effect",
            Self::TimeoutWithout => "timeout-without-effect",
            Self::Error => "error",
            Self::Killed => "killed",
            Self::Throttled => "throttled",
            Self::AnsweredTwice => "answered-twice",
            Self::LateAfterLookup => "late-after-lookup",
            Self::LateAfterUndo => "late-after-undo",
            Self::Conflict => "conflict",
            Self::DeliveredTwice => "delivered-twice",
            Self::TwoRuns => "two-runs",
            Self::OutOfOrder => "out-of-order",
            Self::CallerGone => "caller-gone",
            Self::Cancelled => "cancelled",
        }
    }

    /// As the head of a column.
    pub const fn column(self) -> &'static str {
        match self {
            Self::TimeoutWithEffect => "timeout+",
            Self::TimeoutWithout => "timeout-",
            Self::Error => "error",
            Self::Killed => "killed",
            Self::Throttled => "throttled",
            Self::AnsweredTwice => "twice",
            Self::LateAfterLookup => "late>look",
            Self::LateAfterUndo => "late>undo",
            Self::Conflict => "conflict",
            Self::DeliveredTwice => "delivered2",
            Self::TwoRuns => "two runs",
            Self::OutOfOrder => "webhook",
            Self::CallerGone => "run lost",
            Self::Cancelled => "cancelled",
        }
    }
}

/// When it goes wrong, seen from the effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Point {
    /// At the effect itself; or the kind has no before and after.
    At,
    /// Before the effect.
    Before,
    /// After it.
    After,
}

/// One cell's half: a kind of fault at a place, before or after the effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Case {
    /// Where.
    pub place: &'static str,
    /// What.
    pub kind: Kind,
    /// When.
    pub point: Point,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let point = match self.point {
            Point::At => "",
            Point::Before => "-before",
            Point::After => "-after",
        };
        write!(f, "{}/{}{point}", self.place, self.kind.name())
    }
}

/// The functions around the workflow, which no execution calls.
const AROUND: [&str; 6] =
    ["submit-checkout", "start-checkout", "sweep-orders", "receive-webhooks", "cancel-order", "redrive-orders"];

/// Places whose function calls somebody after it has had its effect.
const CALL_AFTER_EFFECT: [&str; 14] = [
    "check-fraud",
    "authorize-payment",
    "create-delivery",
    "notify-merchant",
    "capture-payment",
    "undo-capture-payment",
    "undo-create-delivery",
    "undo-notify-merchant",
    "undo-authorize-payment",
    "receive-webhooks",
    "submit-checkout",
    "sweep-orders",
    "await-merchant",
    "redrive-orders",
];

/// Every case there is.
pub fn all() -> Vec<Case> {
    let mut cases = Vec::new();
    for (place, ..) in PLACES {
        for kind in Kind::ALL {
            cases.extend(points(place, kind).iter().map(|point| Case { place, kind, point: *point }));
        }
    }
    cases
}

/// The case of this name.
pub fn named(name: &str) -> Option<Case> {
    all().into_iter().find(|case| case.to_string() == name)
}

/// When this kind can go wrong at this place; never, where it makes no sense there.
fn points(place: &str, kind: Kind) -> &'static [Point] {
    const NEVER: &[Point] = &[];
    const AT: &[Point] = &[Point::At];
    const BOTH: &[Point] = &[Point::Before, Point::After];
    const BEFORE: &[Point] = &[Point::Before];
    let is_partner =
        matches!(effect_of(place), Some((party, _)) if party != Dependency::Store && party != Dependency::Executions);
    let is_around = AROUND.contains(&place);
    let when = |fits: bool, points: &'static [Point]| if fits { points } else { NEVER };
    match kind {
        Kind::TimeoutWithEffect | Kind::TimeoutWithout | Kind::DeliveredTwice => AT,
        Kind::Error => {
            let both = CALL_AFTER_EFFECT.contains(&place) && place != "await-merchant";
            if both { BOTH } else { BEFORE }
        }
        Kind::Killed => BOTH,
        Kind::Throttled => {
            if place == "sweep-orders" {
                BEFORE
            } else {
                BOTH
            }
        }
        Kind::AnsweredTwice => when(is_partner && place != "check-fraud" || place == "receive-webhooks", AT),
        Kind::LateAfterLookup => when(is_partner && place != "check-fraud", AT),
        Kind::LateAfterUndo => {
            when(["authorize-payment", "create-delivery", "notify-merchant", "capture-payment"].contains(&place), AT)
        }
        Kind::Conflict => match place {
            "start-checkout" => NEVER,
            "sweep-orders" => &[Point::After],
            _ if is_partner => BOTH,
            _ => BEFORE,
        },
        Kind::TwoRuns | Kind::OutOfOrder | Kind::Cancelled => when(!is_around, AT),
        Kind::CallerGone => match place {
            "start-checkout" => BEFORE,
            _ => when(!is_around, BOTH),
        },
    }
}

const RESTAURANT: MarketType = MarketType::Restaurant;

/// The markets whose workflows differ.
const MARKETS: [(MarketId, MarketType); 3] = [(ids::US, RESTAURANT), (ids::AU, RESTAURANT), (ids::US, MarketType::Grocery)];

/// The steps of a market's workflow, in their order.
fn steps((country, market_type): (MarketId, MarketType)) -> &'static [&'static str] {
    match (country, market_type) {
        (ids::AU, RESTAURANT) => &[
            "confirm-price",
            "reserve-items",
            "check-fraud",
            "authorize-payment",
            "notify-merchant",
            "await-merchant",
            "create-delivery",
            "capture-payment",
            "complete-order",
        ],
        (_, MarketType::Grocery) => &[
            "confirm-price",
            "reserve-items",
            "check-fraud",
            "authorize-payment",
            "create-delivery",
            "notify-merchant",
            "await-merchant",
            "capture-payment",
            "complete-order",
        ],
        _ => &[
            "confirm-price",
            "reserve-items",
            "check-fraud",
            "authorize-payment",
            "create-delivery",
            "notify-merchant",
            "capture-payment",
            "complete-order",
        ],
    }
}

impl Scenario {
    /// An order that nothing happens to.
    fn calm(random: &mut Random, waits_for_merchant: bool) -> Self {
        let markets = if waits_for_merchant { &MARKETS[1..] } else { &MARKETS[..] };
        let market = random.pick(markets).copied().unwrap_or(MARKETS[1]);
        let after_ms = random.between(200, if market.1 == MarketType::Grocery { 6_000 } else { 90_000 });
        Self {
            market,
            delivery: random.chance(75),
            honours_keys: random.chance(50),
            fraud: false,
            armed: Vec::new(),
            random_faults: None,
            merchant: MerchantHabit { answer: Some(MerchantAnswer::Accepted), after_ms, times: (1, 0) },
            missing: None,
        }
    }

    /// The scenario of `case` under `random`.
    pub fn of(case: Case, random: &mut Random) -> Self {
        let waits = matches!(case.place, "await-merchant" | "receive-webhooks") || case.kind == Kind::OutOfOrder;
        let mut scenario = Self::calm(random, waits);
        if case.place.ends_with("create-delivery") {
            scenario.delivery = true;
        }
        scenario.add(case, random);
        scenario.keep_refusals_final();
        scenario
    }

    /// Two faults at once.
    pub fn of_pair(first: Case, second: Case, random: &mut Random) -> Self {
        let waits = |case: Case| matches!(case.place, "await-merchant" | "receive-webhooks") || case.kind == Kind::OutOfOrder;
        let mut scenario = Self::calm(random, waits(first) || waits(second));
        scenario.add(first, random);
        scenario.add(second, random);
        scenario.keep_refusals_final();
        scenario
    }

    /// A partner that refuses a request refuses its copy too: what it definitely refused is what the next steps rely on.
    fn keep_refusals_final(&mut self) {
        let twice = |armed: &PlannedFault| matches!(armed.what, What::RequestTwice(_)).then_some(armed.place);
        let copied: Vec<&str> = self.armed.iter().filter_map(twice).collect();
        let refused = |armed: &PlannedFault| matches!(armed.what, What::Call(CallFault::Refuse(_)));
        self.armed.retain(|armed| !(refused(armed) && copied.contains(&armed.place)));
    }

    /// An order whose partners fail at random.
    pub fn in_weather(random_faults: RandomFaults, missing: Option<Guard>, random: &mut Random) -> Self {
        let mut scenario = Self::calm(random, false);
        scenario.merchant.after_ms = scenario.merchant.after_ms.min(4_000);
        Self { random_faults: Some(random_faults), missing, ..scenario }
    }

    fn add(&mut self, case: Case, random: &mut Random) {
        self.arm(case, random);
        let place = case.place;
        let order = steps(self.market);
        let reached = match place.strip_prefix("undo-") {
            // An undo is reached where its step, or one after it, fails.
            Some(step) => Some((step, 100)),
            None if place == "close-as-failed" => order.first().map(|first| (*first, 100)),
            None if place == "park" || place == "redrive-orders" => {
                self.keep_an_undo_from_ending(random);
                order.iter().find(|step| **step == "authorize-payment").map(|step| (*step, 100))
            }
            None if place == "sweep-orders" => {
                self.lose_the_run(random);
                order.first().map(|first| (*first, 30))
            }
            None if place == "cancel-order" => {
                let moment = random.pick(order).copied().unwrap_or("confirm-price");
                self.armed.push(PlannedFault::once(moment, What::Around(InvocationFault::ConsumerCancels), Site::Effect));
                order.first().map(|first| (*first, 10))
            }
            None if AROUND.contains(&place) => order.first().map(|first| (*first, 20)),
            None if case.kind == Kind::LateAfterUndo => None,
            None => Some((place, 45)),
        };
        if let Some((step, percent)) = reached
            && random.chance(percent)
        {
            let from = order.iter().position(|other| *other == step).unwrap_or_default();
            if let Some(turn) = random.pick(&order[from..]) {
                self.turn_at(turn, random);
            }
        }
    }

    /// Arms the fault of `case` itself.
    fn arm(&mut self, case: Case, random: &mut Random) {
        let place = case.place;
        let is_back = place.starts_with("undo-") || place == "close-as-failed" || place == "park";
        let lasts = random.chance(if is_back { 25 } else { 12 }) && !AROUND.contains(&place);
        let several = random.chance(30);
        let mut push = |what: What, site: Site, may_last: bool| {
            let armed = PlannedFault::once(place, what, site);
            self.armed.push(match (may_last && lasts, several && may_last) {
                (true, _) => armed.for_long(),
                (false, true) => PlannedFault { times: 3, ..armed },
                (false, false) => armed,
            });
        };
        let skip = random.below(5) as u32;
        let somewhere = match (random.chance(65), case.point) {
            (true, _) => Site::Effect,
            (false, Point::After) => Site::After(0),
            (false, _) => Site::Before(skip),
        };
        let longest = longest_processing_ms(place);
        let soonest = if random.chance(50) { 200 } else { longest - 300 };
        let late = random.between(soonest, longest);
        match case.kind {
            Kind::TimeoutWithEffect => push(What::Call(CallFault::AnswerLost), somewhere, true),
            Kind::TimeoutWithout => push(What::Call(CallFault::NoAnswer), somewhere, true),
            Kind::Error if case.point == Point::After => push(What::Call(CallFault::Error), Site::After(0), true),
            Kind::Error => push(What::Call(CallFault::Error), Site::Before(skip), true),
            Kind::Conflict if case.point == Point::After => push(What::Call(CallFault::Conflict), Site::After(0), true),
            Kind::Conflict => push(What::Call(CallFault::Conflict), Site::Before(if skip < 3 { 0 } else { 1 }), true),
            Kind::Killed if case.point == Point::After => push(What::Killed, Site::After(skip / 2), true),
            Kind::Killed => push(What::Killed, Site::Before(skip * 2), true),
            Kind::Throttled if case.point == Point::After => push(What::Around(InvocationFault::AnswerLost), Site::Effect, true),
            Kind::Throttled => push(What::Around(InvocationFault::Throttled), Site::Effect, true),
            Kind::AnsweredTwice if place == "receive-webhooks" => {
                self.merchant.times = (2 + random.below(2) as u32, random.between(0, 3_000));
            }
            Kind::AnsweredTwice => push(What::RequestTwice(random.between(0, longest - 3_000)), Site::Effect, false),
            Kind::LateAfterLookup => {
                push(What::Call(CallFault::Late(late)), Site::Effect, false);
                if random.chance(40) {
                    push(What::Killed, Site::After(0), false);
                }
            }
            Kind::LateAfterUndo if random.chance(50) => {
                // The last attempt of all is the one whose effect is late.
                let last = RetryClass::Partner.policy().2 + 1;
                let silent = PlannedFault::once(place, What::Call(CallFault::NoAnswer), Site::Effect);
                let late = PlannedFault::once(place, What::Call(CallFault::Late(late)), Site::Effect);
                self.armed.extend([PlannedFault { times: last - 1, ..silent }, PlannedFault { from: last, ..late }]);
                self.armed.push(PlannedFault::once(place, What::Call(CallFault::NoAnswer), Site::Effect).for_long());
            }
            Kind::LateAfterUndo => {
                push(What::Call(CallFault::Late(late)), Site::Effect, false);
                if random.chance(40) {
                    push(What::Killed, Site::After(0), false);
                }
                let refuse = What::Call(CallFault::Refuse(refusal(place)));
                self.armed.push(PlannedFault { from: 2, ..PlannedFault::once(place, refuse, Site::Effect).for_long() });
            }
            Kind::DeliveredTwice => {
                let after = match random.below(4) {
                    0 => 0,
                    1 => random.between(1, 500),
                    2 => random.between(2_000, 20_000),
                    _ => random.between(20_000, 150_000),
                };
                push(What::Around(InvocationFault::Twice(after)), Site::Effect, false);
            }
            Kind::TwoRuns => {
                let happening = if random.chance(80) { InvocationFault::NextRun } else { InvocationFault::SameRun };
                push(What::Around(happening), Site::Effect, false);
            }
            Kind::OutOfOrder => {
                let answer = match random.chance(50) {
                    true => MerchantAnswer::Accepted,
                    false => MerchantAnswer::Refused { reason: "no eggs".to_owned() },
                };
                let times = 1 + random.below(2) as u32;
                push(What::Around(InvocationFault::MerchantAnswers(answer, times)), Site::Effect, false);
            }
            Kind::CallerGone if case.point == Point::After => {
                push(What::Around(InvocationFault::CallerGoneAfter), Site::Effect, false)
            }
            Kind::CallerGone => push(What::Around(InvocationFault::CallerGone), Site::Effect, false),
            Kind::Cancelled => push(What::Around(InvocationFault::ConsumerCancels), Site::Effect, false),
        }
    }

    /// Lets `step` fail for good.
    fn turn_at(&mut self, step: &'static str, random: &mut Random) {
        let mut arm = |what: CallFault, site: Site| self.armed.push(PlannedFault::once(step, What::Call(what), site).for_long());
        match step {
            "check-fraud" => self.fraud = true,
            "await-merchant" => {
                self.merchant = match random.below(3) {
                    0 => MerchantHabit { answer: None, after_ms: 0, times: (1, 0) },
                    1 => MerchantHabit { after_ms: random.between(10_000, 400_000), ..self.merchant.clone() },
                    _ => {
                        let refused = MerchantAnswer::Refused { reason: "no eggs".to_owned() };
                        MerchantHabit { answer: Some(refused), ..self.merchant.clone() }
                    }
                };
            }
            "authorize-payment" | "create-delivery" | "notify-merchant" | "capture-payment" => match random.below(3) {
                0 => arm(CallFault::Refuse(refusal(step)), Site::Effect),
                number => {
                    arm(if number == 1 { CallFault::AnswerLost } else { CallFault::NoAnswer }, Site::Effect);
                    arm(CallFault::Error, Site::OtherPartnerCalls);
                }
            },
            _ => arm(if random.chance(50) { CallFault::Error } else { CallFault::NoAnswer }, Site::Effect),
        }
    }

    /// Lets one undo fail until the order is parked.
    fn keep_an_undo_from_ending(&mut self, random: &mut Random) {
        let undos = ["undo-authorize-payment", "undo-notify-merchant", "undo-reserve-items"];
        let Some(place) = random.pick(&undos) else { return };
        let fault = if random.chance(50) { CallFault::Error } else { CallFault::NoAnswer };
        let site = if *place == "undo-authorize-payment" { Site::Before(0) } else { Site::Effect };
        self.armed.push(PlannedFault::once(place, What::Call(fault), site).for_long());
    }

    /// Loses the order's message, or its execution somewhere on the way.
    fn lose_the_run(&mut self, random: &mut Random) {
        let places = ["start-checkout", "confirm-price", "authorize-payment", "notify-merchant", "complete-order"];
        let Some(place) = random.pick(&places) else { return };
        let happening = if random.chance(50) { InvocationFault::CallerGone } else { InvocationFault::CallerGoneAfter };
        let happening = if *place == "start-checkout" { InvocationFault::CallerGone } else { happening };
        self.armed.push(PlannedFault::once(place, What::Around(happening), Site::Effect));
    }
}

/// How long after it was sent a request of this place may still have its effect. Milliseconds.
fn longest_processing_ms(place: &str) -> i64 {
    match effect_of(place) {
        Some((Dependency::Payments, _)) => PAYMENT.longest_processing_ms,
        Some((Dependency::Logistics, _)) => LOGISTICS.longest_processing_ms,
        _ => MERCHANT.longest_processing_ms,
    }
}

/// What the partner of this place says when it refuses.
fn refusal(place: &str) -> &'static str {
    if place == "authorize-payment" { "insufficient_funds" } else { "not_today" }
}
