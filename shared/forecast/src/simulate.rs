//! The policy simulator: replays demand request by request over the environments of one function.
//!
//! A request takes a provisioned environment that is free; else the warm one that was used last; else it starts one, and
//! waits for it. Environments on demand are reclaimed after a time without work. Provisioned ones are paid by the capacity
//! of each five-minute step, used or not.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use fastrand::Rng;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::generator::normal;
use crate::price::Price;
use crate::series::{Series, Slot};

/// Provisioned concurrency is billed, and can change, once in so many seconds.
const STEP: i64 = 300;
/// How durations spread: the deviation of their logarithm.
const DURATION_SPREAD: f64 = 0.4;
/// What target tracking looks back on before it releases environments, in steps.
const RELEASED_AFTER: usize = 3;

/// How a function's environments behave.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Environments {
    /// The mean time of a request, in seconds.
    pub duration: f64,
    /// What a cold start adds to it, in seconds. It is billed.
    pub cold_start: f64,
    /// Seconds without work after which an environment on demand is reclaimed.
    pub warm_for: f64,
    /// From a setting to ready environments.
    pub lead: SignedDuration,
    /// What they cost.
    pub price: Price,
}

/// Who decides how many environments are provisioned.
#[derive(Debug, Clone, PartialEq)]
pub enum Policy {
    /// As many as this in each slot, ready when it begins: static, scheduled, predictive and oracle policies.
    Schedule(Vec<u32>),
    /// As Application Auto Scaling does: as many as the busiest minutes of the last step used ÷ this utilization, above 0
    /// and at most 1; ready after the lead; fewer only once the last three steps needed fewer.
    TargetTracking(f64),
}

/// What a policy did.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Outcome {
    /// Requests that arrived.
    pub requests: u64,
    /// Share of them that met a cold start.
    pub cold: f64,
    /// The median latency in seconds.
    pub p50: f64,
    /// The latency that 95 % don't exceed.
    pub p95: f64,
    /// The latency that 99 % don't exceed.
    pub p99: f64,
    /// The cost in USD for each GB of memory.
    pub cost: f64,
}

/// Replays the slots of a series from `first` on, of which each value is a mean concurrency. A missing one has no requests.
/// The same seed sends the same requests under every policy.
pub fn simulate(demand: &Series, first: usize, policy: &Policy, environments: &Environments, seed: u64) -> Outcome {
    let mut world = World::new(environments, seed);
    let step = STEP.min(demand.slot().seconds());
    let steps = usize::try_from(demand.slot().seconds() / step).unwrap_or(1);
    let lead = if environments.lead.is_positive() { Slot::FiveMinutes.covering(environments.lead) } else { 0 };
    let mut tracked: VecDeque<u32> = VecDeque::from(vec![0; lead]);
    let mut needs: VecDeque<u32> = VecDeque::new();
    for index in first..demand.len() {
        let concurrency = demand.get(index).unwrap_or(0.0);
        for _ in 0..steps {
            let capacity = match policy {
                Policy::Schedule(slots) => slots.get(index - first).copied().unwrap_or(0),
                Policy::TargetTracking(utilization) => {
                    needs.push_back((f64::from(world.busiest) / utilization.clamp(0.01, 1.0)).ceil() as u32);
                    if needs.len() > RELEASED_AFTER {
                        needs.pop_front();
                    }
                    tracked.push_back(needs.iter().max().copied().unwrap_or(0));
                    tracked.pop_front().unwrap_or(0)
                }
            };
            world.run(step as f64, concurrency / environments.duration, capacity);
        }
    }
    world.outcome()
}

#[derive(Debug)]
struct World<'a> {
    environments: &'a Environments,
    arrivals: Rng,
    durations: Rng,
    now: f64,
    /// When the provisioned environments that work will be free.
    provisioned: BinaryHeap<Reverse<Moment>>,
    /// The same of those on demand.
    on_demand: BinaryHeap<Reverse<Moment>>,
    /// Since when those on demand are free, longest first.
    warm: VecDeque<f64>,
    /// The most environments at work in the last step.
    busiest: u32,
    latencies: Vec<f32>,
    cold: u64,
    cost: f64,
}

/// A time in seconds, which is never NaN.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Moment(f64);

impl Eq for Moment {}

impl PartialOrd for Moment {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Moment {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl<'a> World<'a> {
    fn new(environments: &'a Environments, seed: u64) -> Self {
        let mut arrivals = Rng::with_seed(seed);
        let durations = arrivals.fork();
        Self {
            environments,
            arrivals,
            durations,
            now: 0.0,
            provisioned: BinaryHeap::new(),
            on_demand: BinaryHeap::new(),
            warm: VecDeque::new(),
            busiest: 0,
            latencies: Vec::new(),
            cold: 0,
            cost: 0.0,
        }
    }

    /// Plays a step in which requests arrive at random at a rate per second.
    fn run(&mut self, seconds: f64, rate: f64, capacity: u32) {
        self.cost += f64::from(capacity) * seconds * self.environments.price.provisioned;
        self.busiest = 0;
        let end = self.now + seconds;
        let between = |random: &mut Rng| if rate > 0.0 { -(1.0 - random.f64()).ln() / rate } else { f64::INFINITY };
        let mut at = self.now + between(&mut self.arrivals);
        while at < end {
            self.request(at, capacity);
            at += between(&mut self.arrivals);
        }
        self.now = end;
    }

    fn request(&mut self, at: f64, capacity: u32) {
        while self.provisioned.peek().is_some_and(|Reverse(free)| free.0 <= at) {
            self.provisioned.pop();
        }
        while let Some(Reverse(free)) = self.on_demand.peek().filter(|Reverse(free)| free.0 <= at).copied() {
            self.on_demand.pop();
            self.warm.push_back(free.0);
        }
        while self.warm.front().is_some_and(|since| at - since > self.environments.warm_for) {
            self.warm.pop_front();
        }
        // The mean of this distribution is the duration.
        let spread = DURATION_SPREAD * normal(&mut self.durations) - DURATION_SPREAD * DURATION_SPREAD / 2.0;
        let mut duration = self.environments.duration * spread.exp();
        let price = &self.environments.price;
        if self.provisioned.len() < capacity as usize {
            self.provisioned.push(Reverse(Moment(at + duration)));
            self.cost += duration * price.used;
        } else {
            if self.warm.pop_back().is_none() {
                self.cold += 1;
                duration += self.environments.cold_start;
            }
            self.on_demand.push(Reverse(Moment(at + duration)));
            self.cost += duration * price.on_demand;
        }
        let busy = self.provisioned.len() + self.on_demand.len();
        self.busiest = self.busiest.max(u32::try_from(busy).unwrap_or(u32::MAX));
        self.latencies.push(duration as f32);
    }

    fn outcome(mut self) -> Outcome {
        self.latencies.sort_unstable_by(f32::total_cmp);
        let requests = self.latencies.len();
        let at = |share: f64| {
            let place = ((requests as f64 * share).ceil() as usize).saturating_sub(1);
            self.latencies.get(place).copied().map_or(0.0, f64::from)
        };
        Outcome {
            requests: requests as u64,
            cold: if requests == 0 { 0.0 } else { self.cold as f64 / requests as f64 },
            p50: at(0.5),
            p95: at(0.95),
            p99: at(0.99),
            cost: self.cost,
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use jiff::tz::TimeZone;

    use super::*;
    use crate::price::Architecture;

    fn environments() -> Environments {
        Environments {
            duration: 1.0,
            cold_start: 2.0,
            warm_for: 600.0,
            lead: SignedDuration::from_mins(2),
            price: Price::of("us-east-1", Architecture::X86).unwrap(),
        }
    }

    fn demand(values: &[f64]) -> Series {
        Series::new(Timestamp::UNIX_EPOCH, Slot::HalfHour, TimeZone::UTC, values.iter().copied().map(Some)).unwrap()
    }

    fn play(values: &[f64], policy: &Policy) -> Outcome {
        simulate(&demand(values), 0, policy, &environments(), 7)
    }

    #[test]
    fn enough_provisioned_environments_meet_no_cold_start() {
        let outcome = play(&[10.0; 4], &Policy::Schedule(vec![60; 4]));
        assert_eq!(outcome.cold, 0.0);
        assert!(outcome.p99 < 3.0, "{outcome:?}");
        let work = outcome.cost - 60.0 * 4.0 * 1800.0 * environments().price.provisioned;
        let expected = 10.0 * 4.0 * 1800.0 * environments().price.used;
        assert!((work / expected - 1.0).abs() < 0.05, "{work} {expected}");
    }

    #[test]
    fn a_rise_meets_cold_starts_on_demand() {
        let flat = play(&[10.0; 8], &Policy::Schedule(Vec::new()));
        let rising = play(&[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0], &Policy::Schedule(Vec::new()));
        assert!(flat.cold > 0.0 && rising.cold > flat.cold, "{flat:?} {rising:?}");
    }

    #[test]
    fn environments_without_work_are_reclaimed() {
        let cold = |outcome: &Outcome| outcome.cold * outcome.requests as f64;
        let busy = play(&[20.0; 3], &Policy::Schedule(Vec::new()));
        let paused = play(&[20.0, 0.0, 20.0], &Policy::Schedule(Vec::new()));
        assert!(cold(&paused) > 1.5 * cold(&busy), "{paused:?} {busy:?}");
    }

    #[test]
    fn target_tracking_is_late_for_a_jump() {
        let jump = [5.0, 5.0, 80.0, 80.0];
        let late = play(&jump, &Policy::TargetTracking(0.7));
        let ready = play(&jump, &Policy::Schedule(vec![20, 20, 130, 130]));
        assert!(late.cold > 0.0, "{late:?}");
        assert_eq!(ready.cold, 0.0, "{ready:?}");
    }

    #[test]
    fn the_same_seed_is_the_same_day() {
        let policy = Policy::TargetTracking(0.7);
        assert_eq!(play(&[5.0; 4], &policy), play(&[5.0; 4], &policy));
    }
}
