//! Chosen checkouts take the canary track from their first step to their last, and everybody else's do not.

use crate::harness::{Fixture, Harness, eventually};
use anyhow::Result;
use carryout::routing::{self, Change};
use carryout_aws::SfnExecutions;
use carryout_checkout::ports::{ExecutionState, Executions as _};
use carryout_checkout::routing::ReleaseTrack;
use carryout_market::{MarketType, ids};

async fn change(harness: &Harness, change: Change) -> Result<()> {
    // Others may change the rules at the same moment; then it is to be tried again.
    eventually("the rules are changed", async || Ok(routing::change(&harness.stack, &change).await.ok())).await?;
    Ok(())
}

/// Orders, follows the order to its end, and tells its track. It ran in that track's state machine and in no other.
async fn track_of_an_order(fixture: &Fixture<'_>) -> Result<ReleaseTrack> {
    let quote = fixture.quote(&fixture.pickup()).await?;
    let id = fixture.order(&quote).await?;
    fixture.end(&id).await?;
    let order = fixture.harness.stored(&id).await?;
    let executions = SfnExecutions::new(&fixture.harness.aws, fixture.harness.output("StateMachinePrefix")?);
    for track in ReleaseTrack::ALL {
        let state = executions.state(&track.state_machine(&order.workflow), &order.execution_name()).await?;
        let expected = if track == order.release_track { ExecutionState::Ended } else { ExecutionState::NotFound };
        // An execution ends a moment after its order.
        let settled = if state == ExecutionState::Running { ExecutionState::Ended } else { state };
        assert_eq!(settled, expected, "{track} of {id}");
    }
    Ok(order.release_track)
}

#[tokio::test]
async fn only_orders_of_chosen_consumers_take_the_canary_track() -> Result<()> {
    let harness = Harness::set().await?;
    let (chosen, other) =
        futures::try_join!(harness.fixture(ids::US, MarketType::Restaurant), harness.fixture(ids::US, MarketType::Restaurant))?;
    assert_eq!(track_of_an_order(&chosen).await?, ReleaseTrack::Live);
    change(&harness, Change { add: vec![chosen.consumer.id.clone()], ..Change::default() }).await?;
    // Each process of the function notices within seconds, so orders at either side of that may differ.
    eventually("the rule is noticed", async || Ok((track_of_an_order(&chosen).await? == ReleaseTrack::Canary).then_some(())))
        .await?;
    let delivered = eventually("an order with a courier takes the track", async || {
        let quote = chosen.quote(&chosen.cart()).await?;
        let id = chosen.order(&quote).await?;
        let ended = chosen.end(&id).await?;
        Ok((harness.stored(&id).await?.release_track == ReleaseTrack::Canary).then_some(ended))
    });
    assert_eq!(delivered.await?.status.name(), "PLACED");
    assert_eq!(track_of_an_order(&other).await?, ReleaseTrack::Live);
    change(&harness, Change { remove: vec![chosen.consumer.id.clone()], ..Change::default() }).await
}
