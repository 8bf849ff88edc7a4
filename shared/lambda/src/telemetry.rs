//! Logs: one JSON line per event on standard output, with the keys of Powertools for AWS Lambda.
//!
//! What belongs to an invocation (its request id, correlation id, cold start) lives in the invocation's span, never in a
//! global. Fields of the event and of all spans around it become top-level keys; where names collide, the innermost wins.

use crate::clock::SystemClock;
use crate::http::chain;
use jiff::Timestamp;
use serde_json::{Map, Value};
use std::error::Error;
use std::fmt;
use std::io::Write as _;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Metadata, Subscriber, span};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::{LookupSpan, Registry};

/// Libraries whose lines below a warning are about themselves, not about what the function decided.
const CHATTY: &[&str] = &["aws_", "h2", "hyper", "lambda_runtime", "reqwest", "rustls", "tokio", "tower"];

/// Sends every event to standard output from now on, and panics too. The level is `POWERTOOLS_LOG_LEVEL`, else
/// `LOG_LEVEL`, else `INFO`. A second call does nothing.
pub fn init() {
    let lines = JsonLines::from_env(print_line);
    if tracing::subscriber::set_global_default(Registry::default().with(lines)).is_ok() {
        std::panic::set_hook(Box::new(|panic| {
            let place = panic.location().map(ToString::to_string);
            tracing::error!(panic.location = place, "panicked: {}", panic_text(panic.payload()));
        }));
    }
}

/// The service's name in logs and metrics: `POWERTOOLS_SERVICE_NAME`.
pub(crate) fn service() -> String {
    variable("POWERTOOLS_SERVICE_NAME").unwrap_or_else(|| "service_undefined".into())
}

/// Which deployment this is, in logs and metrics: `STAGE`.
pub(crate) fn stage() -> Option<String> {
    variable("STAGE")
}

/// An environment variable, if it is set and not empty.
pub(crate) fn variable(key: &str) -> Option<String> {
    std::env::var(key).ok().filter(|value| !value.is_empty())
}

/// Writes a line in one piece, so that lines of concurrent invocations never mix.
pub(crate) fn print_line(line: &str) {
    // Where standard output is gone, nobody is left to be told.
    let _ = std::io::stdout().lock().write_all(format!("{line}\n").as_bytes());
}

/// The message of a panic.
pub(crate) fn panic_text(payload: &(dyn std::any::Any + Send)) -> &str {
    payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}

struct JsonLines<W> {
    max_level: LevelFilter,
    service: String,
    stage: Option<String>,
    function_name: Option<String>,
    function_memory_size: Option<u64>,
    write: W,
}

impl<W: Fn(&str) + 'static> JsonLines<W> {
    fn from_env(write: W) -> Self {
        Self {
            max_level: level(variable("POWERTOOLS_LOG_LEVEL").or_else(|| variable("LOG_LEVEL")).as_deref()),
            service: service(),
            stage: stage(),
            function_name: variable("AWS_LAMBDA_FUNCTION_NAME"),
            function_memory_size: variable("AWS_LAMBDA_FUNCTION_MEMORY_SIZE").and_then(|size| size.parse().ok()),
            write,
        }
    }

    fn line(&self, metadata: &Metadata<'_>, timestamp: String, mut fields: Map<String, Value>) -> String {
        let message = fields.remove("message").unwrap_or_default();
        let location = format!("{}:{}", metadata.module_path().unwrap_or(metadata.target()), metadata.line().unwrap_or_default());
        let mut head: Vec<(&str, Value)> = vec![
            ("level", metadata.level().as_str().into()),
            ("location", location.into()),
            ("message", message),
            ("timestamp", timestamp.into()),
            ("service", self.service.clone().into()),
        ];
        head.extend(self.stage.clone().map(|stage| ("stage", stage.into())));
        head.extend(self.function_name.clone().map(|name| ("function_name", name.into())));
        head.extend(self.function_memory_size.map(|size| ("function_memory_size", size.into())));
        let mut line = String::from("{");
        let known = |name: &str| head.iter().any(|(known, _)| *known == name);
        let members = head
            .iter()
            .map(|(name, value)| (*name, value))
            .chain(fields.iter().map(|(name, value)| (name.as_str(), value)).filter(|(name, _)| !known(name)));
        for (name, value) in members {
            if line.len() > 1 {
                line.push(',');
            }
            line.push_str(&Value::from(name).to_string());
            line.push(':');
            line.push_str(&value.to_string());
        }
        line.push('}');
        line
    }
}

/// Understands Powertools' names besides tracing's.
fn level(name: Option<&str>) -> LevelFilter {
    match name.map(str::to_ascii_uppercase).as_deref() {
        Some("TRACE") => LevelFilter::TRACE,
        Some("DEBUG") => LevelFilter::DEBUG,
        Some("WARN" | "WARNING") => LevelFilter::WARN,
        Some("ERROR" | "CRITICAL" | "FATAL") => LevelFilter::ERROR,
        _ => LevelFilter::INFO,
    }
}

impl<S, W> Layer<S> for JsonLines<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: Fn(&str) + 'static,
{
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        let chatty = || CHATTY.iter().any(|start| metadata.target().starts_with(start));
        *metadata.level() <= self.max_level && (*metadata.level() <= Level::WARN || !chatty())
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.max_level)
    }

    fn on_new_span(&self, attributes: &span::Attributes<'_>, id: &span::Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            let mut fields = Fields::default();
            attributes.record(&mut fields);
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &span::Id, values: &span::Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        for span in context.event_scope(event).into_iter().flat_map(|scope| scope.from_root()) {
            if let Some(outer) = span.extensions().get::<Fields>() {
                fields.0.extend(outer.0.clone());
            }
        }
        event.record(&mut fields);
        let timestamp = Timestamp::from_millisecond(SystemClock.now_ms()).map(|now| format!("{now:.3}")).unwrap_or_default();
        (self.write)(&self.line(event.metadata(), timestamp, fields.0));
    }
}

#[derive(Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn insert(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.insert(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.insert(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.insert(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.insert(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.insert(field, value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.insert(field, chain(value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.insert(field, format!("{value:?}"));
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    /// The lines that were logged, as JSON.
    #[derive(Clone, Default)]
    pub(crate) struct Captured(Arc<Mutex<Vec<String>>>);

    impl Captured {
        /// Sends this thread's events here until the guard goes.
        pub(crate) fn begin() -> (Self, tracing::subscriber::DefaultGuard) {
            let captured = Self::default();
            let into = captured.clone();
            let layer = JsonLines {
                max_level: LevelFilter::INFO,
                service: "checkout".into(),
                stage: Some("test".into()),
                function_name: Some("submit-checkout".into()),
                function_memory_size: Some(256),
                write: move |line: &str| into.0.lock().unwrap().push(line.to_owned()),
            };
            (captured, tracing::subscriber::set_default(Registry::default().with(layer)))
        }

        pub(crate) fn raw(&self) -> Vec<String> {
            self.0.lock().unwrap().clone()
        }

        pub(crate) fn lines(&self) -> Vec<Value> {
            self.raw().iter().map(|line| serde_json::from_str(line).unwrap()).collect()
        }
    }

    #[test]
    fn a_line_has_powertools_keys_first_and_all_fields_at_the_top() {
        let (captured, _guard) = Captured::begin();
        let outer = tracing::info_span!(
            "invocation",
            correlation_id = "c-1",
            cold_start = true,
            step = "outer",
            late = tracing::field::Empty
        );
        outer.in_scope(|| {
            outer.record("late", 7);
            tracing::info_span!("step", step = "authorize-payment").in_scope(|| {
                tracing::warn!(order.id = "ord_1", ms = 1.5, service = "forged", "declined: {}", "card \"1\"\n");
            });
        });
        let raw = captured.raw();
        assert!(raw[0].starts_with(r#"{"level":"WARN","location":"carryout_lambda::telemetry::tests:"#), "{}", raw[0]);
        assert!(!raw[0].contains('\n'));
        let line = &captured.lines()[0];
        assert_eq!(line["message"], "declined: card \"1\"\n");
        assert_eq!(
            (&line["service"], &line["stage"], &line["function_name"], &line["function_memory_size"]),
            (&"checkout".into(), &"test".into(), &"submit-checkout".into(), &256.into())
        );
        assert_eq!((&line["correlation_id"], &line["cold_start"], &line["late"]), (&"c-1".into(), &true.into(), &7.into()));
        assert_eq!((&line["order.id"], &line["step"], &line["ms"]), (&"ord_1".into(), &"authorize-payment".into(), &1.5.into()));
        let timestamp = line["timestamp"].as_str().unwrap();
        assert!(timestamp.len() == "2026-01-01T00:00:00.000Z".len() && timestamp.ends_with('Z'), "{timestamp}");
    }

    #[test]
    fn an_error_is_logged_with_its_sources() {
        let (captured, _guard) = Captured::begin();
        let cause = std::io::Error::other("connection refused");
        tracing::error!(error = &cause as &(dyn Error + 'static), "lookup failed");
        assert_eq!(captured.lines()[0]["error"], "connection refused");
    }

    #[test]
    fn libraries_are_heard_from_a_warning_on() {
        let (captured, _guard) = Captured::begin();
        tracing::info!(target: "hyper::client", "chatter");
        tracing::debug!("too fine");
        tracing::warn!(target: "hyper::client", "trouble");
        assert_eq!(captured.lines().len(), 1);
    }

    #[test]
    fn levels_have_powertools_names_too() {
        assert_eq!(level(Some("warning")), LevelFilter::WARN);
        assert_eq!(level(Some("CRITICAL")), LevelFilter::ERROR);
        assert_eq!(level(Some("nonsense")), LevelFilter::INFO);
        assert_eq!(level(None), LevelFilter::INFO);
    }
}
