//! The workflows of checkouts and refunds, as data, and the markets that they serve.

use crate::{codes, market::Country, steps};
use carryout_workflow::{InvalidWorkflow, Orchestrator, RetryClass, Route, SagaStage, SagaStep, SagaWait, Workflow, compile};
use serde_json::Value;

/// The orchestrator over all markets of the checkout.
pub fn orchestrator() -> Orchestrator {
    let route = |country: Option<&str>, market_type: Option<&str>, workflow: &str| Route {
        country: country.map(str::to_owned),
        market_type: market_type.map(str::to_owned),
        workflow: workflow.to_owned(),
    };
    let routes = vec![
        route(None, Some("grocery"), "checkout-grocery"),
        route(Some("AU"), None, "checkout-accepted"),
        route(Some("NZ"), None, "checkout-accepted"),
        route(Some("US"), None, "checkout-standard"),
        route(Some("CA"), None, "checkout-standard"),
        route(Some("PR"), None, "checkout-standard"),
    ];
    Orchestrator::new(vec![standard(), accepted(), grocery()], routes)
}

/// The orchestrator over all markets for refunds of placed orders.
pub fn refund_orchestrator() -> Orchestrator {
    let route = |country: Country| Route {
        country: Some(country.code().to_owned()),
        market_type: None,
        workflow: "refund-standard".to_owned(),
    };
    Orchestrator::new(vec![refund()], Country::ALL.into_iter().map(route).collect())
}

/// Every orchestrator. Each workflow belongs to one of them.
pub fn orchestrators() -> [Orchestrator; 2] {
    [orchestrator(), refund_orchestrator()]
}

/// The state machine of a workflow.
///
/// # Errors
///
/// Where the definition is not valid.
pub fn state_machine(workflow: &Workflow) -> Result<Value, InvalidWorkflow> {
    compile(workflow, |step| steps::codes_of(step).iter().filter(|code| code.class.may_retry()).map(|code| code.name).collect())
}

/// The store is told and is expected to make it.
fn standard() -> Workflow {
    Workflow {
        version: 1,
        name: "checkout-standard".to_owned(),
        purpose: "Checkout where stores make what they are sent.".to_owned(),
        stages: vec![
            local("confirm-price"),
            reserve_and_check(),
            partner("authorize-payment"),
            partner("create-delivery"),
            partner("notify-merchant"),
            partner("capture-payment"),
        ],
        finish: finish(),
    }
}

/// A person at the store accepts the order before a courier is booked.
fn accepted() -> Workflow {
    Workflow {
        version: 1,
        name: "checkout-accepted".to_owned(),
        purpose: "Checkout where a person at the store accepts the order before a courier is booked.".to_owned(),
        stages: vec![
            local("confirm-price"),
            reserve_and_check(),
            partner("authorize-payment"),
            partner("notify-merchant"),
            answer_within(300),
            partner("create-delivery"),
            partner("capture-payment"),
        ],
        finish: finish(),
    }
}

/// The store's point of sale acknowledges by itself, within seconds; a courier comes meanwhile.
fn grocery() -> Workflow {
    Workflow {
        version: 1,
        name: "checkout-grocery".to_owned(),
        purpose: "Checkout where the store's point of sale acknowledges the order within seconds.".to_owned(),
        stages: vec![
            local("confirm-price"),
            reserve_and_check(),
            partner("authorize-payment"),
            partner("create-delivery"),
            partner("notify-merchant"),
            answer_within(12),
            partner("capture-payment"),
        ],
        finish: finish(),
    }
}

/// Money is given back, and the books of the order say so.
fn refund() -> Workflow {
    Workflow {
        version: 1,
        name: "refund-standard".to_owned(),
        purpose: "Refund of a placed order, in part or in full.".to_owned(),
        // After its last attempt comes a person, as after an undo.
        stages: vec![SagaStage::Step(spec("refund-payment", RetryClass::Undo))],
        finish: spec("complete-refund", RetryClass::Local),
    }
}

fn reserve_and_check() -> SagaStage {
    SagaStage::Parallel(vec![
        SagaStep { undo: true, ..spec("reserve-items", RetryClass::Local) },
        spec("check-fraud", RetryClass::Partner),
    ])
}

fn local(step: &str) -> SagaStage {
    SagaStage::Step(spec(step, RetryClass::Local))
}

fn partner(step: &str) -> SagaStage {
    SagaStage::Step(SagaStep { undo: true, ..spec(step, RetryClass::Partner) })
}

fn answer_within(timeout_seconds: u32) -> SagaStage {
    let wait = SagaWait {
        timeout_seconds,
        silence: codes::MERCHANT_SILENT.name.to_owned(),
        message: format!("the store did not answer within {timeout_seconds} seconds"),
    };
    SagaStage::Step(SagaStep { wait: Some(wait), ..spec("await-merchant", RetryClass::Local) })
}

fn finish() -> SagaStep {
    spec("complete-order", RetryClass::Local)
}

fn spec(step: &str, retry: RetryClass) -> SagaStep {
    SagaStep { step: step.to_owned(), retry, ..SagaStep::default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::MarketType;

    #[test]
    fn every_market_has_a_workflow() {
        let orchestrator = orchestrator();
        for country in Country::ALL {
            for market_type in [MarketType::Restaurant, MarketType::Grocery, MarketType::Retail] {
                assert!(orchestrator.pick(country.code(), market_type.name()).is_ok(), "{country} {market_type}");
                assert!(refund_orchestrator().pick(country.code(), market_type.name()).is_ok(), "{country} {market_type}");
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
