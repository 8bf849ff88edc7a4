//! take-quiz: a training with questions. Whoever does not pass takes it again.

use super::{Finding, Module};
use crate::{
    applicant::{Applicant, Collected, Datum},
    codes,
    form::{Field, Kind},
};
use carryout_workflow::{Failure, Outcome, Progress};
use serde::Deserialize;
use serde_json::{Value, json};

pub(super) struct TakeQuiz;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    /// Which quiz: `food_safety`.
    quiz: String,
    /// The right answers.
    answers: Vec<String>,
    /// How many must be right.
    pass: usize,
}

impl Module for TakeQuiz {
    const NAME: &'static str = "take-quiz";
    const ACCEPTS_SKIPPED: bool = true;
    type Settings = Settings;

    fn fields(settings: &Settings) -> Vec<Field> {
        vec![Field::of(format!("{}_answers", settings.quiz), "Answers", Kind::Texts(settings.answers.len()))]
    }

    fn finds(settings: &Settings) -> Vec<Finding> {
        vec![Finding::of(format!("{}_passed", settings.quiz), [true])]
    }

    fn decide(settings: &Settings, applicant: &Applicant) -> Outcome<Collected> {
        let given = match applicant.data.get(&format!("{}_answers", settings.quiz)) {
            Some(Datum::Plain(Value::Array(given))) => given.as_slice(),
            _ => &[],
        };
        let right = settings.answers.iter().zip(given).filter(|(answer, given)| Some(answer.as_str()) == given.as_str()).count();
        if right < settings.pass {
            return Outcome::Returned(Failure {
                code: codes::QUIZ_NOT_PASSED.name.to_owned(),
                message: format!("{right} of {} answers are right; {} are needed", settings.answers.len(), settings.pass),
                advice: codes::QUIZ_NOT_PASSED.advice.to_owned(),
            });
        }
        let response = Some(json!({ format!("{}_passed", settings.quiz): true }));
        Outcome::Done(Progress { reference: None, response, note: Collected::default() })
    }
}
