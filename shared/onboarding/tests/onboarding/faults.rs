//! Applicants in five markets at once, whose functions are killed at random: each reaches the right end, and no effect happens twice.

use crate::world::{LEASE_MS, NOON, World, markets_with_supply};
use carryout_onboarding::{
    advance::Advance,
    applicant::ApplicantStatus,
    definition::Market,
    markets::embedded_files,
    submit::Submission,
    vendor::{VendorAnswer, VendorKind},
    wait::Look,
};
use carryout_testing::{
    contract,
    onboarding::{MemoryApplicants, Script},
};
use carryout_workflow::StepState;
use futures::{executor::block_on, task::noop_waker};
use proptest::prelude::*;
use serde_json::Map;
use std::{
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

type Invocation = Pin<Box<dyn Future<Output = ()>>>;

/// Running invocations, which may be killed.
struct Cloud {
    running: Vec<Invocation>,
    random: fastrand::Rng,
    killed: u32,
}

impl Cloud {
    fn invoke(&mut self, invocation: impl Future<Output = ()> + 'static) {
        self.running.push(Box::pin(invocation));
    }

    /// Polls invocations in random order; one in `kill_one_in` polls kills instead.
    fn poll_some(&mut self, steps: usize, kill_one_in: u32) {
        for _ in 0..steps {
            if self.running.is_empty() {
                return;
            }
            let index = self.random.usize(..self.running.len());
            if kill_one_in > 0 && self.random.u32(..kill_one_in) == 0 {
                drop(self.running.swap_remove(index));
                self.killed += 1;
                continue;
            }
            let polled = self.running[index].as_mut().poll(&mut Context::from_waker(&noop_waker()));
            if polled == Poll::Ready(()) {
                drop(self.running.swap_remove(index));
            }
        }
    }
}

/// A random script, and whether it is a definite refusal.
fn script(random: &mut fastrand::Rng, allow_refusal: bool) -> (Script, bool) {
    let approved = || VendorAnswer::Approved { findings: Map::new() };
    let refused = || VendorAnswer::Refused { reason: "injected refusal".to_owned() };
    match random.u32(..if allow_refusal { 12 } else { 11 }) {
        0..=3 => (Script::Now(approved()), false),
        4 | 5 => (Script::Later(approved()), false),
        6 => (Script::Unreachable(2, Box::new(Script::Now(approved()))), false),
        7 => (Script::AnswerLost(Box::new(Script::Now(approved()))), false),
        8 => (Script::AnswerLost(Box::new(Script::Later(approved()))), false),
        9 | 10 => (Script::Unreachable(1, Box::new(Script::AnswerLost(Box::new(Script::Now(approved()))))), false),
        _ => (if random.bool() { Script::Now(refused()) } else { Script::Later(refused()) }, true),
    }
}

struct Scripted {
    refused_at: BTreeMap<String, &'static str>,
}

fn script_vendors(world: &World, random: &mut fastrand::Rng, ids: &[String]) -> Scripted {
    let kinds = [
        (VendorKind::Address, "validate-address"),
        (VendorKind::Identity, "verify-identity"),
        (VendorKind::Document, "upload-insurance"),
        (VendorKind::Document, "upload-food-licence"),
        (VendorKind::Risk, "check-risk"),
        (VendorKind::Background, "check-background"),
        (VendorKind::Payout, "set-up-payout"),
        (VendorKind::Activation, "activate-account"),
    ];
    let mut refused_at = BTreeMap::new();
    for id in ids {
        for (kind, step) in kinds {
            // Only a step of every workflow is definitely refused.
            let (script, refused) = script(random, kind == VendorKind::Risk);
            world.vendors.script(kind, &format!("{id}/{step}"), script);
            if refused {
                refused_at.insert(id.clone(), step);
            }
        }
    }
    Scripted { refused_at }
}

fn history(seed: u64, applicants: usize) {
    let mut world = World::new(markets_with_supply(0.0));
    let markets = embedded_files().unwrap();
    world.vendors.ignore_keys();
    let mut random = fastrand::Rng::with_seed(seed);
    let ids: Vec<String> = (0..applicants).map(|number| format!("a{number}")).collect();
    let scripted = script_vendors(&world, &mut random, &ids);
    let mut cloud = Cloud { running: Vec::new(), random: random.fork(), killed: 0 };
    let mut begun_waits = Vec::new();
    let ended = |world: &World, id: &str| {
        world.applicants.get(id).is_some_and(|applicant| {
            let refused = |step: &&str| applicant.steps.entry(step).is_some_and(|entry| entry.state == StepState::Failed);
            applicant.status == ApplicantStatus::Active || scripted.refused_at.get(id).is_some_and(refused)
        })
    };
    let mut open = ids.clone();
    for round in 0..20_000 {
        open.retain(|id| !ended(&world, id));
        let Some(first) = open.first() else { break };
        assert!(round < 19_999, "seed {seed}: {:?}", world.applicants.get(first));
        // Applicants begin, submit a form (or the same again), or do nothing.
        for _ in 0..8 {
            let id = open[random.usize(..open.len())].clone();
            let number: usize = id[1..].parse().unwrap();
            let Market { country, market_type, .. } = markets[number % markets.len()].clone();
            let here = world.clone();
            let begun = world.applicants.get(&id).is_some();
            if !begun {
                cloud.invoke(async move { drop(here.start(&id, &country, &market_type).await) });
                continue;
            }
            let next: Vec<_> = world.view(&id).next.into_iter().filter(|next| next.form.is_some()).collect();
            if let Some(next) = next.get(random.usize(..next.len().max(1))) {
                let (step, form) = (next.step.clone(), world.filled_in(&id, &next.step, &Map::new()));
                cloud.invoke(async move { drop(here.submit(&id, &step, Submission::Form(form)).await) });
            }
        }
        // Messages, some of them lost; and the sweeper.
        let mut due = if round % 20 == 0 { world.applicants.due(world.now) } else { Vec::new() };
        due.extend(std::iter::from_fn(|| world.queue.take()).filter(|_| random.u32(..5) > 0));
        for id in due {
            let here = world.clone();
            cloud.invoke(async move {
                drop(here.advance(Advance { id: &id, lease_until: here.now + LEASE_MS }).await);
            });
        }
        // Late answers, some of them lost or repeated.
        if random.u32(..3) == 0 {
            for (key, answer) in world.vendors.answers_due() {
                for _ in 0..random.usize(..3) {
                    let (here, key, answer) = (world.clone(), key.clone(), answer.clone());
                    cloud.invoke(async move {
                        here.answer(key, answer).await;
                    });
                }
            }
        }
        begun_waits.extend(world.waits.take());
        if !begun_waits.is_empty() && random.u32(..3) == 0 {
            let awaited = begun_waits[random.usize(..begun_waits.len())].clone();
            let here = world.clone();
            cloud.invoke(async move { drop(here.look(&awaited, Look::Remind).await) });
        }
        let steps = 20 + 8 * cloud.running.len();
        cloud.poll_some(steps, if round < 2_000 { 60 } else { 0 });
        world.pass(random.i64(0..3_000));
        // A function ends by its deadline, and its lease with it.
        if random.u32(..10) == 0 {
            cloud.killed += u32::try_from(cloud.running.len()).unwrap();
            cloud.running.clear();
            world.pass(LEASE_MS);
        }
    }
    assert!(cloud.killed > 0, "seed {seed}: no invocation was killed");
    let effects = world.vendors.effects();
    let twice: Vec<_> = effects.iter().filter(|(_, times)| **times != 1).collect();
    assert!(twice.is_empty(), "seed {seed}: {twice:?}");
    let activations = |id: &str| effects.keys().filter(|key| key.starts_with(&format!("{id}/activate-account/"))).count();
    for id in &ids {
        let applicant = world.applicant(id);
        if applicant.status == ApplicantStatus::Active {
            assert!(!scripted.refused_at.contains_key(id), "seed {seed}: {id} was refused and is active");
            assert!(activations(id) == 1, "seed {seed}: {id} is active without activation");
        } else {
            assert!(activations(id) == 0, "seed {seed}: {id}");
        }
    }
}

#[test]
fn two_hundred_applicants_reach_the_right_end_although_functions_are_killed() {
    history(1, 200);
}

#[test]
fn a_few_applicants_reach_the_right_end_under_many_seeds() {
    for seed in 2..22 {
        history(seed, 10);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Concurrent steps never overwrite each other.
    #[test]
    fn concurrent_steps_keep_each_others_entries(order in proptest::collection::vec(0_usize..3, 30..60)) {
        let world = World::new(markets_with_supply(0.0));
        block_on(world.start("a", "US", "courier")).unwrap();
        let steps = ["collect-profile", "collect-details", "register-vehicle"];
        let mut running: Vec<Option<Invocation>> = steps.into_iter().map(|step| {
            let (here, form) = (world.clone(), world.filled_in("a", step, &Map::new()));
            Some(Box::pin(async move { drop(here.submit("a", step, Submission::Form(form)).await.unwrap()) }) as Invocation)
        }).collect();
        let polls = order.into_iter().chain((0..3).flat_map(|one| std::iter::repeat_n(one, 20)));
        for one in polls {
            if let Some(invocation) = &mut running[one]
                && invocation.as_mut().poll(&mut Context::from_waker(&noop_waker())) == Poll::Ready(())
            {
                running[one] = None;
            }
        }
        let applicant = world.applicant("a");
        for step in steps {
            prop_assert_eq!(applicant.steps.entry(step).unwrap().state, StepState::Done);
        }
        prop_assert_eq!(applicant.version, 7, "one create, three claims, three completions");
    }
}

#[test]
fn the_in_memory_storage_fulfils_the_contract() {
    let store = MemoryApplicants::default();
    store.clock().set(NOON);
    let made = std::cell::Cell::new(0);
    let new_id = || {
        made.set(made.get() + 1);
        format!("apl_{}", made.get())
    };
    block_on(contract::applicants(&store, new_id, NOON));
}
