use super::{Fixture, done, some};
use crate::{
    PlainSeal,
    samples::{self, NOON},
};
use carryout_checkout::{
    audit::QuoteRecord,
    order::OrderStatus,
    ports::{Closing, Orders, QuoteRecords, Quotes, Submissions},
};
use carryout_environment::Ids;
use carryout_pricing::{QuoteTerms, Record};

/// [`Quotes`]: what is saved is read again, to the bit, and never replaced.
pub async fn quotes<W: Submissions, Q: Quotes, O: Orders, I: Ids>(fixture: &Fixture<W, Q, O, I>) {
    let order = fixture.submission(&fixture.workflow("checkout-standard"), NOON).await.order;
    let saved = some(done(fixture.quotes.quote(&order.quote.terms.id).await), "the quote");
    assert_eq!(saved, order.quote);
    assert!(saved.verify(&PlainSeal::default()), "the signature must still fit");
    for nothing in [fixture.ids.new_id("quo"), String::new()] {
        assert_eq!(done(fixture.quotes.quote(&nothing).await), None, "{nothing:?}");
    }

    let mut cheaper = order.quote.clone();
    cheaper.terms.price.total.minor = 1;
    assert!(fixture.quotes.save(&cheaper, &samples::record(&cheaper)).await.is_err(), "a quote is never replaced");
    assert_eq!(done(fixture.quotes.quote(&order.quote.terms.id).await), Some(order.quote));
}

/// [`QuoteRecords`]: what a price depended on is read again, to the bit; it is kept for a time where no order uses the quote,
/// and for good where one does; a price that was wrong has a record and no quote; and where a quote shows another system's
/// price, the record is of ours.
pub async fn quote_records<W: Submissions, Q: Quotes, O: Orders, I: Ids>(
    fixture: &Fixture<W, Q, O, I>,
    records: &impl QuoteRecords,
    closing: &impl Closing,
) {
    let submission = fixture.submission(&fixture.workflow("checkout-standard"), NOON).await;
    let order = &submission.order;
    let id = &order.quote.terms.id;
    let record = async || some(done(records.record(id).await), "the record");
    let unused = QuoteRecord::of(&order.quote, &samples::record(&order.quote));
    assert_eq!(record().await, unused);
    done(fixture.submissions.submit(&submission).await);
    let used = record().await;
    assert_eq!(used, QuoteRecord { order_id: Some(order.id.clone()), kept_until: None, ..unused.clone() }, "kept for good");
    done(closing.fail(&order.id, order.run, id, OrderStatus::Failed, None, NOON).await);
    let released = record().await;
    assert!(released.kept_until.is_some(), "an order that failed keeps no quote");
    assert_eq!(QuoteRecord { kept_until: unused.kept_until, ..released }, unused);

    let invalid =
        QuoteRecord { id: fixture.ids.new_id("quo"), price: None, invalid: Some("the total is -1".to_owned()), ..unused };
    done(fixture.quotes.save_invalid(&invalid).await);
    assert_eq!(done(records.record(&invalid.id).await), Some(invalid.clone()));
    assert_eq!(done(fixture.quotes.quote(&invalid.id).await), None, "nobody sees a wrong price");
    let read = done(fixture.submissions.consumer_and_quote("con_none", &invalid.id).await);
    assert_eq!(read, (None, None), "nobody orders at a wrong price");
    assert!(fixture.quotes.save_invalid(&invalid).await.is_err(), "a record is never replaced");
    for nothing in [fixture.ids.new_id("quo"), String::new()] {
        assert_eq!(done(records.record(&nothing).await), None, "{nothing:?}");
    }

    // The quote shows another system's price.
    let ours = done(Record::of(samples::context()));
    let terms = QuoteTerms { id: fixture.ids.new_id("quo"), ..order.quote.terms.clone() };
    let quote = terms.signed(&PlainSeal::default());
    done(fixture.quotes.save(&quote, &ours).await);
    let record = some(done(records.record(&quote.terms.id).await), "the record");
    assert_eq!((&record.price, &record.shown), (&Some(ours.price.clone()), &Some(quote.terms.price.clone())));
    assert_eq!(record, QuoteRecord::of(&quote, &ours));
    assert_eq!(done(fixture.quotes.quote(&quote.terms.id).await), Some(quote));
}
