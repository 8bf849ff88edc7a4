//! What one tick does for one function.

use carryout_forecast::Setting;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::ports::{Reported, Status};
use crate::settings::Mode;

/// How long Lambda may take until environments are ready before somebody should look.
const PATIENCE: SignedDuration = SignedDuration::from_mins(10);
/// How long what worked last is kept after a setting failed.
const BACK_OFF: SignedDuration = SignedDuration::from_mins(15);
/// The bounds of Lambda for the maximum concurrency of an event source.
const CEILINGS: (u32, u32) = (2, 1_000);

/// What is done with a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It stays.
    Keep,
    /// It becomes this number; 0 deletes it.
    Set(u32),
    /// It would become this number, were plans carried out.
    WouldSet(u32),
}

/// What a tick found, decided and did for a function.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// The function.
    pub function: String,
    /// The tick.
    pub at: Timestamp,
    /// The mode at that time.
    pub mode: Mode,
    /// What Lambda reported before anything was done; absent where it could not be asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reported: Option<Reported>,
    /// The most environments in use at once in the last quarter of an hour; absent where nobody knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_use: Option<u32>,
    /// What the plan, or an operator, asks for now; absent where there is no plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wanted: Option<u32>,
    /// Until when an operator's number counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overridden_until: Option<Timestamp>,
    /// What was done.
    pub action: Action,
    /// The maximum concurrency of the function's queue, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ceiling: Option<u32>,
    /// The last number of environments that became ready.
    pub ready: u32,
    /// Since when environments are being made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub making_since: Option<Timestamp>,
    /// When a setting failed, until another one is tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed_at: Option<Timestamp>,
    /// What went wrong and what to do, one sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<String>,
}

/// What a decision about a setting rests on.
#[derive(Debug, Clone)]
pub(crate) struct Situation<'a> {
    pub(crate) function: &'a str,
    /// The tick.
    pub(crate) at: Timestamp,
    pub(crate) mode: Mode,
    /// What the plan says for now; it keeps every limit, and what is in use.
    pub(crate) wanted: Option<u32>,
    /// What Lambda reports; `None` where it could not be asked.
    pub(crate) reported: Option<Reported>,
    /// The most environments in use at once lately.
    pub(crate) in_use: Option<u32>,
    /// Until when an operator's number counts.
    pub(crate) overridden_until: Option<Timestamp>,
    /// The decision before.
    pub(crate) before: Option<&'a Decision>,
}

impl Decision {
    /// Decides what becomes of a setting.
    ///
    /// Where there is no plan or Lambda could not be asked, the setting stays. A setting that Lambda could not make goes back to
    /// what was ready last, and after a quarter of an hour the plan is tried again.
    pub(crate) fn make(situation: Situation<'_>) -> Self {
        let Situation { function, at, mode, wanted, reported, in_use, overridden_until, before } = situation;
        let status = reported.as_ref().map(|reported| reported.status);
        let requested = reported.as_ref().map_or(0, |reported| reported.requested);
        let mut decision = Self {
            function: function.to_owned(),
            at,
            mode,
            in_use,
            wanted,
            overridden_until,
            action: Action::Keep,
            ceiling: None,
            ready: before.map_or(0, |before| before.ready),
            making_since: before.and_then(|before| before.making_since).filter(|_| status == Some(Status::InProgress)),
            failed_at: before.and_then(|before| before.failed_at),
            problems: Vec::new(),
            reported,
        };
        let target = match (status, wanted) {
            (None, _) | (_, None) => None,
            (Some(Status::Failed), Some(wanted)) => decision.after_failure(wanted),
            (Some(Status::InProgress), Some(wanted)) => {
                let since = *decision.making_since.get_or_insert(at);
                if at.duration_since(since) >= PATIENCE {
                    decision.problems.push(format!(
                        "Lambda has been making {requested} environments since {since}; look at the account's concurrency"
                    ));
                }
                Some(wanted)
            }
            (Some(Status::Ready | Status::Unset), Some(wanted)) => {
                decision.ready = requested;
                decision.after_backing_off(wanted)
            }
        };
        decision.action = match (target, mode) {
            (Some(target), Mode::Apply) if target != requested || status == Some(Status::Failed) => Action::Set(target),
            (Some(target), Mode::ForecastOnly) if target != requested => Action::WouldSet(target),
            _ => Action::Keep,
        };
        decision
    }

    fn after_failure(&mut self, wanted: u32) -> Option<u32> {
        let reason = self.reported.as_ref().and_then(|reported| reported.reason.clone()).unwrap_or_default();
        let requested = self.reported.as_ref().map_or(0, |reported| reported.requested);
        self.failed_at = Some(self.at);
        let floor = self.in_use.unwrap_or(requested).min(requested);
        // What was ready last may be what fails now, and then only the plan can tell what else to try.
        let safe = if self.ready == requested { wanted } else { self.ready.max(floor) };
        self.problems.push(format!("Lambda could not make {requested} environments ({reason}); {safe} is tried instead"));
        Some(safe)
    }

    fn after_backing_off(&mut self, wanted: u32) -> Option<u32> {
        let is_backing_off = self.failed_at.is_some_and(|failed| self.at.duration_since(failed) < BACK_OFF);
        if is_backing_off && self.overridden_until.is_none() && wanted > self.ready {
            return Some(self.ready);
        }
        self.failed_at = None;
        Some(wanted)
    }

    /// What the action says to Lambda.
    pub(crate) fn setting(&self) -> Option<Setting> {
        match self.action {
            Action::Set(0) => Some(Setting::Delete),
            Action::Set(count) => Some(Setting::Provision(count)),
            Action::Keep | Action::WouldSet(_) => None,
        }
    }

    /// The maximum concurrency that the queue of a function should have: twice what is wanted or in use, so that a backlog
    /// drains and a forecast that was too low is outgrown tick by tick. `None` to leave it: nothing is wanted, or it would sink
    /// while nobody knows what is in use.
    pub(crate) fn ceiling_for(&self, now: Option<u32>, max: u32) -> Option<u32> {
        let (least, most) = CEILINGS;
        let busy = self.wanted?.max(self.in_use.unwrap_or(0)).saturating_mul(2);
        let ceiling = busy.min(max).clamp(least, most);
        let sinks = now.is_none_or(|now| ceiling < now);
        (Some(ceiling) != now && (self.in_use.is_some() || !sinks)).then_some(ceiling)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REASON: &str = "no concurrency left";

    fn at(minutes: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minutes)
    }

    fn reported(requested: u32, status: Status) -> Reported {
        let reason = (status == Status::Failed).then(|| REASON.to_owned());
        Reported { requested, allocated: if status == Status::Ready { requested } else { 0 }, status, reason }
    }

    fn decide(minutes: i64, wanted: Option<u32>, reported: Option<Reported>, before: Option<&Decision>) -> Decision {
        let (function, mode, in_use) = ("submit-checkout", Mode::Apply, Some(1));
        Decision::make(Situation { function, at: at(minutes), mode, wanted, reported, in_use, overridden_until: None, before })
    }

    #[test]
    fn the_plan_is_set_and_zero_deletes() {
        assert_eq!(decide(0, Some(7), Some(Reported::UNSET), None).setting(), Some(Setting::Provision(7)));
        assert_eq!(decide(0, Some(0), Some(reported(7, Status::Ready)), None).setting(), Some(Setting::Delete));
        assert_eq!(decide(0, Some(7), Some(reported(7, Status::Ready)), None).action, Action::Keep);
        assert_eq!(decide(0, Some(0), Some(Reported::UNSET), None).action, Action::Keep);
    }

    #[test]
    fn without_a_plan_or_an_answer_of_lambda_the_setting_stays() {
        assert_eq!(decide(0, None, Some(reported(7, Status::Ready)), None).action, Action::Keep);
        assert_eq!(decide(0, Some(3), None, None).action, Action::Keep);
    }

    #[test]
    fn what_is_not_ready_after_ten_minutes_is_a_problem() {
        let making = Some(reported(7, Status::InProgress));
        let first = decide(5, Some(7), making.clone(), None);
        let second = decide(10, Some(7), making.clone(), Some(&first));
        let third = decide(15, Some(7), making, Some(&second));
        assert_eq!((first.problems.len(), second.problems.len(), third.problems.len()), (0, 0, 1));
        let ready = decide(20, Some(7), Some(reported(7, Status::Ready)), Some(&third));
        assert_eq!((ready.ready, ready.making_since, ready.problems.len()), (7, None, 0));
    }

    #[test]
    fn a_setting_that_fails_goes_back_to_what_was_ready_and_is_tried_again_later() {
        let ready = decide(0, Some(4), Some(reported(4, Status::Ready)), None);
        let failed = decide(5, Some(9), Some(reported(9, Status::Failed)), Some(&ready));
        assert_eq!(failed.action, Action::Set(4));
        assert!(failed.problems[0].contains(REASON), "{:?}", failed.problems);
        let waiting = decide(10, Some(9), Some(reported(4, Status::Ready)), Some(&failed));
        assert_eq!((waiting.action, waiting.failed_at), (Action::Keep, Some(at(5))));
        let again = decide(20, Some(9), Some(reported(4, Status::Ready)), Some(&waiting));
        assert_eq!((again.action, again.failed_at), (Action::Set(9), None));
    }

    #[test]
    fn while_backing_off_a_lower_plan_counts() {
        let ready = decide(0, Some(4), Some(reported(4, Status::Ready)), None);
        let failed = decide(5, Some(9), Some(reported(9, Status::Failed)), Some(&ready));
        let lower = decide(10, Some(2), Some(reported(4, Status::Ready)), Some(&failed));
        assert_eq!(lower.action, Action::Set(2));
    }

    #[test]
    fn plans_that_are_not_carried_out_say_what_would_be_set() {
        let situation = |mode| Situation {
            function: "submit-checkout",
            at: at(0),
            mode,
            wanted: Some(7),
            reported: Some(Reported::UNSET),
            in_use: None,
            overridden_until: None,
            before: None,
        };
        let decision = Decision::make(situation(Mode::ForecastOnly));
        assert_eq!((decision.action, decision.setting()), (Action::WouldSet(7), None));
    }

    #[test]
    fn a_queues_ceiling_outgrows_a_forecast_and_sinks_only_when_use_is_known() {
        let decision = |wanted, in_use| Decision { wanted, in_use, ..decide(0, None, None, None) };
        assert_eq!(decision(Some(5), Some(3)).ceiling_for(None, 100), Some(10));
        assert_eq!(decision(Some(0), Some(10)).ceiling_for(Some(10), 100), Some(20));
        assert_eq!(decision(Some(0), Some(0)).ceiling_for(Some(10), 100), Some(2));
        assert_eq!(decision(Some(0), None).ceiling_for(Some(10), 100), None);
        assert_eq!(decision(Some(9), None).ceiling_for(Some(10), 100), Some(18));
        assert_eq!(decision(Some(9), Some(90)).ceiling_for(Some(10), 100), Some(100));
        assert_eq!(decision(None, Some(9)).ceiling_for(Some(10), 100), None);
        assert_eq!(decision(Some(5), Some(3)).ceiling_for(Some(10), 100), None);
    }
}
