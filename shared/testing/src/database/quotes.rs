use super::{
    KeptQuote, Store, busy,
    subject::{end_at_once, held_by_other, may_begin},
};
use carryout_checkout::{
    audit::QuoteRecord,
    order::{OrderFacts, OrderStatus},
    ports::{QuoteLocks, QuoteRecords, Quotes, Refused},
};
use carryout_environment::StorageError;
use carryout_pricing::{Quote, Record};
use carryout_workflow::StepState;

impl Quotes for Store {
    async fn save(&self, quote: &Quote, record: &Record) -> Result<(), StorageError> {
        let record = QuoteRecord::of(quote, record);
        self.write("save", busy, |state, _| state.keep(KeptQuote { quote: Some(quote.clone()), record })).await
    }

    async fn save_invalid(&self, record: &QuoteRecord) -> Result<(), StorageError> {
        self.write("save_invalid", busy, |state, _| state.keep(KeptQuote { quote: None, record: record.clone() })).await
    }

    async fn quote(&self, id: &str) -> Result<Option<Quote>, StorageError> {
        Ok(self.read("quote", |state| state.quote(id)).await)
    }
}

impl QuoteRecords for Store {
    async fn record(&self, id: &str) -> Result<Option<QuoteRecord>, StorageError> {
        Ok(self.read("record", |state| state.quotes.get(id).map(|kept| kept.record.clone())).await)
    }
}

impl QuoteLocks for Store {
    async fn confirm(&self, step: &'static str, order_id: &str, run: u32, facts: &OrderFacts, at: i64) -> Result<(), Refused> {
        self.write(
            "confirm",
            || Refused::Conflict,
            |state, now| {
                let quote = state.quotes.get(&facts.quote_id);
                let held = quote.is_some_and(|KeptQuote { record, .. }| {
                    let total = record.price.as_ref().map(|price| price.total);
                    record.order_id.as_deref() == Some(order_id) && total == Some(facts.total)
                });
                let order = state.order(order_id).ok_or(Refused::NotFound)?;
                let pending = order.steps.entry(step).is_some_and(|e| matches!(e.state, StepState::Pending | StepState::Running));
                if !pending || !may_begin(order, run) {
                    return held_by_other(order);
                }
                if !held {
                    return Err(Refused::Other);
                }
                end_at_once(order, step, run, at, now);
                order.status = OrderStatus::Processing;
                Ok(())
            },
        )
        .await
    }
}
