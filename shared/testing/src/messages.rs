use crate::lock;
use carryout_checkout::{
    order::OrderSubmitted,
    ports::{Callbacks, ExecutionState, Executions, OrderQueue, Pager, ParkedOrder},
};
use carryout_environment::{Failure, StorageError};
use serde_json::Value;
use std::sync::{Arc, Mutex};

/// What was sent, in order; and how many of the next sends fail.
#[derive(Debug)]
struct Outbox<T>(Arc<Mutex<(Vec<T>, u32)>>);

impl<T> Clone for Outbox<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Default for Outbox<T> {
    fn default() -> Self {
        Self(Arc::new(Mutex::new((Vec::new(), 0))))
    }
}

impl<T: Clone> Outbox<T> {
    fn send(&self, message: T) -> Result<(), StorageError> {
        let mut outbox = lock(&self.0);
        if outbox.1 > 0 {
            outbox.1 -= 1;
            return Err(StorageError::Unavailable("told to fail".to_owned()));
        }
        outbox.0.push(message);
        Ok(())
    }

    fn fail_next(&self, times: u32) {
        lock(&self.0).1 = times;
    }

    fn sent(&self) -> Vec<T> {
        lock(&self.0).0.clone()
    }
}

/// A queue that remembers what was sent.
#[derive(Debug, Clone, Default)]
pub struct FakeQueue(Outbox<OrderSubmitted>);

impl FakeQueue {
    /// What was sent, oldest first.
    pub fn sent(&self) -> Vec<OrderSubmitted> {
        self.0.sent()
    }

    /// Lets the next sends fail, without effect.
    pub fn fail_next(&self, times: u32) {
        self.0.fail_next(times);
    }
}

impl OrderQueue for FakeQueue {
    async fn send(&self, message: &OrderSubmitted) -> Result<(), StorageError> {
        self.0.send(message.clone())
    }
}

/// A pager that remembers the pages.
#[derive(Debug, Clone, Default)]
pub struct FakePager(Outbox<ParkedOrder>);

impl FakePager {
    /// The pages, oldest first.
    pub fn pages(&self) -> Vec<ParkedOrder> {
        self.0.sent()
    }

    /// Lets the next pages fail, without effect.
    pub fn fail_next(&self, times: u32) {
        self.0.fail_next(times);
    }
}

impl Pager for FakePager {
    async fn page(&self, parked: &ParkedOrder) -> Result<(), StorageError> {
        self.0.send(parked.clone())
    }
}

/// What a waiting step was sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Called {
    /// Its token.
    pub task_token: String,
    /// The answer: an output, or a failure.
    pub answer: Result<Value, Failure>,
}

/// Callbacks that remember who was sent what.
#[derive(Debug, Clone, Default)]
pub struct FakeCallbacks(Outbox<Called>);

impl FakeCallbacks {
    /// What was sent, oldest first.
    pub fn sent(&self) -> Vec<Called> {
        self.0.sent()
    }

    /// What counts for the step that waits with this token: the first answer.
    pub fn answer_to(&self, task_token: &str) -> Option<Result<Value, Failure>> {
        self.sent().into_iter().find(|called| called.task_token == task_token).map(|called| called.answer)
    }

    /// Lets the next sends fail, without effect.
    pub fn fail_next(&self, times: u32) {
        self.0.fail_next(times);
    }
}

impl Callbacks for FakeCallbacks {
    async fn succeed(&self, task_token: &str, output: &Value) -> Result<(), StorageError> {
        self.0.send(Called { task_token: task_token.to_owned(), answer: Ok(output.clone()) })
    }

    async fn fail(&self, task_token: &str, failure: &Failure) -> Result<(), StorageError> {
        self.0.send(Called { task_token: task_token.to_owned(), answer: Err(failure.clone()) })
    }
}

/// An execution that was started.
#[derive(Debug, Clone, PartialEq)]
pub struct StartedExecution {
    /// The workflow's name.
    pub workflow: String,
    /// The execution's name.
    pub name: String,
    /// What it was given.
    pub input: Value,
    /// Whether it still runs.
    pub running: bool,
}

/// A workflow service that starts every name once and runs nothing.
#[derive(Debug, Clone, Default)]
pub struct FakeExecutions {
    started: Arc<Mutex<Vec<StartedExecution>>>,
    failing: Arc<Mutex<u32>>,
}

impl FakeExecutions {
    /// Every execution, oldest first.
    pub fn started(&self) -> Vec<StartedExecution> {
        lock(&self.started).clone()
    }

    /// Ends an execution. Its name can't be started again.
    pub fn end(&self, name: &str) {
        for execution in lock(&self.started).iter_mut().filter(|execution| execution.name == name) {
            execution.running = false;
        }
    }

    /// Lets the next calls fail, without effect.
    pub fn fail_next(&self, times: u32) {
        *lock(&self.failing) = times;
    }

    fn answer(&self) -> Result<(), StorageError> {
        let mut failing = lock(&self.failing);
        if *failing == 0 {
            return Ok(());
        }
        *failing -= 1;
        Err(StorageError::Unavailable("told to fail".to_owned()))
    }
}

impl Executions for FakeExecutions {
    async fn start(&self, workflow: &str, name: &str, input: &Value) -> Result<(), StorageError> {
        self.answer()?;
        let mut started = lock(&self.started);
        if !started.iter().any(|execution| execution.workflow == workflow && execution.name == name) {
            started.push(StartedExecution {
                workflow: workflow.to_owned(),
                name: name.to_owned(),
                input: input.clone(),
                running: true,
            });
        }
        Ok(())
    }

    async fn state(&self, workflow: &str, name: &str) -> Result<ExecutionState, StorageError> {
        self.answer()?;
        let started = lock(&self.started);
        let found = started.iter().find(|execution| execution.workflow == workflow && execution.name == name);
        Ok(match found {
            None => ExecutionState::NotFound,
            Some(execution) if execution.running => ExecutionState::Running,
            Some(_) => ExecutionState::Ended,
        })
    }
}
