//! One thread, many tasks, and a clock that jumps from event to event.
//!
//! What is due at the same moment, and what is ready at the same moment, goes on in an order that the seed chooses. So a
//! seed is one history, and many seeds are many histories of the same events.

use crate::random::Random;
use carryout_environment::Clock as _;
use carryout_testing::ManualClock;
use futures::future::BoxFuture;
use std::{
    collections::BinaryHeap,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Wake, Waker},
};

/// What is behind the mutex: nothing else runs, so nobody ever waits for it.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Tells and spends virtual time, and begins tasks. Clones share everything.
#[derive(Clone)]
pub struct Schedule {
    clock: ManualClock,
    shared: Arc<Mutex<Shared>>,
}

struct Shared {
    due: BinaryHeap<Due>,
    begun: Vec<BoxFuture<'static, ()>>,
    random: Random,
}

/// A moment at which somebody wants to go on. The greatest is the earliest.
struct Due {
    at: i64,
    tie: u64,
    waker: Waker,
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        (self.at, self.tie) == (other.at, other.tie)
    }
}

impl Eq for Due {}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Due {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (other.at, other.tie).cmp(&(self.at, self.tie))
    }
}

impl Schedule {
    /// Milliseconds since the Unix epoch.
    pub fn now(&self) -> i64 {
        self.clock.now()
    }

    /// The clock that this schedule moves.
    pub const fn clock(&self) -> &ManualClock {
        &self.clock
    }

    /// Lets `ms` milliseconds pass.
    pub fn sleep(&self, ms: i64) -> Sleep {
        Sleep { until: self.now() + ms.max(0), schedule: self.clone(), registered: None }
    }

    /// Begins a task beside all others.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        lock(&self.shared).begun.push(Box::pin(task));
    }
}

/// Ends at its moment.
pub struct Sleep {
    until: i64,
    schedule: Schedule,
    registered: Option<Waker>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.schedule.now() >= self.until {
            return Poll::Ready(());
        }
        if !self.registered.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            let mut shared = lock(&self.schedule.shared);
            let tie = shared.random.number();
            shared.due.push(Due { at: self.until, tie, waker: cx.waker().clone() });
            drop(shared);
            self.registered = Some(cx.waker().clone());
        }
        Poll::Pending
    }
}

/// The tasks that can go on, by number.
type Ready = Arc<Mutex<Vec<usize>>>;

struct TaskWaker {
    task: usize,
    ready: Ready,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        let mut ready = lock(&self.ready);
        if !ready.contains(&self.task) {
            ready.push(self.task);
        }
    }
}

/// A task, and the one waker by which all that it waits for knows it: whoever is polled again need not ask again.
struct Task {
    work: BoxFuture<'static, ()>,
    waker: Waker,
}

/// Runs tasks on a clock of their own.
pub struct Executor {
    schedule: Schedule,
    tasks: Vec<Option<Task>>,
    ready: Ready,
    random: Random,
}

impl Executor {
    /// An executor that moves `clock`; `random` decides between what could go either way.
    pub fn new(clock: &ManualClock, mut random: Random) -> Self {
        let shared = Shared { due: BinaryHeap::new(), begun: Vec::new(), random: random.fork() };
        let schedule = Schedule { clock: clock.clone(), shared: Arc::new(Mutex::new(shared)) };
        Self { schedule, tasks: Vec::new(), ready: Ready::default(), random }
    }

    /// What its tasks hold on to.
    pub fn schedule(&self) -> Schedule {
        self.schedule.clone()
    }

    /// Runs until nothing is left to do, or until virtual time reaches `limit` (milliseconds since the Unix epoch).
    /// Returns whether nothing was left.
    pub fn run_until(&mut self, limit: i64) -> bool {
        loop {
            self.take_begun();
            while let Some(task) = self.next_ready() {
                self.poll(task);
                self.take_begun();
            }
            let next = lock(&self.schedule.shared).due.pop();
            let Some(next) = next else { return true };
            if next.at > limit {
                return false;
            }
            self.schedule.clock.set(next.at.max(self.schedule.now()));
            next.waker.wake();
        }
    }

    fn take_begun(&mut self) {
        let begun = std::mem::take(&mut lock(&self.schedule.shared).begun);
        for work in begun {
            let task = self.tasks.len();
            lock(&self.ready).push(task);
            let waker = Waker::from(Arc::new(TaskWaker { task, ready: Arc::clone(&self.ready) }));
            self.tasks.push(Some(Task { work, waker }));
        }
    }

    fn next_ready(&mut self) -> Option<usize> {
        let mut ready = lock(&self.ready);
        let chosen = self.random.below(ready.len());
        (!ready.is_empty()).then(|| ready.swap_remove(chosen))
    }

    fn poll(&mut self, number: usize) {
        let Some(slot) = self.tasks.get_mut(number) else { return };
        let Some(Task { work, waker }) = slot else { return };
        if work.as_mut().poll(&mut Context::from_waker(waker)).is_ready() {
            *slot = None;
        }
    }
}

impl Drop for Executor {
    fn drop(&mut self) {
        // Tasks hold the schedule, which holds tasks that never began.
        let begun = std::mem::take(&mut lock(&self.schedule.shared).begun);
        let due = std::mem::take(&mut lock(&self.schedule.shared).due);
        drop((begun, due));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The order in which tasks that sleep for these times end, and how late it is then.
    fn ends(seed: u64, sleeps: &[i64]) -> (Vec<usize>, i64) {
        let mut executor = Executor::new(&ManualClock::at(1_000), Random::new(seed));
        let ended = Arc::new(Mutex::new(Vec::new()));
        for (number, ms) in sleeps.iter().copied().enumerate() {
            let (schedule, ended) = (executor.schedule(), Arc::clone(&ended));
            executor.schedule.spawn(async move {
                schedule.sleep(ms).await;
                lock(&ended).push(number);
            });
        }
        assert!(executor.run_until(10_000));
        let order = lock(&ended).clone();
        (order, executor.schedule.now())
    }

    #[test]
    fn earlier_is_earlier_whatever_the_seed() {
        for seed in 0..50 {
            assert_eq!(ends(seed, &[30, 10, 20]), (vec![1, 2, 0], 1_030));
        }
    }

    #[test]
    fn what_happens_at_the_same_moment_happens_in_every_order_and_in_one_order_per_seed() {
        let orders: std::collections::BTreeSet<Vec<usize>> = (0..50).map(|seed| ends(seed, &[5, 5, 5]).0).collect();
        assert_eq!(orders.len(), 6);
        assert_eq!(ends(3, &[5, 5, 5]), ends(3, &[5, 5, 5]));
    }

    #[test]
    fn time_stops_at_the_limit() {
        let mut executor = Executor::new(&ManualClock::at(0), Random::new(1));
        let schedule = executor.schedule();
        executor.schedule.spawn(async move { schedule.sleep(500).await });
        assert!(!executor.run_until(499));
    }
}
