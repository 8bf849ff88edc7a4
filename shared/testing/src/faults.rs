//! What all partners have in common: books, scripted faults, effects that arrive late, a count of calls.

use crate::{ManualClock, Pause, lock};
use carryout_checkout::ports::CallError;
use carryout_environment::Clock;
use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    sync::{Arc, Mutex},
};

/// What goes wrong with one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Nothing happens, and the caller learns so.
    Unavailable,
    /// It happens, and the answer is lost.
    EffectThenUnclear,
    /// It does not happen, and the caller can't know.
    UnclearWithoutEffect,
    /// The answer is lost; it happens after this many milliseconds.
    LateEffect(i64),
    /// The partner refuses with this code, such as `insufficient_funds`. What a refusal changes at the partner it changes.
    Refuse(String),
}

/// Chooses the fault of the call of this name, if it has one.
type Chooser = Box<dyn FnMut(&'static str) -> Option<Fault> + Send>;

/// Faults to come. Clones share them.
#[derive(Clone, Default)]
pub struct Faults(Arc<Mutex<FaultsInner>>);

#[derive(Default)]
struct FaultsInner {
    scripted: BTreeMap<String, VecDeque<Option<Fault>>>,
    chooser: Option<Chooser>,
    calls: BTreeMap<&'static str, u32>,
}

impl Faults {
    /// The next call named `call` that no earlier script covers goes wrong with `fault`.
    pub fn script(&self, call: &str, fault: Fault) {
        lock(&self.0).scripted.entry(call.to_owned()).or_default().push_back(Some(fault));
    }

    /// The next `times` calls named `call` go wrong with `fault`.
    pub fn script_times(&self, call: &str, fault: Fault, times: usize) {
        lock(&self.0).scripted.entry(call.to_owned()).or_default().extend(vec![Some(fault); times]);
    }

    /// The next call named `call` that no earlier script covers goes well.
    pub fn script_success(&self, call: &str) {
        lock(&self.0).scripted.entry(call.to_owned()).or_default().push_back(None);
    }

    /// Takes all scripts back.
    pub fn clear(&self) {
        let mut inner = lock(&self.0);
        inner.scripted.clear();
        inner.chooser = None;
    }

    /// Lets `choose` decide about every call that no script covers.
    pub fn choose(&self, choose: impl FnMut(&'static str) -> Option<Fault> + Send + 'static) {
        lock(&self.0).chooser = Some(Box::new(choose));
    }

    /// How often `call` was made, with or without effect.
    pub fn calls(&self, call: &str) -> u32 {
        lock(&self.0).calls.get(call).copied().unwrap_or_default()
    }

    fn next(&self, call: &'static str) -> Option<Fault> {
        let mut inner = lock(&self.0);
        *inner.calls.entry(call).or_default() += 1;
        if let Some(scripted) = inner.scripted.get_mut(call).and_then(VecDeque::pop_front) {
            return scripted;
        }
        inner.chooser.as_mut().and_then(|choose| choose(call))
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = lock(&self.0);
        f.debug_struct("Faults").field("scripted", &inner.scripted).field("calls", &inner.calls).finish_non_exhaustive()
    }
}

/// A refusal: the partner's code and its words.
pub(crate) type Refusal = (String, String);

/// Something that happens at the partner.
type Effect<B> = Box<dyn FnOnce(&mut B) + Send>;

/// A partner with books `B`.
pub(crate) struct Partner<B> {
    name: &'static str,
    clock: ManualClock,
    pub(crate) faults: Faults,
    pub(crate) pause: Pause,
    state: Arc<Mutex<State<B>>>,
}

struct State<B> {
    books: B,
    /// When each happens; milliseconds since the Unix epoch.
    late: Vec<(i64, Effect<B>)>,
}

impl<B> Clone for Partner<B> {
    fn clone(&self) -> Self {
        Self {
            name: self.name,
            clock: self.clock.clone(),
            faults: self.faults.clone(),
            pause: self.pause.clone(),
            state: Arc::clone(&self.state),
        }
    }
}

impl<B> Partner<B> {
    pub(crate) fn new(name: &'static str, clock: &ManualClock, books: B) -> Self {
        Self {
            name,
            clock: clock.clone(),
            faults: Faults::default(),
            pause: Pause::default(),
            state: Arc::new(Mutex::new(State { books, late: Vec::new() })),
        }
    }

    /// The books as they stand now.
    pub(crate) fn read<T>(&self, look: impl FnOnce(&mut B) -> T) -> T {
        let mut state = lock(&self.state);
        let now = self.clock.now();
        let (mut due, waiting): (Vec<_>, Vec<_>) = std::mem::take(&mut state.late).into_iter().partition(|(at, _)| *at <= now);
        state.late = waiting;
        due.sort_by_key(|(at, _)| *at);
        for (_, effect) in due {
            effect(&mut state.books);
        }
        look(&mut state.books)
    }

    /// One call. `act` is what the partner does; it is given the code with which it has to refuse, if any.
    pub(crate) async fn call<T: 'static>(
        &self,
        call: &'static str,
        act: impl FnOnce(&mut B, Option<String>) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, CallError> {
        self.pause.wait(call).await;
        let answer = self.answer(call, act);
        self.pause.wait(call).await;
        answer
    }

    fn answer<T: 'static>(
        &self,
        call: &'static str,
        act: impl FnOnce(&mut B, Option<String>) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, CallError> {
        let partner = self.name;
        let refused = |(code, detail)| CallError::Refused { partner, code, detail };
        let unclear = || Err(CallError::Unclear { partner, detail: format!("{call}: no answer") });
        match self.faults.next(call) {
            None => self.read(|books| act(books, None)).map_err(refused),
            Some(Fault::Refuse(code)) => self.read(|books| act(books, Some(code))).map_err(refused),
            Some(Fault::Unavailable) => Err(CallError::Unavailable { partner, detail: format!("{call}: told to fail") }),
            Some(Fault::UnclearWithoutEffect) => unclear(),
            Some(Fault::EffectThenUnclear) => {
                self.read(|books| drop(act(books, None)));
                unclear()
            }
            Some(Fault::LateEffect(after)) => {
                let at = self.clock.now() + after;
                lock(&self.state).late.push((at, Box::new(move |books| drop(act(books, None)))));
                unclear()
            }
        }
    }
}
