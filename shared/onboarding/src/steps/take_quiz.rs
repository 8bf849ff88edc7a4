//! take-quiz: a training with questions. Whoever does not pass takes it again.

use super::{Finding, Module};
use crate::{
    applicant::{Applicant, Collected, Datum},
    codes,
    form::{Field, Kind},
};
use carryout_environment::Failure;
use carryout_workflow::{Outcome, Progress};
use serde::Deserialize;
use serde_json::json;

pub(super) struct TakeQuiz;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    /// Which quiz: `food_safety`.
    quiz: String,
    /// The questions.
    questions: Vec<Question>,
    /// How many must be right.
    pass: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    /// As it is asked.
    text: String,
    /// What can be answered.
    choices: Vec<String>,
    /// The choice that is right. It is not part of the form.
    answer: String,
}

impl Settings {
    /// The field of each question, in their order.
    fn names(&self) -> impl Iterator<Item = String> {
        (1..=self.questions.len()).map(|number| format!("{}_{number}", self.quiz))
    }
}

impl Module for TakeQuiz {
    const NAME: &'static str = "take-quiz";
    const ACCEPTS_SKIPPED: bool = true;
    type Settings = Settings;

    fn fields(settings: &Settings) -> Vec<Field> {
        let of = |(name, question): (String, &Question)| Field::of(name, &question.text, Kind::Choice(question.choices.clone()));
        settings.names().zip(&settings.questions).map(of).collect()
    }

    fn finds(settings: &Settings) -> Vec<Finding> {
        vec![Finding::of(format!("{}_passed", settings.quiz), [true])]
    }

    fn decide(settings: &Settings, applicant: &Applicant) -> Outcome<Collected> {
        let is_right = |(name, question): &(String, &Question)| matches!(applicant.data.get(name), Some(Datum::Plain(given)) if given.as_str() == Some(&question.answer));
        let right = settings.names().zip(&settings.questions).filter(is_right).count();
        if right < settings.pass {
            return Outcome::Returned(Failure {
                code: codes::QUIZ_NOT_PASSED.name.to_owned(),
                message: format!("{right} of {} answers are right; {} are needed", settings.questions.len(), settings.pass),
                advice: codes::QUIZ_NOT_PASSED.advice.to_owned(),
            });
        }
        let response = Some(json!({ format!("{}_passed", settings.quiz): true }));
        Outcome::Done(Progress { reference: None, response, note: Collected::default() })
    }
}
