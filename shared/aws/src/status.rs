use crate::{
    Aws, ledgers, now,
    transaction::{number, refused_update, text, updated, value},
};
use aws_sdk_dynamodb::{Client, operation::update_item::builders::UpdateItemFluentBuilder};
use carryout_checkout::{
    order::Order,
    ports::{OrderNote, Refused},
    refund::OrderRefund,
};
use carryout_environment::{Failure, StorageError};
use carryout_workflow::{Claim, ClaimRefused, Direction, Progress, Release, StatusStore, StepState, Subject, UndoStore};
use serde::de::DeserializeOwned;
use std::marker::PhantomData;

/// Status maps of orders, or of other subjects with the same fields: each method is one conditional update of the item.
#[derive(Clone)]
pub struct DynamoStatusStore<S = Order> {
    client: Client,
    table: String,
    of: PhantomData<fn() -> S>,
}

impl<S: ItemNote> DynamoStatusStore<S> {
    /// IAM actions on the subjects' table.
    pub const ACTIONS: &'static [&'static str] = &["dynamodb:UpdateItem"];

    /// On the subjects' table.
    pub fn new(aws: &Aws, table: impl Into<String>) -> Self {
        Self { client: aws.dynamodb(), table: table.into(), of: PhantomData }
    }

    /// An update of the order and of one step's entry, with what every one of them has in common.
    fn update(&self, claim: &Claim) -> UpdateItemFluentBuilder {
        self.client
            .update_item()
            .table_name(&self.table)
            .key("id", text(&claim.id))
            .expression_attribute_names("#step", &claim.step)
            .expression_attribute_names("#version", "version")
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":now", number(now()))
            .expression_attribute_values(":run", number(claim.run))
            .expression_attribute_values(":lease", number(claim.lease_until))
    }

    /// Turns the direction although a lease refuses the claim, so that nobody goes forward any more.
    async fn turn(&self, claim: &Claim, reason: Option<&Failure>) -> Result<(), StorageError> {
        let mut set = "SET direction = :undo, updated_at = :now, #version = #version + :one".to_owned();
        let mut update = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("id", text(&claim.id))
            .expression_attribute_names("#version", "version")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":now", number(now()))
            .expression_attribute_values(":run", number(claim.run))
            .expression_attribute_values(":undo", value(&Direction::Undo)?)
            .condition_expression(format!("run = :run AND {IS_OPEN}"));
        if let Some(reason) = reason {
            set.push_str(", failure = if_not_exists(failure, :reason)");
            update = update.expression_attribute_values(":reason", value(reason)?);
        }
        match open(update).update_expression(set).send().await.map_err(refused_update::<S>) {
            // Refused: it was closed or superseded meanwhile; there is nothing to turn.
            Ok(_) | Err(Refused::ConditionFailed(_)) => Ok(()),
            Err(Refused::Storage(error)) => Err(error),
            Err(_) => Err(StorageError::Unavailable("somebody else writes this order".to_owned())),
        }
    }
}

/// The condition that an order is open; its values come with [`open`].
pub(crate) const IS_OPEN: &str = "#status IN (:submitted, :processing)";

/// The condition that a step of the order may begin: it is open, moves forward, and nobody asked to cancel it. Its values
/// are those of [`IS_OPEN`] and `:forward`.
pub(crate) const MAY_BEGIN: &str =
    "direction = :forward AND #status IN (:submitted, :processing) AND attribute_not_exists(cancel_requested_at)";

/// The condition that this claim still holds the entry.
const HOLDS: &str = "steps.#step.lease_until = :lease AND steps.#step.run = :run";

/// The values of [`IS_OPEN`].
pub(crate) fn open(update: UpdateItemFluentBuilder) -> UpdateItemFluentBuilder {
    update
        .expression_attribute_values(":submitted", text("SUBMITTED"))
        .expression_attribute_values(":processing", text("PROCESSING"))
}

/// What is kept with a status map, and what steps write together with an entry.
pub trait ItemNote: Subject + DeserializeOwned + Send + Sync + 'static {
    /// What is written with an entry.
    type Note: Default + Send + Sync;

    /// Adds what a note carries to an update.
    ///
    /// # Errors
    ///
    /// Where it can't be written down.
    fn with_note(
        update: UpdateItemFluentBuilder,
        written: &mut Written,
        note: &Self::Note,
    ) -> Result<UpdateItemFluentBuilder, StorageError>;
}

/// The clauses of an update expression.
#[derive(Debug)]
pub struct Written {
    set: String,
    add: Option<&'static str>,
    remove: Vec<&'static str>,
}

impl Written {
    /// Assignments, without the word `SET`.
    pub(crate) fn set(assignments: &str) -> Self {
        Self { set: assignments.to_owned(), add: None, remove: Vec::new() }
    }

    /// One assignment more.
    pub(crate) fn and_set(&mut self, assignment: &str) {
        self.set.push_str(", ");
        self.set.push_str(assignment);
    }

    /// What is removed, too.
    pub(crate) fn and_remove(&mut self, paths: &[&'static str]) {
        self.remove.extend(paths);
    }

    /// The expression.
    pub(crate) fn expression(&self) -> String {
        let mut expression = format!("SET {}", self.set);
        for (clause, paths) in [("ADD", self.add.map_or(String::new(), str::to_owned)), ("REMOVE", self.remove.join(", "))] {
            if !paths.is_empty() {
                expression.push_str(&format!(" {clause} {paths}"));
            }
        }
        expression
    }
}

impl ItemNote for Order {
    type Note = OrderNote;

    fn with_note(
        update: UpdateItemFluentBuilder,
        written: &mut Written,
        note: &OrderNote,
    ) -> Result<UpdateItemFluentBuilder, StorageError> {
        with_order_note(update, written, note)
    }
}

impl ItemNote for OrderRefund {
    type Note = OrderNote;

    fn with_note(
        update: UpdateItemFluentBuilder,
        written: &mut Written,
        note: &OrderNote,
    ) -> Result<UpdateItemFluentBuilder, StorageError> {
        with_order_note(update, written, note)
    }
}

fn with_order_note(
    mut update: UpdateItemFluentBuilder,
    written: &mut Written,
    note: &OrderNote,
) -> Result<UpdateItemFluentBuilder, StorageError> {
    if !note.flags.is_empty() {
        written.and_set("flags = list_append(flags, :flags)");
        update = update.expression_attribute_values(":flags", value(&note.flags)?);
    }
    if !note.ledger.is_empty() {
        written.and_set("ledger = list_append(ledger, :ledger)");
        written.add = Some("#told :told");
        update = update
            .expression_attribute_names("#told", ledgers::TOLD)
            .expression_attribute_values(":told", ledgers::names(&note.ledger))
            .expression_attribute_values(":ledger", value(&note.ledger)?);
    }
    Ok(update)
}

/// Sends an update whose condition is that the claim still holds.
async fn send_held<S: DeserializeOwned>(update: UpdateItemFluentBuilder, written: &Written) -> Result<(), StorageError> {
    match update.update_expression(written.expression()).send().await.map_err(refused_update::<S>) {
        Ok(_) => Ok(()),
        Err(Refused::ConditionFailed(_) | Refused::NotFound | Refused::Other) => Err(StorageError::ClaimLost),
        Err(Refused::Conflict) => Err(StorageError::Unavailable("somebody else writes this order".to_owned())),
        Err(Refused::Storage(error)) => Err(error),
    }
}

fn claim_refused<S: Subject>(refused: Refused<S>, step: &str) -> ClaimRefused<S> {
    match refused {
        Refused::ConditionFailed(order) if order.status().entry(step).is_none() => ClaimRefused::NotFound,
        Refused::ConditionFailed(order) => ClaimRefused::ConditionFailed(order),
        Refused::NotFound | Refused::Other => ClaimRefused::NotFound,
        Refused::Conflict => ClaimRefused::Storage(StorageError::Unavailable("somebody else writes this order".to_owned())),
        Refused::Storage(error) => ClaimRefused::Storage(error),
    }
}

impl<S: ItemNote> StatusStore for DynamoStatusStore<S> {
    type Subject = S;
    type Note = S::Note;

    async fn claim(&self, claim: &Claim, note: &S::Note) -> Result<S, ClaimRefused<S>> {
        let mut written = Written::set(
            "#status = :processing, updated_at = :now, #version = #version + :one, steps.#step.#state = :running, \
             steps.#step.run = :run, steps.#step.lease_until = :lease, steps.#step.sent_at = :now, \
             steps.#step.attempts = steps.#step.attempts + :one",
        );
        let mut prepared = || -> Result<UpdateItemFluentBuilder, StorageError> {
            let update = open(self.update(claim))
                .expression_attribute_names("#status", "status")
                .expression_attribute_names("#state", "state")
                .expression_attribute_values(":forward", value(&Direction::Forward)?)
                .expression_attribute_values(":pending", value(&StepState::Pending)?)
                .expression_attribute_values(":running", value(&StepState::Running)?)
                .condition_expression(format!(
                    "run = :run AND {MAY_BEGIN} AND steps.#step.#state IN (:pending, :running) AND steps.#step.lease_until <= :now"
                ));
            S::with_note(update, &mut written, note)
        };
        let update = prepared()?.update_expression(written.expression());
        updated(update).await.map_err(|refused| claim_refused(refused, &claim.step))
    }

    async fn remember(&self, claim: &Claim, reference: &str, note: &S::Note) -> Result<(), StorageError> {
        let mut written = Written::set("steps.#step.#reference = :reference, updated_at = :now, #version = #version + :one");
        let update = self
            .update(claim)
            .expression_attribute_names("#reference", "reference")
            .expression_attribute_values(":reference", text(reference))
            .condition_expression(HOLDS);
        let update = S::with_note(update, &mut written, note)?;
        send_held::<S>(update, &written).await
    }

    async fn complete(&self, claim: &Claim, state: StepState, progress: &Progress<S::Note>) -> Result<(), StorageError> {
        let mut written = Written::set(
            "steps.#step.#state = :state, steps.#step.lease_until = :nobody, updated_at = :now, #version = #version + :one",
        );
        let mut update = self
            .update(claim)
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":state", value(&state)?)
            .expression_attribute_values(":nobody", number(0))
            .condition_expression(HOLDS);
        if state == StepState::Waiting {
            written.and_remove(&["steps.#step.ended_at"]);
        } else {
            written.and_set("steps.#step.ended_at = :now");
        }
        if let Some(reference) = &progress.reference {
            written.and_set("steps.#step.#reference = :reference");
            update = update
                .expression_attribute_names("#reference", "reference")
                .expression_attribute_values(":reference", text(reference));
        }
        if let Some(response) = &progress.response {
            written.and_set("steps.#step.#response = :response");
            update = update
                .expression_attribute_names("#response", "response")
                .expression_attribute_values(":response", value(response)?);
        }
        let update = S::with_note(update, &mut written, &progress.note)?;
        written.and_remove(&["steps.#step.failure"]);
        send_held::<S>(update, &written).await
    }

    async fn release(&self, claim: &Claim, failure: &Failure, release: Release) -> Result<(), StorageError> {
        let mut written = Written::set(
            "steps.#step.failure = :failure, steps.#step.lease_until = :nobody, updated_at = :now, #version = #version + :one",
        );
        let mut update = self
            .update(claim)
            .expression_attribute_values(":failure", value(failure)?)
            .expression_attribute_values(":nobody", number(0))
            .condition_expression(HOLDS);
        let state = match release {
            Release::Retry => None,
            Release::Refused => Some(StepState::Failed),
            Release::CorrectionRequested => Some(StepState::Pending),
        };
        if let Some(state) = state {
            written.and_set("steps.#step.#state = :state");
            written.and_set("steps.#step.key_version = steps.#step.key_version + :one");
            update = update.expression_attribute_names("#state", "state").expression_attribute_values(":state", value(&state)?);
        }
        if release == Release::Refused {
            written.and_set("steps.#step.ended_at = :now");
        }
        send_held::<S>(update, &written).await
    }
}

impl<S: ItemNote> UndoStore for DynamoStatusStore<S> {
    async fn claim_undo(&self, claim: &Claim, reason: Option<&Failure>) -> Result<S, ClaimRefused<S>> {
        let mut set = "SET direction = :undo, #status = :processing, updated_at = :now, #version = #version + :one, \
             steps.#step.#undo = :running, steps.#step.run = :run, steps.#step.lease_until = :lease, \
             steps.#step.undo_attempts = steps.#step.undo_attempts + :one"
            .to_owned();
        let mut prepared = || -> Result<UpdateItemFluentBuilder, StorageError> {
            let mut update = open(self.update(claim))
                .expression_attribute_names("#status", "status")
                .expression_attribute_names("#undo", "undo")
                .expression_attribute_values(":undo", value(&Direction::Undo)?)
                .expression_attribute_values(":running", text("RUNNING"))
                .expression_attribute_values(":done", text("DONE"))
                .condition_expression(format!(
                    "run = :run AND {IS_OPEN} AND steps.#step.#undo <> :done AND steps.#step.lease_until <= :now"
                ));
            if let Some(reason) = reason {
                set.push_str(", failure = if_not_exists(failure, :reason)");
                update = update.expression_attribute_values(":reason", value(reason)?);
            }
            Ok(update)
        };
        let update = prepared()?.update_expression(set);
        let refused = match updated(update).await {
            Ok(subject) => return Ok(subject),
            Err(refused) => refused,
        };
        if let Refused::ConditionFailed(order) = &refused {
            let forward = order.direction() == Direction::Forward && order.run() == claim.run && !order.is_closed();
            if forward && order.status().entry(&claim.step).is_some() {
                self.turn(claim, reason).await?;
            }
        }
        Err(claim_refused(refused, &claim.step))
    }

    async fn complete_undo(&self, claim: &Claim, note: &S::Note) -> Result<(), StorageError> {
        let mut written = Written::set(
            "steps.#step.#undo = :done, steps.#step.lease_until = :nobody, steps.#step.ended_at = :now, \
             updated_at = :now, #version = #version + :one",
        );
        let update = self
            .update(claim)
            .expression_attribute_names("#undo", "undo")
            .expression_attribute_values(":done", text("DONE"))
            .expression_attribute_values(":nobody", number(0))
            .condition_expression(HOLDS);
        let update = S::with_note(update, &mut written, note)?;
        send_held::<S>(update, &written).await
    }

    async fn release_undo(&self, claim: &Claim, failure: &Failure) -> Result<(), StorageError> {
        let written = Written::set(
            "steps.#step.failure = :failure, steps.#step.lease_until = :nobody, updated_at = :now, #version = #version + :one",
        );
        let update = self
            .update(claim)
            .expression_attribute_values(":failure", value(failure)?)
            .expression_attribute_values(":nobody", number(0))
            .condition_expression(HOLDS);
        send_held::<S>(update, &written).await
    }
}
