use super::{KeptQuote, Row, State, Store, busy, subject::touch};
use carryout_checkout::{
    consumer::Consumer,
    ledger::LedgerEvent,
    order::Order,
    ports::{Appended, CompletedRequest, Ledgers, Orders, Submission, Submissions, SubmitRefused},
};
use carryout_environment::{Clock as _, StorageError};
use carryout_pricing::Quote;

impl Submissions for Store {
    async fn consumer_and_quote(
        &self,
        consumer_id: &str,
        quote_id: &str,
    ) -> Result<(Option<Consumer>, Option<Quote>), StorageError> {
        let look = |state: &State| (state.consumers.get(consumer_id).cloned(), state.quote(quote_id));
        Ok(self.read("consumer_and_quote", look).await)
    }

    async fn submit(&self, submission: &Submission) -> Result<(), SubmitRefused> {
        self.write(
            "submit",
            || SubmitRefused::Conflict,
            |state, now| {
                if let Some(completed) = state.remembered(&submission.key.record_id, now) {
                    return Err(SubmitRefused::Repeated(completed));
                }
                let order = &submission.order;
                let quote = state.quotes.get_mut(&order.quote.terms.id).filter(|kept| kept.record.order_id.is_none());
                let Some(KeptQuote { record, .. }) = quote.filter(|_| !state.orders.contains_key(&order.id)) else {
                    return Err(SubmitRefused::QuoteUsed);
                };
                record.order_id = Some(order.id.clone());
                record.kept_until = None;
                state.remember(&submission.key, &submission.answer, submission.remember_until);
                state.orders.insert(order.id.clone(), Row { order: order.clone(), sweep_at: Some(submission.stuck_at) });
                Ok(())
            },
        )
        .await
    }

    async fn completed(&self, record_id: &str) -> Result<Option<CompletedRequest>, StorageError> {
        let now = self.clock.now();
        Ok(self.read("completed", |state| state.remembered(record_id, now)).await)
    }
}

impl Orders for Store {
    async fn order(&self, id: &str) -> Result<Option<Order>, StorageError> {
        Ok(self.read("order", |state| state.orders.get(id).map(|row| row.order.clone())).await)
    }
}

impl Ledgers for Store {
    async fn append(&self, order_id: &str, event: &LedgerEvent) -> Result<Appended, StorageError> {
        self.write("append", busy, |state, now| {
            let Some(order) = state.order(order_id) else { return Ok(Appended::NoOrder) };
            if order.ledger.iter().any(|known| known.name() == event.name()) {
                return Ok(Appended::Known);
            }
            order.ledger.push(event.clone());
            touch(order, now);
            Ok(Appended::New)
        })
        .await
    }
}
