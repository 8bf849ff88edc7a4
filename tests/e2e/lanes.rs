//! Chosen checkouts take the sandbox lane from their first step to their last, and everybody else's do not.

use crate::stage::{Scene, Stage, eventually};
use anyhow::Result;
use carryout::routing::{self, Change};
use carryout_aws::SfnExecutions;
use carryout_checkout::market::{Country, MarketType};
use carryout_checkout::ports::{ExecutionState, Executions as _};
use carryout_checkout::routing::Lane;

async fn change(stage: &Stage, change: Change) -> Result<()> {
    // Others may change the rules at the same moment; then it is to be tried again.
    eventually("the rules are changed", async || Ok(routing::change(&stage.stack, &change).await.ok())).await?;
    Ok(())
}

/// Orders, follows the order to its end, and tells its lane. It ran in that lane's state machine and in no other.
async fn lane_of_an_order(scene: &Scene<'_>) -> Result<Lane> {
    let quote = scene.quote(&scene.pickup()).await?;
    let id = scene.order(&quote).await?;
    scene.end(&id).await?;
    let order = scene.stage.stored(&id).await?;
    let executions = SfnExecutions::new(&scene.stage.aws, scene.stage.output("StateMachinePrefix")?);
    for lane in Lane::ALL {
        let state = executions.state(&lane.state_machine(&order.workflow), &order.execution_name()).await?;
        let expected = if lane == order.lane { ExecutionState::Ended } else { ExecutionState::NotFound };
        // An execution ends a moment after its order.
        let settled = if state == ExecutionState::Running { ExecutionState::Ended } else { state };
        assert_eq!(settled, expected, "{lane} of {id}");
    }
    Ok(order.lane)
}

#[tokio::test]
async fn a_chosen_consumers_orders_take_the_sandbox_lane_and_nobody_elses_do() -> Result<()> {
    let stage = Stage::set().await?;
    let (chosen, other) =
        futures::try_join!(stage.scene(Country::US, MarketType::Restaurant), stage.scene(Country::US, MarketType::Restaurant))?;
    assert_eq!(lane_of_an_order(&chosen).await?, Lane::Live);
    change(&stage, Change { add: vec![chosen.consumer.id.clone()], ..Change::default() }).await?;
    // Each process of the function notices within seconds, so orders at either side of that may differ.
    eventually("the rule is noticed", async || Ok((lane_of_an_order(&chosen).await? == Lane::Sandbox).then_some(()))).await?;
    let delivered = eventually("an order with a courier takes the lane", async || {
        let quote = chosen.quote(&chosen.cart()).await?;
        let id = chosen.order(&quote).await?;
        let ended = chosen.end(&id).await?;
        Ok((stage.stored(&id).await?.lane == Lane::Sandbox).then_some(ended))
    });
    assert_eq!(delivered.await?.status.name(), "PLACED");
    assert_eq!(lane_of_an_order(&other).await?, Lane::Live);
    change(&stage, Change { remove: vec![chosen.consumer.id.clone()], ..Change::default() }).await
}
