//! The task plan: how close to its critical path it runs, and how much faster than one after another.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use carryout_workflow::{Plan, PlanReport};

use crate::{quantile, rig, sorted};

/// Runs of each plan; the median counts.
const RUNS: usize = 15;

/// Measures the checkout's own plan with dependencies of 10 to 100 ms, and a plan of 12 tasks.
pub async fn measure() -> Result<()> {
    println!("\ntask plan (median of {RUNS} runs)");
    println!(
        "  {:<26} {:>10} {:>14} {:>12} {:>20} {:>22}",
        "plan", "makespan", "critical path", "sum", "makespan ÷ critical", "sum ÷ makespan"
    );
    let mut own = Vec::new();
    let mut twelve = Vec::new();
    for _ in 0..RUNS {
        own.push(rig::checkout_plan().await?);
        twelve.push(twelve_tasks().await?);
    }
    print("the checkout's own", &own);
    print("twelve tasks", &twelve);
    println!(
        "  the checkout's own: consumer and quote 60 ms, store 100 ms, coverage 10 ms; the checks between them take no time"
    );
    println!(
        "  twelve tasks: four sources (80, 80, 90, 100 ms), four that need one of them (30 ms), three that need two (20 ms), one that needs three (10 ms)"
    );
    Ok(())
}

fn print(name: &str, reports: &[PlanReport]) {
    let median = |of: &dyn Fn(&PlanReport) -> f64| quantile(&sorted(reports.iter().map(of).collect()), 0.5);
    let (makespan, critical, sum) =
        (median(&PlanReport::makespan_ms), median(&PlanReport::critical_path_ms), median(&PlanReport::sum_ms));
    println!(
        "  {name:<26} {makespan:>7.1} ms {critical:>11.1} ms {sum:>9.1} ms {:>19.3}x {:>21.2}x",
        median(&|report| report.makespan_ms() / report.critical_path_ms()),
        sum / makespan,
    );
}

async fn twelve_tasks() -> Result<PlanReport> {
    async fn take(milliseconds: u64) -> Result<(), anyhow::Error> {
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
        Ok(())
    }
    let started = Instant::now();
    let mut plan = Plan::new(move || started.elapsed().as_secs_f64() * 1_000.0);
    let a = plan.task("a", (), |()| take(80));
    let b = plan.task("b", (), |()| take(80));
    let c = plan.task("c", (), |()| take(90));
    let d = plan.task("d", (), |()| take(100));
    let e = plan.task("e", (&a,), |_| take(30));
    let f = plan.task("f", (&b,), |_| take(30));
    let g = plan.task("g", (&c,), |_| take(30));
    let h = plan.task("h", (&d,), |_| take(30));
    let i = plan.task("i", (&e, &f), |_| take(20));
    let j = plan.task("j", (&f, &g), |_| take(20));
    let k = plan.task("k", (&g, &h), |_| take(20));
    plan.task("l", (&i, &j, &k), |_| take(10));
    plan.run().await.map_err(|error: Arc<anyhow::Error>| anyhow!("{error:#}"))
}
