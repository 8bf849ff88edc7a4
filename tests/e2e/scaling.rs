//! The scaler on the deployed stack: a tick is claimed once, plans, and sets what an operator says.

use crate::harness::Harness;
use anyhow::{Context as _, Result, ensure};
use carryout::scaling::{self, Change};
use carryout_aws::{DynamoScaling, LambdaCapacity};
use carryout_forecast::Setting;
use carryout_lambda::ids::new_id;
use carryout_scaling::{
    Capacity as _, Claim, HORIZON_SLOTS, History, Mode, Observed, Override, SLOT, ScalingStore as _, Status, slot_of,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// A function that no other test changes.
const FUNCTION: &str = "notify-merchant";
const LEASE_MS: i64 = 60_000;

#[tokio::test]
async fn a_tick_sets_what_an_operator_says_and_comes_once() -> Result<()> {
    let harness = Harness::set().await?;
    let capacity = LambdaCapacity::new(&harness.aws, harness.output("FunctionPrefix")?);
    let until = Timestamp::now() + SignedDuration::from_mins(30);
    let set = Override { concurrency: 3, until, reason: Some("a test".to_owned()) };
    let told = vec![Change::Mode(Mode::Apply), Change::Override(FUNCTION.to_owned(), set)];
    scaling::change(&harness.stack, told, Timestamp::now()).await?;
    // The stack's own rule may have run the tick of this slot.
    let due = SLOT.floor(Timestamp::now()) + SignedDuration::from_mins(5);
    let ticked = tick(&harness, due).await;
    let told = scaling::clear(&harness.stack).await;
    let again = tick(&harness, due).await;
    let shown = scaling::show(&harness.stack, Some(FUNCTION)).await;
    capacity.set(FUNCTION, Setting::Delete).await?;
    let after = capacity.reported(FUNCTION).await?;

    let Some(ticked) = ticked? else { return Ok(()) };
    told?;
    // Whether there are problems depends on how soon the emulator's CloudWatch answers; the operator's number needs none.
    let changed = json!([{ "function": FUNCTION, "set": 3 }]);
    assert_eq!((&ticked["outcome"], &ticked["changed"]), (&json!("decided"), &changed), "{ticked}");
    assert_eq!(again?.context("it was invoked before")?["outcome"], "over");
    let shown = shown?;
    let shown = shown.functions.first().context("the function is not scaled")?;
    assert_eq!(shown.reported.requested, 3, "{shown:?}");
    assert!(matches!(shown.reported.status, Status::Ready | Status::InProgress), "{shown:?}");
    let plan = shown.plan.as_ref().context("the tick kept no plan")?;
    assert_eq!((plan.start, plan.set.len(), plan.set.first()), (due, HORIZON_SLOTS, Some(&3)));
    assert_eq!(after.status, Status::Unset);
    Ok(())
}

async fn tick(harness: &Harness, due: Timestamp) -> Result<Option<Value>> {
    harness.invoke("scale-ahead", &json!({ "id": new_id("e2e"), "time": due.to_string() })).await
}

#[tokio::test]
async fn one_tick_runs_at_a_time_and_none_after_a_later_one() -> Result<()> {
    let harness = Harness::set().await?;
    let store = DynamoScaling::new(&harness.aws, harness.output("ScalingTable")?).in_scope(&new_id("e2e"));
    let (now, first) = (Timestamp::now().as_millisecond(), SLOT.floor(Timestamp::now()));
    let second = first + SignedDuration::from_mins(5);
    let claims = futures::try_join!(store.claim(first, now + LEASE_MS), store.claim(first, now + LEASE_MS))?;
    ensure!([(Claim::Taken, Claim::Running), (Claim::Running, Claim::Taken)].contains(&claims), "{claims:?}");
    assert_eq!(store.claim(second, now + LEASE_MS).await?, Claim::Running);
    store.finish(first).await?;
    assert_eq!(store.claim(first, now + LEASE_MS).await?, Claim::Over);
    assert_eq!(store.claim(second, now - 1).await?, Claim::Taken);
    assert_eq!(store.claim(second, now + LEASE_MS).await?, Claim::Taken, "a lease that is over");
    store.finish(first).await?;
    assert_eq!(store.claim(first, now + LEASE_MS).await?, Claim::Over);
    assert_eq!(store.claim(second, now + LEASE_MS).await?, Claim::Running, "an earlier tick's end is not this one's");
    Ok(())
}

#[tokio::test]
async fn history_is_read_as_it_was_added() -> Result<()> {
    let harness = Harness::set().await?;
    let store = DynamoScaling::new(&harness.aws, harness.output("ScalingTable")?).in_scope(&new_id("e2e"));
    let midnight: Timestamp = "2026-02-03T00:00Z".parse()?;
    let slot = |number: i32| {
        let observed = Observed { arrived: f64::from(number) + 0.5, busy: 0.25, concurrent: 7 };
        (midnight + SignedDuration::from_mins(5) * number, observed)
    };
    let mut history = History::default();
    history.take_in(&(-3..288).map(slot).collect());
    let (day, _) = slot_of(midnight);
    history.days.entry(day + 1).or_default();
    store.add(FUNCTION, &history).await?;
    store.add(FUNCTION, &history).await?;
    assert_eq!(store.history(FUNCTION, day - 1).await?, history);
    assert_eq!(store.history(FUNCTION, day).await?.days.len(), 2);
    assert_eq!(store.history("check-fraud", day - 1).await?, History::default());
    Ok(())
}
