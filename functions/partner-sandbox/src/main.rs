//! Plays the partners: keeps books, and fails as told.

mod aws;

use aws::Live;
use carryout_aws::{Aws, DynamoDocuments, ManagedSecret, SqsQueue};
use carryout_environment::Secrets as _;
use carryout_lambda::{
    Error, clock::SystemClock, config::Reader, run_http_or_batch, signature::KeyRing, telemetry, token::TokenVerifier,
};
use partner_sandbox::callbacks::{AddressPattern, HttpOutbound};
use partner_sandbox::{Sandbox, Settings};
use std::sync::Arc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let mut config = Reader::from_env();
    let (table, queue) = (config.required("SANDBOX_TABLE"), config.required("SANDBOX_QUEUE_URL"));
    let (secret, answers_go_to) = (config.required("WEBHOOK_SECRET"), config.optional("ANSWERS_GO_TO"));
    let answers = config.required("VENDOR_WEBHOOK_SECRET");
    let vendor_answers_go_to = config.optional("VENDOR_ANSWERS_GO_TO");
    let (events, events_go_to) = (config.required("PAYMENT_WEBHOOK_SECRET"), config.optional("EVENTS_GO_TO"));
    let operators = TokenVerifier::from_config(&mut config);
    config.finish()?;

    let aws = Aws::from_env().await;
    // Read once: whoever verifies accepts the key before the current one, too.
    let secret = ManagedSecret::new(&aws, secret).secret().await?;
    let answers = ManagedSecret::new(&aws, answers).secret().await?;
    let events = ManagedSecret::new(&aws, events).secret().await?;
    let settings = Settings {
        answers_go_to: answers_go_to.map(AddressPattern::new),
        vendor_answers_go_to: vendor_answers_go_to.map(AddressPattern::new),
        webhook_keys: KeyRing::new(&secret.current, secret.previous.as_deref()),
        vendor_webhook_keys: KeyRing::new(&answers.current, answers.previous.as_deref()),
        events_go_to: events_go_to.map(AddressPattern::new),
        payment_webhook_keys: KeyRing::new(&events.current, events.previous.as_deref()),
    };
    let sandbox: Sandbox<Live> = Sandbox {
        documents: aws::Table(DynamoDocuments::new(&aws, table)),
        callbacks: aws::Queue(SqsQueue::new(&aws, queue)),
        outbound: HttpOutbound,
        time: SystemClock,
        operators,
        settings: Arc::new(settings),
    };
    let later = sandbox.clone();
    run_http_or_batch(move |request| sandbox.clone().handle(request), move |message, _| later.clone().deliver(message)).await
}
