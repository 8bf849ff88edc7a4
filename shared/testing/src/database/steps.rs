use super::{
    Store, busy,
    subject::{SubjectRecord, entry_mut, may_begin, take_note, touch},
};
use carryout_checkout::ports::OrderNote;
use carryout_environment::{Failure, StorageError};
use carryout_workflow::{Claim, ClaimRefused, Direction, Progress, Release, StatusStore, StepState, UndoState, UndoStore};

impl<S: SubjectRecord> StatusStore for Store<S> {
    type Subject = S;
    type Note = OrderNote;

    async fn claim(&self, claim: &Claim, note: &OrderNote) -> Result<S, ClaimRefused<S>> {
        self.write(
            "claim",
            || busy().into(),
            |state, now| {
                let order = state.kept::<S>(&claim.id).ok_or(ClaimRefused::NotFound)?;
                let entry = order.status().entry(&claim.step).ok_or(ClaimRefused::NotFound)?;
                let free = matches!(entry.state, StepState::Pending | StepState::Running) && !entry.is_leased(now);
                if !free || !may_begin(order, claim.run) {
                    return Err(ClaimRefused::ConditionFailed(Box::new(order.clone())));
                }
                if let Some(entry) = entry_mut(order, &claim.step) {
                    entry.begin(claim, now);
                }
                order.proceed();
                take_note(order, note);
                touch(order, now);
                Ok(order.clone())
            },
        )
        .await
    }

    async fn remember(&self, claim: &Claim, reference: &str, note: &OrderNote) -> Result<(), StorageError> {
        self.held("remember", claim, |order, _| {
            if let Some(entry) = entry_mut(order, &claim.step) {
                entry.reference = Some(reference.to_owned());
            }
            take_note(order, note);
        })
        .await
    }

    async fn complete(&self, claim: &Claim, state: StepState, progress: &Progress<OrderNote>) -> Result<(), StorageError> {
        self.held("complete", claim, |order, now| {
            if let Some(entry) = entry_mut(order, &claim.step) {
                entry.end(state, progress, now);
            }
            take_note(order, &progress.note);
        })
        .await
    }

    async fn release(&self, claim: &Claim, failure: &Failure, release: Release) -> Result<(), StorageError> {
        self.held("release", claim, |order, now| {
            if let Some(entry) = entry_mut(order, &claim.step) {
                entry.release(failure, release, now);
            }
        })
        .await
    }
}

impl<S: SubjectRecord> UndoStore for Store<S> {
    async fn claim_undo(&self, claim: &Claim, reason: Option<&Failure>) -> Result<S, ClaimRefused<S>> {
        self.write(
            "claim_undo",
            || busy().into(),
            |state, now| {
                let order = state.kept::<S>(&claim.id).ok_or(ClaimRefused::NotFound)?;
                let entry = order.status().entry(&claim.step).ok_or(ClaimRefused::NotFound)?;
                let free = entry.undo != UndoState::Done && !entry.is_leased(now);
                if order.is_closed() || order.run() != claim.run {
                    return Err(ClaimRefused::ConditionFailed(Box::new(order.clone())));
                }
                // From here on nobody goes forward any more, even where a lease refuses the claim.
                let turns = order.direction() == Direction::Forward;
                let moving = order.saga_fields();
                *moving.direction = Direction::Undo;
                if free || turns {
                    *moving.failure = moving.failure.take().or_else(|| reason.cloned());
                    touch(order, now);
                }
                if !free {
                    return Err(ClaimRefused::ConditionFailed(Box::new(order.clone())));
                }
                if let Some(entry) = entry_mut(order, &claim.step) {
                    entry.undo = UndoState::Running;
                    entry.run = claim.run;
                    entry.lease_until = claim.lease_until;
                    entry.undo_attempts += 1;
                }
                order.proceed();
                Ok(order.clone())
            },
        )
        .await
    }

    async fn complete_undo(&self, claim: &Claim, note: &OrderNote) -> Result<(), StorageError> {
        self.held("complete_undo", claim, |order, now| {
            if let Some(entry) = entry_mut(order, &claim.step) {
                entry.undo = UndoState::Done;
                entry.lease_until = 0;
                entry.ended_at = Some(now);
            }
            take_note(order, note);
        })
        .await
    }

    async fn release_undo(&self, claim: &Claim, failure: &Failure) -> Result<(), StorageError> {
        self.held("release_undo", claim, |order, _| {
            if let Some(entry) = entry_mut(order, &claim.step) {
                entry.failure = Some(failure.clone());
                entry.lease_until = 0;
            }
        })
        .await
    }
}
