//! What nothing remembers is found at the processor and mended; what the processor tells by itself reaches the ledger.

use crate::harness::{Harness, eventually};
use anyhow::{Context as _, Result, ensure};
use carryout::reconciliation;
use carryout_aws::ManagedSecret;
use carryout_checkout::ledger::{LedgerKind, LedgerPhase};
use carryout_checkout::order::Order;
use carryout_checkout::ports::{Intent, Payments as _};
use carryout_checkout::reconcile::{Discrepancy, Reconciliation, Remedy};
use carryout_lambda::ids::new_id;
use carryout_market::{MarketType, ids};
use carryout_partners::{Http, StripePayments};
use jiff::SignedDuration;
use reqwest::Method;

type Processor = StripePayments<ManagedSecret>;

fn processor(harness: &Harness) -> Result<Processor> {
    let secret = ManagedSecret::new(&harness.aws, harness.output("PaymentSecret")?);
    Ok(StripePayments::new(Http::default(), harness.output("PaymentUrl")?, secret))
}

/// A payment of the order that it knows nothing of: held, and maybe taken.
async fn plant(processor: &Processor, order: &Order, captured: bool) -> Result<Intent> {
    let key = new_id("planted");
    let intent = processor.create(&key, order).await?;
    let held = processor.confirm(&key, &intent.id, &order.payment_method.token).await?;
    if captured { Ok(processor.capture(&key, &intent.id, order.total()).await?) } else { Ok(held) }
}

fn found(report: &Reconciliation, intent: &Intent) -> Vec<(Discrepancy, Remedy)> {
    let of_intent = report.findings.iter().filter(|finding| finding.intent == intent.id);
    // Whether the webhook or the reconciliation told the ledger first is a matter of luck.
    let others = of_intent.filter(|finding| finding.discrepancy != Discrepancy::MissingInLedger);
    others.map(|finding| (finding.discrepancy, finding.remedy)).collect()
}

#[tokio::test]
async fn planted_discrepancies_are_found_and_mended_once() -> Result<()> {
    let harness = Harness::set().await?;
    let processor = processor(&harness)?;
    let fixture = harness.fixture(ids::US, MarketType::Restaurant).await?;
    let quote = fixture.quote(&fixture.cart()).await?;
    let placed = fixture.order(&quote).await?;
    fixture.assert_placed(&placed, &quote).await?;
    let failing = fixture.quote(&fixture.cart()).await?;
    let reply = fixture.checkout(&failing, &fixture.declined_card()?).await?;
    let failed: carryout_checkout::submit::CheckoutAnswer = reply.expect(202)?;
    fixture.end(&failed.order_id).await?;
    let (placed, failed) = (harness.stored(&placed).await?, harness.stored(&failed.order_id).await?);
    // The failed order's card is declined, so what is left behind is held on another one.
    let failed = Order { payment_method: placed.payment_method.clone(), ..failed };
    let gone = Order { id: new_id("ord"), ..placed.clone() };

    let twice = plant(&processor, &placed, true).await?;
    let held = plant(&processor, &failed, false).await?;
    let charged = plant(&processor, &failed, true).await?;
    let unknown = plant(&processor, &gone, true).await?;
    let report = reconciliation::now(&harness.stack, SignedDuration::ZERO).await?;
    for (intent, discrepancy, remedy) in [
        (&twice, Discrepancy::ChargedTwice, Remedy::Refunded),
        (&held, Discrepancy::HeldForClosedOrder, Remedy::Cancelled),
        (&charged, Discrepancy::ChargedForClosedOrder, Remedy::Refunded),
        (&unknown, Discrepancy::UnknownOrder, Remedy::Refunded),
    ] {
        ensure!(found(&report, intent) == [(discrepancy, remedy)], "{}: {:?}", intent.id, found(&report, intent));
    }
    let again = reconciliation::now(&harness.stack, SignedDuration::ZERO).await?;
    for intent in [&twice, &held, &charged, &unknown] {
        ensure!(found(&again, intent).is_empty(), "{}: {:?}", intent.id, found(&again, intent));
    }
    for (order, net) in [(&placed, placed.total().minor), (&failed, 0), (&gone, 0)] {
        let summary = harness.client.books(&order.id).await?.summary;
        ensure!((summary.net_charged, summary.authorized) == (net, 0), "{}: {summary:?}", order.id);
    }
    let summary = reconciliation::summary(&report);
    ensure!(summary.contains("charged twice"), "{summary}");
    let latest = reconciliation::latest(&harness.stack).await?.context("the report is kept")?;
    ensure!(latest.started_at >= again.started_at);
    Ok(())
}

#[tokio::test]
async fn what_is_done_by_hand_at_the_processor_reaches_the_ledger() -> Result<()> {
    let harness = Harness::set().await?;
    let processor = processor(&harness)?;
    let fixture = harness.fixture(ids::US, MarketType::Restaurant).await?;
    let quote = fixture.quote(&fixture.cart()).await?;
    let id = fixture.order(&quote).await?;
    fixture.assert_placed(&id, &quote).await?;
    let order = harness.stored(&id).await?;
    let intent = order.steps.entry("authorize-payment").and_then(|entry| entry.reference.clone()).context("it was paid")?;
    let refund = processor.refund(&new_id("hand"), &intent, order.total()).await?;
    let told = async || {
        let order = harness.stored(&id).await?;
        let is_it =
            |kind, phase, reference: &str| (kind, phase, reference) == (LedgerKind::Refund, LedgerPhase::Success, &refund.id);
        Ok(order.ledger.iter().any(|event| is_it(event.kind, event.phase, &event.reference)).then_some(()))
    };
    eventually("the refund reaches the ledger", told).await?;
    let view = harness.client.as_operator(Method::GET, &format!("/v1/orders/{id}"), None).await?.body;
    ensure!(view["balance"]["charged"]["amount"] == 0, "{view}");
    Ok(())
}
