//! A task plan: tasks with declared inputs, each started as soon as its inputs are available.
//!
//! A task names its inputs by the handles of tasks that were added before it, so a plan can't contain a cycle, and a task gets its
//! inputs by type. [`Plan::run`] drives all tasks concurrently on one task of the executor.

use futures::future::{BoxFuture, FutureExt, Shared, TryFutureExt, join_all, try_join_all};
use std::sync::{Arc, Mutex, PoisonError};

/// The output of a task: shared, because several tasks may depend on it.
type Output<T, E> = Result<Arc<T>, Arc<E>>;

/// A handle to a task's output, to be declared as another task's input, and to be read after the plan has run.
pub struct Task<'a, T, E> {
    index: usize,
    output: Shared<BoxFuture<'a, Output<T, E>>>,
}

impl<T, E> Clone for Task<'_, T, E> {
    fn clone(&self) -> Self {
        Self { index: self.index, output: self.output.clone() }
    }
}

impl<T, E> Task<'_, T, E> {
    /// The output, once the plan has run without an error; `None` before that.
    pub fn output(&self) -> Option<Arc<T>> {
        self.output.peek().and_then(|output| output.as_ref().ok().cloned())
    }
}

/// A task without its output.
type Driven<'a, E> = Shared<BoxFuture<'a, Result<(), Arc<E>>>>;

/// When a task ran. Milliseconds on the plan's own clock.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskReport {
    /// The task's name.
    pub name: &'static str,
    /// Indices of the tasks that it depends on.
    pub inputs: Vec<usize>,
    /// When its inputs were available.
    pub started_ms: f64,
    /// When it ended.
    pub ended_ms: f64,
}

/// The report of a plan: for a log line, a timeline, a benchmark.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PlanReport(pub Vec<TaskReport>);

impl PlanReport {
    /// The sum of all tasks' durations: the time of a sequential run.
    pub fn sum_ms(&self) -> f64 {
        self.0.iter().map(|task| task.ended_ms - task.started_ms).sum()
    }

    /// The duration of the longest chain of dependent tasks: the lower bound of any plan.
    pub fn critical_path_ms(&self) -> f64 {
        let mut path = Vec::with_capacity(self.0.len());
        for task in &self.0 {
            let inputs: f64 = task.inputs.iter().map(|&input| path[input]).fold(0.0, f64::max);
            path.push(inputs + task.ended_ms - task.started_ms);
        }
        path.into_iter().fold(0.0, f64::max)
    }

    /// The time from the first task's start to the last one's end.
    pub fn makespan_ms(&self) -> f64 {
        let start = self.0.iter().map(|task| task.started_ms).fold(f64::INFINITY, f64::min);
        let end = self.0.iter().map(|task| task.ended_ms).fold(0.0, f64::max);
        (end - start).max(0.0)
    }
}

/// Tasks that run together.
///
/// ```
/// # use carryout_workflow::Plan;
/// # use std::sync::Arc;
/// let mut plan = Plan::<String>::new(|| 0.0);
/// let store = plan.task("store", (), |()| async { Ok("Golden Wok") });
/// let items = plan.task("items", (), |()| async { Ok(vec!["ramen"]) });
/// let offer = plan.task("offer", (&store, &items), |(store, items): (Arc<&str>, Arc<Vec<&str>>)| async move {
///     Ok(format!("{} at {store}", items[0]))
/// });
/// futures::executor::block_on(plan.run())?;
/// assert_eq!(offer.output().as_deref().map(String::as_str), Some("ramen at Golden Wok"));
/// # Ok::<(), Arc<String>>(())
/// ```
pub struct Plan<'a, E> {
    clock: Arc<dyn Fn() -> f64 + Send + Sync + 'a>,
    tasks: Vec<Driven<'a, E>>,
    report: Arc<Mutex<PlanReport>>,
}

impl<'a, E: Send + Sync + 'a> Plan<'a, E> {
    /// An empty plan. `clock` gives milliseconds, for the report only.
    pub fn new(clock: impl Fn() -> f64 + Send + Sync + 'a) -> Self {
        Self { clock: Arc::new(clock), tasks: Vec::new(), report: Arc::default() }
    }

    /// Adds a task that depends on `inputs`: `()`, or a tuple of handles of earlier tasks of this plan.
    pub fn task<I, T, F>(
        &mut self,
        name: &'static str,
        inputs: I,
        work: impl FnOnce(I::Outputs) -> F + Send + 'a,
    ) -> Task<'a, T, E>
    where
        I: Inputs<'a, E>,
        T: Send + Sync + 'a,
        F: Future<Output = Result<T, E>> + Send + 'a,
    {
        let index = self.tasks.len();
        lock(&self.report).0.push(TaskReport { name, inputs: inputs.indices(), started_ms: 0.0, ended_ms: 0.0 });
        let (clock, report) = (Arc::clone(&self.clock), Arc::clone(&self.report));
        let ready = inputs.ready();
        let output = async move {
            let inputs = ready.await?;
            let started = clock();
            let output = work(inputs).await;
            let ended = clock();
            if let Some(task) = lock(&report).0.get_mut(index) {
                (task.started_ms, task.ended_ms) = (started, ended);
            }
            output.map(Arc::new).map_err(Arc::new)
        }
        .boxed()
        .shared();
        self.tasks.push(output.clone().map(|output| output.map(drop)).boxed().shared());
        Task { index, output }
    }

    /// Runs every task, each as soon as its inputs are available.
    ///
    /// # Errors
    ///
    /// The error of the failed task that was added first: the same input gives the same error, regardless of timing. Tasks added after a
    /// failed one are dropped unfinished, so tasks must only read.
    pub async fn run(self) -> Result<PlanReport, Arc<E>> {
        let numbered = self.tasks.iter().cloned().enumerate().map(|(index, task)| task.map_err(move |error| (index, error)));
        match try_join_all(numbered).await {
            Ok(_) => Ok(std::mem::take(&mut lock(&self.report))),
            Err((index, error)) => {
                // A task that was added before it may still fail, and then takes precedence.
                let earlier = join_all(self.tasks.into_iter().take(index)).await;
                Err(earlier.into_iter().find_map(Result::err).unwrap_or(error))
            }
        }
    }
}

fn lock(report: &Mutex<PlanReport>) -> std::sync::MutexGuard<'_, PlanReport> {
    report.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The declared inputs of a task: `()`, or a tuple of task handles.
pub trait Inputs<'a, E>: Sized {
    /// The argument of the task's work: a tuple of shared outputs.
    type Outputs: Send + 'a;

    /// The indices of the tasks in their plan.
    fn indices(&self) -> Vec<usize>;

    /// Resolves when all inputs are available, or the first of them has failed.
    fn ready(self) -> BoxFuture<'a, Result<Self::Outputs, Arc<E>>>;
}

impl<'a, E: Send + Sync + 'a> Inputs<'a, E> for () {
    type Outputs = ();

    fn indices(&self) -> Vec<usize> {
        Vec::new()
    }

    fn ready(self) -> BoxFuture<'a, Result<(), Arc<E>>> {
        futures::future::ready(Ok(())).boxed()
    }
}

macro_rules! tuple_inputs {
    ($($name:ident: $type:ident),+) => {
        impl<'a, E: Send + Sync + 'a, $($type: Send + Sync + 'a),+> Inputs<'a, E> for ($(&Task<'a, $type, E>,)+) {
            type Outputs = ($(Arc<$type>,)+);

            fn indices(&self) -> Vec<usize> {
                let ($($name,)+) = self;
                vec![$($name.index),+]
            }

            fn ready(self) -> BoxFuture<'a, Result<Self::Outputs, Arc<E>>> {
                let ($($name,)+) = self;
                $(let $name = $name.output.clone();)+
                async move { futures::try_join!($($name),+) }.boxed()
            }
        }
    };
}

tuple_inputs!(a: A);
tuple_inputs!(a: A, b: B);
tuple_inputs!(a: A, b: B, c: C);
tuple_inputs!(a: A, b: B, c: C, d: D);

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::time::{Instant, sleep};

    async fn after(ms: u64, output: Result<u64, &'static str>) -> Result<u64, &'static str> {
        sleep(Duration::from_millis(ms)).await;
        output
    }

    fn plan<'a>() -> Plan<'a, &'static str> {
        let start = Instant::now();
        Plan::new(move || start.elapsed().as_secs_f64() * 1_000.0)
    }

    #[tokio::test(start_paused = true)]
    async fn takes_as_long_as_its_critical_path() {
        let mut plan = plan();
        let fast = plan.task("fast", (), |()| after(10, Ok(1)));
        let slow = plan.task("slow", (), |()| after(50, Ok(2)));
        let late = plan.task("late", (&fast,), |(fast,)| after(20, Ok(*fast + 10)));
        let last = plan.task("last", (&slow, &late), |(slow, late)| after(5, Ok(*slow + *late)));
        let report = plan.run().await.unwrap();
        assert_eq!(last.output().as_deref(), Some(&13));
        assert_eq!(report.makespan_ms().round(), 55.0);
        assert_eq!(report.critical_path_ms().round(), 55.0);
        assert_eq!(report.sum_ms().round(), 85.0);
        assert_eq!(report.0[3].inputs, [1, 2]);
    }

    #[tokio::test(start_paused = true)]
    async fn reports_the_failure_of_the_task_that_was_declared_first() {
        for (first, second) in [(30, 10), (10, 30)] {
            let mut plan = plan();
            let store = plan.task("store", (), move |()| after(first, Err("closed")));
            plan.task("item", (&store,), |_| after(1, Ok(0)));
            plan.task("card", (), move |()| after(second, Err("expired")));
            assert_eq!(plan.run().await.map_err(|error| *error), Err("closed"));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn drops_tasks_that_were_added_after_a_failed_one() {
        let start = Instant::now();
        let mut plan = plan();
        plan.task("fails", (), |()| after(10, Err("no")));
        plan.task("slow", (), |()| after(60_000, Ok(0)));
        assert_eq!(plan.run().await.map_err(|error| *error), Err("no"));
        assert!(start.elapsed() < Duration::from_secs(1));
    }
}
