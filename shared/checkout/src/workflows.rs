//! The workflows of orders and refunds, and the markets that they serve.

use crate::steps;
use carryout_market::{Market, MarketType, Markets, workflows};
use carryout_workflow::{InvalidWorkflow, Orchestrator, Route, Workflow, compile};
use serde_json::Value;

/// The orchestrator of orders over the embedded markets.
pub fn orchestrator() -> Orchestrator {
    let routes = routes(|market, market_type| market.workflow_of(market_type).ok().map(str::to_owned));
    // Both files and markets are embedded, and a test of theirs reads them: an error cannot occur here.
    Orchestrator::new(workflows::of_orders().unwrap_or_default(), routes)
}

/// The orchestrator of refunds over the embedded markets.
pub fn refund_orchestrator() -> Orchestrator {
    let routes = routes(|market, _| Some(market.checkout.refunds.clone()));
    Orchestrator::new(workflows::of_refunds().unwrap_or_default(), routes)
}

fn routes(workflow: impl Fn(&Market, MarketType) -> Option<String>) -> Vec<Route> {
    let Ok(markets) = Markets::embedded() else { return Vec::new() };
    let places = markets.iter().flat_map(|market| MarketType::ALL.map(|market_type| (market, market_type)));
    let routes = places.filter_map(|(market, market_type)| {
        Some(Route {
            country: Some(market.id.to_string()),
            market_type: Some(market_type.name().to_owned()),
            workflow: workflow(market, market_type)?,
        })
    });
    routes.collect()
}

/// Every orchestrator. Each workflow belongs to one of them.
pub fn orchestrators() -> [Orchestrator; 2] {
    [orchestrator(), refund_orchestrator()]
}

/// The state machine of a workflow.
///
/// # Errors
///
/// An invalid definition.
pub fn state_machine(workflow: &Workflow) -> Result<Value, InvalidWorkflow> {
    compile(workflow, |step| steps::codes_of(step).iter().filter(|code| code.class.may_retry()).map(|code| code.name).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_market_has_a_workflow() {
        let orchestrator = orchestrator();
        for country in Markets::embedded().unwrap().ids() {
            for market_type in MarketType::ALL {
                assert!(orchestrator.pick(country.as_str(), market_type.name()).is_ok(), "{country} {market_type}");
                assert!(refund_orchestrator().pick(country.as_str(), market_type.name()).is_ok(), "{country} {market_type}");
            }
        }
        for orchestrator in orchestrators() {
            assert!(orchestrator.pick("FR", "restaurant").is_err());
        }
    }

    #[test]
    fn markets_differ_in_who_answers() {
        let orchestrator = orchestrator();
        let waits = |country, market_type| {
            let workflow = orchestrator.pick(country, market_type).unwrap();
            workflow.steps().find_map(|step| step.wait.as_ref()).map(|wait| wait.timeout_seconds)
        };
        assert_eq!(waits("US", "restaurant"), None);
        assert_eq!(waits("AU", "restaurant"), Some(300));
        assert_eq!(waits("NZ", "grocery"), Some(12));
    }
}
