//! The sandbox through its public interface, on documents in memory, with a clock that only the sandbox advances.

mod books;
mod faults;
mod fraud;
mod legacy;
mod logistics;
mod merchant;
mod payment;

use crate::callbacks::{AddressPattern, Callback, CallbackError, Callbacks, NoAnswer, Outbound, Time};
use crate::documents::MemoryDocuments;
use crate::{Ports, Sandbox, Settings};
use carryout_environment::Clock;
use carryout_lambda::batch::{BatchItemError, Message};
use carryout_lambda::http::Request;
use carryout_lambda::signature::KeyRing;
use carryout_lambda::testing::{AUDIENCE, ISSUER, SigningKey};
use carryout_lambda::token::{JwksError, JwksSource, TokenAlgorithm, TokenVerifier};
use serde_json::{Value, json};
use std::sync::{Arc, LazyLock, Mutex};

const START_MS: i64 = 1_800_000_000_000;
const CALLBACK_URL: &str = "https://api.example.com/v1/webhooks/merchants";

static OPERATOR_KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::new("k"));

#[derive(Clone)]
struct TestPorts;

impl Ports for TestPorts {
    type Documents = MemoryDocuments;
    type Callbacks = World;
    type Outbound = World;
    type Time = World;
    type Jwks = World;
}

/// A posted answer: address, headers, body.
type Posted = (String, Vec<(String, String)>, String);

/// Fakes of the clock, the queue and the receivers.
#[derive(Clone, Default)]
struct World(Arc<Mutex<Inside>>);

#[derive(Default)]
struct Inside {
    passed_ms: i64,
    sleeps: Vec<u64>,
    scheduled: Vec<(Callback, u32)>,
    posted: Vec<Posted>,
    /// The status of the receiver of answers; unreachable if none.
    receiver: Option<u16>,
}

impl World {
    fn inside<R>(&self, act: impl FnOnce(&mut Inside) -> R) -> R {
        act(&mut self.0.lock().unwrap())
    }
}

impl Time for World {
    fn now_ms(&self) -> i64 {
        START_MS + self.inside(|inside| inside.passed_ms)
    }

    async fn sleep(&self, milliseconds: u64) {
        self.inside(|inside| {
            inside.sleeps.push(milliseconds);
            inside.passed_ms += i64::try_from(milliseconds).unwrap();
        });
    }
}

impl Clock for World {
    fn now(&self) -> i64 {
        self.now_ms()
    }
}

impl Callbacks for World {
    async fn schedule(&self, callback: &Callback, delay_seconds: u32) -> Result<(), CallbackError> {
        self.inside(|inside| inside.scheduled.push((callback.clone(), delay_seconds)));
        Ok(())
    }
}

impl Outbound for World {
    async fn post(&self, url: &str, headers: &[(&str, String)], body: String) -> Result<u16, NoAnswer> {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        self.inside(|inside| {
            inside.posted.push((url.to_owned(), headers, body));
            inside.receiver.ok_or_else(|| NoAnswer("connection refused".into()))
        })
    }
}

impl JwksSource for World {
    async fn fetch(&self) -> Result<Value, JwksError> {
        Ok(json!({ "keys": [OPERATOR_KEY.jwk()] }))
    }
}

fn keys() -> KeyRing {
    KeyRing::new("webhook secret", None)
}

fn token(roles: &[&str]) -> String {
    let expires = START_MS / 1_000 + 86_400;
    OPERATOR_KEY.token(&json!({ "iss": ISSUER, "aud": AUDIENCE, "sub": "ops_1", "exp": expires, "roles": roles }))
}

/// A sandbox with its fakes.
struct Fixture {
    sandbox: Sandbox<TestPorts>,
    world: World,
}

impl Fixture {
    fn new() -> Self {
        let world = World::default();
        world.inside(|inside| inside.receiver = Some(204));
        let operators = TokenVerifier::with_clock(ISSUER, AUDIENCE, TokenAlgorithm::Es256, world.clone(), world.clone());
        let settings = Settings {
            answers_go_to: Some(AddressPattern::new("https://*.example.com/v1/webhooks/merchants")),
            vendor_answers_go_to: Some(AddressPattern::new("https://*.example.com/v1/webhooks/vendors")),
            webhook_keys: keys(),
            vendor_webhook_keys: keys(),
            events_go_to: Some(AddressPattern::new("https://*.example.com/v1/webhooks/payments")),
            payment_webhook_keys: keys(),
        };
        let sandbox = Sandbox {
            documents: MemoryDocuments::default(),
            callbacks: world.clone(),
            outbound: world.clone(),
            time: world.clone(),
            operators,
            settings: Arc::new(settings),
        };
        Self { sandbox, world }
    }

    /// Sends a request. Problems count as answers.
    async fn send(&self, request: Request) -> (u16, Value) {
        let response = self.sandbox.clone().handle(request).await.unwrap_or_else(|problem| problem.into_response("trace"));
        (response.status(), response.json_body())
    }

    /// A call to the payment processor, with a form.
    async fn pay(&self, path: &str, key: &str, form: &[(&str, &str)]) -> (u16, Value) {
        self.send(payment_request(path, key, form)).await
    }

    /// A call with a JSON body to any other partner.
    async fn call(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        self.send(json_request(method, path, body)).await
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        self.call("GET", path, &Value::Null).await
    }

    async fn operate(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let mut request = json_request(method, &format!("/v1/ops/sandbox/{path}"), body);
        request.headers.push(("authorization".into(), format!("Bearer {}", token(&["operator"]))));
        self.send(request).await
    }

    async fn fault(&self, fault: Value) {
        let (status, body) = self.operate("POST", "faults", &fault).await;
        assert_eq!(status, 201, "{body}");
    }

    async fn books(&self, order_id: &str) -> Value {
        self.operate("GET", &format!("books/{order_id}"), &Value::Null).await.1
    }

    async fn summary(&self, order_id: &str) -> Value {
        self.books(order_id).await["summary"].take()
    }

    /// Delivers every scheduled callback once.
    async fn deliver(&self) -> Vec<Result<(), BatchItemError>> {
        let due = self.world.inside(|inside| std::mem::take(&mut inside.scheduled));
        let mut results = Vec::new();
        for (callback, _) in due {
            let message = Message { body: serde_json::to_string(&callback).unwrap(), ..Message::default() };
            results.push(self.sandbox.clone().deliver(message).await);
        }
        results
    }

    fn posted(&self) -> Vec<Posted> {
        self.world.inside(|inside| inside.posted.clone())
    }

    fn sleeps(&self) -> Vec<u64> {
        self.world.inside(|inside| inside.sleeps.clone())
    }

    fn scheduled(&self) -> Vec<u32> {
        self.world.inside(|inside| inside.scheduled.iter().map(|(_, delay)| *delay).collect())
    }

    fn receiver(&self, status: Option<u16>) {
        self.world.inside(|inside| inside.receiver = status);
    }

    fn pass(&self, ms: i64) {
        self.world.inside(|inside| inside.passed_ms += ms);
    }

    /// An intent of 20.00 for an order, with the key `create`.
    async fn intent(&self, order_id: &str) -> String {
        let (status, body) = self.pay("payment_intents", "create", &create_form(order_id)).await;
        assert_eq!(status, 200, "{body}");
        body["id"].as_str().unwrap().to_owned()
    }

    /// An authorized intent.
    async fn authorized(&self, order_id: &str) -> String {
        let id = self.intent(order_id).await;
        let (status, body) =
            self.pay(&format!("payment_intents/{id}/confirm"), "confirm", &[("payment_method", "pm_card_visa")]).await;
        assert_eq!((status, &body["status"]), (200, &json!("requires_capture")));
        id
    }
}

fn create_form(order_id: &str) -> [(&str, &str); 5] {
    [
        ("amount", "2000"),
        ("currency", "usd"),
        ("capture_method", "manual"),
        ("metadata[order_id]", order_id),
        ("metadata[consumer_id]", "con_1"),
    ]
}

fn payment_request(path: &str, key: &str, form: &[(&str, &str)]) -> Request {
    let mut headers = vec![
        ("authorization".to_owned(), "Bearer sk_test_1".to_owned()),
        ("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned()),
    ];
    if !key.is_empty() {
        headers.push(("idempotency-key".into(), key.into()));
    }
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish().into_bytes();
    Request { method: "POST".into(), path: format!("/payment/v1/{path}"), headers, body, ..Request::default() }
}

fn json_request(method: &str, path: &str, body: &Value) -> Request {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let mut parameters = std::collections::BTreeMap::<String, Vec<String>>::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()).into_owned() {
        parameters.entry(name).or_default().push(value);
    }
    let mut headers =
        vec![("content-type".to_owned(), "application/json".to_owned()), ("idempotency-key".to_owned(), "key".to_owned())];
    if path.starts_with("/payment") {
        headers.push(("authorization".into(), "Bearer sk_test_1".into()));
    }
    let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    Request { method: method.into(), path: path.into(), query: parameters, headers, body, ..Request::default() }
}
