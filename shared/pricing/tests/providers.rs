//! Providers are asked concurrently, and their fallbacks are declared.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use carryout_environment::Timer;
use carryout_money::Currency;
use carryout_pricing::{
    CONSUMER, CREDITS, CRITICALITY, Context, ContextError, ContextLine, Contribution, Credit, FEES, Fallback, ITEMS, LastKnown,
    Limits, Provider, ProviderError, Providers, TAXES, price,
};
use futures::{FutureExt as _, channel::oneshot, executor::LocalPool, future::BoxFuture, task::LocalSpawnExt as _};
use proptest::prelude::*;
use serde_json::json;
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
};

/// A clock that advances to the next deadline once every future waits for it.
#[derive(Clone, Default)]
struct VirtualTime(Arc<Mutex<State>>);

/// The time, and the sleepers with their deadlines.
type State = (u32, Vec<Waiting>);
type Waiting = (u32, oneshot::Sender<()>);

impl VirtualTime {
    fn now(&self) -> u32 {
        self.0.lock().unwrap().0
    }

    fn advance(&self) {
        let mut state = self.0.lock().unwrap();
        state.1.retain(|(_, sender)| !sender.is_canceled());
        let next = state.1.iter().map(|(at, _)| *at).min().unwrap();
        state.0 = next;
        let (due, waiting): (Vec<Waiting>, _) = std::mem::take(&mut state.1).into_iter().partition(|(at, _)| *at <= next);
        state.1 = waiting;
        drop(state);
        assert!(due.into_iter().all(|(_, sender)| sender.send(()).is_ok()));
    }
}

impl Timer for VirtualTime {
    fn sleep(&self, milliseconds: u32) -> BoxFuture<'_, ()> {
        let (sender, receiver) = oneshot::channel();
        let mut state = self.0.lock().unwrap();
        let at = state.0 + milliseconds;
        state.1.push((at, sender));
        drop(state);
        receiver.map(drop).boxed()
    }
}

/// Answers after a delay, and fails a number of times first.
struct Answers {
    time: VirtualTime,
    after: u32,
    failures: AtomicU32,
    asked: Arc<AtomicU32>,
    answer: Contribution,
}

impl Provider<()> for Answers {
    fn provide<'a>(&'a self, (): &'a ()) -> BoxFuture<'a, Result<Contribution, ProviderError>> {
        async move {
            self.asked.fetch_add(1, Ordering::SeqCst);
            self.time.sleep(self.after).await;
            let fails = self.failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
            if fails { Err(ProviderError::Unavailable("broken".to_owned())) } else { Ok(self.answer.clone()) }
        }
        .boxed()
    }
}

/// Remembers the last answers in memory.
#[derive(Clone, Default)]
struct Memory(Arc<Mutex<BTreeMap<&'static str, Contribution>>>);

impl LastKnown<()> for Memory {
    fn last_known<'a>(&'a self, provider: &'static str, (): &'a ()) -> BoxFuture<'a, Option<Contribution>> {
        async move { self.0.lock().unwrap().get(provider).cloned() }.boxed()
    }

    fn keep<'a>(&'a self, provider: &'static str, (): &'a (), answer: &'a Contribution) -> BoxFuture<'a, ()> {
        async move {
            self.0.lock().unwrap().insert(provider, answer.clone());
        }
        .boxed()
    }
}

#[derive(Default)]
struct Fixture {
    time: VirtualTime,
    memory: Memory,
}

impl Fixture {
    fn answers(&self, after: u32, failures: u32, answer: Contribution) -> (Answers, Arc<AtomicU32>) {
        let asked = Arc::new(AtomicU32::new(0));
        (Answers { time: self.time.clone(), after, failures: failures.into(), asked: asked.clone(), answer }, asked)
    }

    fn run(&self, providers: Providers<()>) -> Result<Context, ContextError> {
        let (time, memory) = (self.time.clone(), self.memory.clone());
        let mut pool = LocalPool::new();
        let found = Arc::new(Mutex::new(None));
        let result = found.clone();
        pool.spawner()
            .spawn_local(async move {
                let context = providers.context(&(), &time, &memory).await;
                *result.lock().unwrap() = Some(context);
            })
            .unwrap();
        loop {
            pool.run_until_stalled();
            if let Some(context) = found.lock().unwrap().take() {
                return context;
            }
            self.time.advance();
        }
    }
}

fn lines() -> Contribution {
    Contribution::Lines(Currency::USD, vec![ContextLine::new("a", "A", 1, 500)])
}

fn credits() -> Contribution {
    Contribution::Credits(vec![Credit { id: "gift".to_owned(), name: "Gift".to_owned(), amount: 100, limits: Limits::default() }])
}

#[test]
fn quote_takes_as_long_as_its_slowest_provider() {
    let fixture = Fixture::default();
    let answer = |after, answer| fixture.answers(after, 0, answer).0;
    let providers = Providers::default()
        .with(ITEMS, answer(20, lines()), None)
        .with(TAXES, answer(25, Contribution::Taxes(Default::default())), None)
        .with(FEES, answer(20, Contribution::Fees(Vec::new())), None)
        .with(CREDITS, answer(20, credits()), None)
        .with(CONSUMER, answer(20, Contribution::Attribute("consumer".to_owned(), json!({ "orders": 1 }))), None);
    let context = fixture.run(providers).unwrap();
    assert_eq!(fixture.time.now(), 25);
    assert!(context.flags.is_empty());
    assert_eq!(context.attributes, json!({ "consumer": { "orders": 1 } }));
    assert_eq!(price(&context).unwrap().total.minor, 400);
}

#[test]
fn slow_optional_provider_is_skipped_at_its_timeout_and_flagged() {
    let fixture = Fixture::default();
    let providers = Providers::default().with(ITEMS, fixture.answers(20, 0, lines()).0, None).with(
        CREDITS,
        fixture.answers(5_000, 0, credits()).0,
        None,
    );
    let context = fixture.run(providers).unwrap();
    assert_eq!(fixture.time.now(), 400);
    let price = price(&context).unwrap();
    assert_eq!(price.total.minor, 500);
    assert_eq!((price.flags[0].provider.as_str(), price.flags[0].used), ("credits", Fallback::Default));
    assert_eq!(price.flags[0].reason, "no answer within 400 ms");
}

proptest! {
    #[test]
    fn context_does_not_depend_on_the_order_of_answers(after in prop::array::uniform4(0_u32..140)) {
        let fixture = Fixture::default();
        let [items, history, promised, given] = after;
        let more = Contribution::Lines(Currency::USD, vec![ContextLine::new("b", "B", 2, 250)]);
        let fees = || serde_json::from_value(json!([{ "code": "service", "name": "Fee", "amount": { "fixed": 9 } }])).unwrap();
        let providers = Providers::default()
            .with(ITEMS, fixture.answers(items, 0, lines()).0, None)
            .with(TAXES, fixture.answers(history, 0, more).0, None)
            .with(FEES, fixture.answers(promised, 0, Contribution::Fees(fees())).0, None)
            .with(CREDITS, fixture.answers(given, 0, credits()).0, None);
        let context = fixture.run(providers).unwrap();
        let items: Vec<&str> = context.lines.iter().map(|line| &*line.item_id).collect();
        prop_assert_eq!(items, ["a", "b"]);
        prop_assert_eq!((context.fees, context.credits.len(), context.flags.len()), (fees(), 1, 0));
        prop_assert_eq!(fixture.time.now(), after.into_iter().max().unwrap());
    }
}

#[test]
fn provider_is_retried_within_its_timeout() {
    let fixture = Fixture::default();
    let (items, asked) = fixture.answers(300, 1, lines());
    assert!(fixture.run(Providers::default().with(ITEMS, items, None)).is_ok());
    assert_eq!((asked.load(Ordering::SeqCst), fixture.time.now()), (2, 600));
    let (items, asked) = fixture.answers(10, 2, lines());
    let error = fixture.run(Providers::default().with(ITEMS, items, None)).unwrap_err();
    assert_eq!((asked.load(Ordering::SeqCst), error.provider), (2, "items"));
}

#[test]
fn last_known_answer_is_used_or_the_quote_fails() {
    let fixture = Fixture::default();
    let rates = || serde_json::from_value(json!([{ "code": "tax", "name": "Tax", "rate": "0.1" }])).unwrap();
    let taxes = || Contribution::Taxes(carryout_pricing::Taxes { included: false, rates: rates() });
    let ask = |failures| {
        let providers = Providers::default().with(ITEMS, fixture.answers(20, 0, lines()).0, None).with(
            TAXES,
            fixture.answers(20, failures, taxes()).0,
            None,
        );
        fixture.run(providers)
    };
    assert_eq!(ask(9).unwrap_err().provider, "taxes", "nothing is known yet");
    assert!(ask(0).unwrap().flags.is_empty());
    let context = ask(9).unwrap();
    assert_eq!((context.flags[0].used, context.flags[0].reason.as_str()), (Fallback::LastKnown, "unavailable: broken"));
    assert_eq!(price(&context).unwrap().total.minor, 550);
}

#[test]
fn declared_default_is_used() {
    let fixture = Fixture::default();
    let member = |plan: &str| Contribution::Attribute("consumer".to_owned(), json!({ "plan": plan }));
    let (consumer, _) = fixture.answers(10, 5, member("plus"));
    let providers = Providers::default().with(ITEMS, fixture.answers(5, 0, lines()).0, None);
    let context = fixture.run(providers.with(CONSUMER, consumer, Some(member("free")))).unwrap();
    assert_eq!(context.attributes, json!({ "consumer": { "plan": "free" } }));
    assert_eq!(context.flags[0].used, Fallback::Default);
}

#[test]
fn context_without_lines_is_refused() {
    let fixture = Fixture::default();
    let error = fixture.run(Providers::default().with(CREDITS, fixture.answers(5, 0, credits()).0, None)).unwrap_err();
    assert_eq!(error.provider, "items");
}

#[test]
fn every_provider_is_declared_once() {
    for (index, declared) in CRITICALITY.iter().enumerate() {
        assert!(declared.timeout > 0 && declared.attempts > 0, "{}", declared.provider);
        assert!(CRITICALITY[..index].iter().all(|other| other.provider != declared.provider), "{}", declared.provider);
    }
}
