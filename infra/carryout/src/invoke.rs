//! Invokes one deployed function.

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use local_cloud::{Project, Terminal, project};
use serde_json::Value;

use crate::lambda::Functions;

/// The answer of a function.
#[derive(Debug)]
pub struct Answer {
    /// What the function returned, or its error.
    pub payload: Value,
    /// Whether the function failed.
    pub is_error: bool,
    /// The end of its log, at most 4 KB; empty on clouds that return none.
    pub log: String,
}

/// Sends an event to an alias or a version of a function, and waits for the answer.
pub async fn invoke(project: &Project, terminal: &Terminal, function: &str, qualifier: &str, event: &Value) -> Result<Answer> {
    let functions = Functions::deployed(project, terminal).await?;
    let state = project.state_dir()?;
    // One file per process, so that two invocations do not mix.
    let (request, response) =
        (state.join(format!("event-{}.json", std::process::id())), state.join(format!("answer-{}.json", std::process::id())));
    project::write_atomically(&request, &serde_json::to_vec(event)?, 0o600)?;
    let payload = format!("fileb://{}", request.display());
    let file = response.display().to_string();
    let command = ["invoke", "--qualifier", qualifier, "--payload", &payload, "--log-type", "Tail", &file];
    let metadata = functions.call(function, &command);
    let answer = std::fs::read_to_string(&response);
    let _ = (std::fs::remove_file(&request), std::fs::remove_file(&response));
    let metadata = metadata?;
    let answer = answer.context("the AWS CLI wrote no answer")?;
    let log = metadata.get("LogResult").and_then(Value::as_str).unwrap_or_default();
    Ok(Answer {
        // A function may answer with nothing.
        payload: if answer.trim().is_empty() {
            Value::Null
        } else {
            serde_json::from_str(&answer).context("the answer is not JSON")?
        },
        is_error: metadata.get("FunctionError").is_some(),
        log: STANDARD.decode(log).map(|log| String::from_utf8_lossy(&log).into_owned()).unwrap_or_default(),
    })
}
