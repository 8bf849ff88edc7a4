//! take-quiz: a training with questions. An applicant who does not pass takes it again.

use super::module::{LegacyNames, StepInfo, StepModule, StepOutput};
use crate::{
    applicant::{Applicant, Collected, Datum},
    form::{Field, Kind},
};
use carryout_environment::{ErrorCode, Failure};
use carryout_workflow::{Outcome, Progress};
use serde::Deserialize;
use serde_json::json;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TakeQuiz {
    /// The quiz: `food_safety`.
    quiz: String,
    /// The questions.
    questions: Vec<Question>,
    /// The number of right answers that pass.
    pass: usize,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    /// The question.
    text: String,
    /// The answers to choose from.
    choices: Vec<String>,
    /// The right answer. It is not part of the form.
    answer: String,
}

pub(super) const INFO: StepInfo = StepInfo {
    accepts_skipped: true,
    codes: &[QUIZ_NOT_PASSED],
    legacy: Some(LegacyNames { flag: "quiz_passed", step: "QUIZ" }),
    ..StepInfo::of::<TakeQuiz>("take-quiz")
};

/// Too few answers are right.
pub const QUIZ_NOT_PASSED: ErrorCode = ErrorCode::permanent("Quiz.NotPassed", "Read the training again and take the quiz again.");

impl TakeQuiz {
    /// The field of each question, in their order.
    fn names(&self) -> impl Iterator<Item = String> {
        (1..=self.questions.len()).map(|number| format!("{}_{number}", self.quiz))
    }

    /// The output that says that the quiz is passed.
    fn passed(&self) -> String {
        format!("{}_passed", self.quiz)
    }
}

impl StepModule for TakeQuiz {
    fn fields(&self) -> Vec<Field> {
        let field =
            |(name, question): (String, &Question)| Field::of(name, &question.text, Kind::Choice(question.choices.clone()));
        self.names().zip(&self.questions).map(field).collect()
    }

    fn outputs(&self) -> Vec<StepOutput> {
        vec![StepOutput::of(self.passed(), [true])]
    }

    fn decide(&self, applicant: &Applicant) -> Outcome<Collected> {
        let is_right = |(name, question): &(String, &Question)| matches!(applicant.data.get(name), Some(Datum::Plain(given)) if given.as_str() == Some(&question.answer));
        let right = self.names().zip(&self.questions).filter(is_right).count();
        if right < self.pass {
            return Outcome::CorrectionRequested(Failure {
                code: QUIZ_NOT_PASSED.name.to_owned(),
                message: format!("{right} of {} answers are right; {} are needed", self.questions.len(), self.pass),
                advice: QUIZ_NOT_PASSED.advice.to_owned(),
            });
        }
        let response = Some(json!({ self.passed(): true }));
        Outcome::Done(Progress { reference: None, response, note: Collected::default() })
    }
}
