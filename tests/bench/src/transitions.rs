//! Step Functions transitions and payloads of a placed order, from the history of its execution.

use carryout_market::{MarketType, ids};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use carryout::Stack;
use carryout::client::{Client, POLL};
use carryout_checkout::order::{OrderStatus, execution_name};
use carryout_lambda::ids::new_id;
use local_cloud::Project;
use serde_json::Value;

use crate::rig;

/// Places an order of each workflow and reads its history.
pub async fn measure(project: &Project) -> Result<()> {
    let stack = Stack::deployed(project)?;
    let client = Client::new(project, &stack)?;
    println!("\nStep Functions, a placed order (wanted: at most 16 transitions, payloads under 8 KB)");
    for (country, market_type) in
        [(ids::CA, MarketType::Restaurant), (ids::AU, MarketType::Restaurant), (ids::PR, MarketType::Grocery)]
    {
        let basket = &rig::baskets(country, market_type, 1)?[0];
        let consumer = &basket.consumer.id;
        let answer = client.order_cart(consumer, &basket.cart, &basket.payment_method, &new_id("key")).await?;
        let order = client.follow(consumer, &answer.order_id, Duration::from_secs(120), POLL, |_| {}).await?;
        ensure!(order.status == OrderStatus::Placed, "order {} ended {}", order.id, order.status);
        let history = history(project, &stack, &order.workflow, &execution_name(&order.id, order.run)).await?;
        let entered =
            history.iter().filter(|event| event["type"].as_str().is_some_and(|kind| kind.ends_with("StateEntered"))).count();
        let payload = history.iter().flat_map(payloads).max().unwrap_or_default();
        println!("  {:<18} {entered:>3} transitions, largest payload {:.1} KB", order.workflow, payload as f64 / 1_000.0);
    }
    Ok(())
}

/// The execution's events. It ends a moment after its order is closed, so its end is waited for.
async fn history(project: &Project, stack: &Stack, workflow: &str, name: &str) -> Result<Vec<Value>> {
    let machine = format!("{}{workflow}", stack.output("StateMachinePrefix")?);
    let execution = format!("{}:{name}", machine.replace(":stateMachine:", ":execution:"));
    for _ in 0..50 {
        let described = aws(project, &["stepfunctions", "describe-execution", "--execution-arn", &execution])?;
        if described["status"] != "RUNNING" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let history = aws(project, &["stepfunctions", "get-execution-history", "--execution-arn", &execution])?;
    history["events"].as_array().cloned().context("the execution has no history")
}

fn aws(project: &Project, arguments: &[&str]) -> Result<Value> {
    let output = Command::new("cargo")
        .args(["run", "--quiet", "--package", "carryout", "--", "tool", "aws"])
        .args(arguments)
        .args(["--output", "json"])
        .current_dir(project.root())
        .output()
        .context("cannot run the AWS CLI")?;
    ensure!(output.status.success(), "the AWS CLI failed: {}", String::from_utf8_lossy(&output.stderr));
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// The sizes of what an event carries.
fn payloads(event: &Value) -> Vec<usize> {
    let details = event.as_object().into_iter().flatten().filter(|(key, _)| key.ends_with("EventDetails"));
    details.flat_map(|(_, details)| ["input", "output"].map(|field| details[field].as_str().map_or(0, str::len))).collect()
}
