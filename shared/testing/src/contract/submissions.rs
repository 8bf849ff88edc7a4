use super::{Fixture, broken, done, some, with_quote};
use crate::samples::NOON;
use carryout_checkout::ports::{IdempotencyKey, Orders, Quotes, Submission, Submissions, SubmitRefused};
use carryout_environment::Ids;

/// [`Submissions`]: one transaction decides; a repetition finds the first answer; a quote serves one order.
pub async fn submissions<W: Submissions, Q: Quotes, O: Orders, I: Ids>(fixture: &Fixture<W, Q, O, I>) {
    let workflow = fixture.workflow("checkout-standard");
    let first = fixture.submission(&workflow, NOON).await;
    assert_eq!(done(fixture.submissions.completed(&first.key.record_id).await), None);
    done(fixture.submissions.submit(&first).await);
    assert_eq!(fixture.stored(&first.order.id).await, first.order);
    assert_eq!(done(fixture.orders.order("").await), None);
    // What exists is read, whatever else does not; also where an id can't be one at all.
    let (quote, nobody) = (&first.order.quote, fixture.ids.new_id("con"));
    for (consumer, id, found) in [
        (nobody.as_str(), quote.terms.id.as_str(), Some(quote)),
        ("", &quote.terms.id, Some(quote)),
        (&nobody, "quo_none", None),
        (&nobody, "", None),
    ] {
        let read = done(fixture.submissions.consumer_and_quote(consumer, id).await);
        assert_eq!((read.0, read.1.as_ref()), (None, found), "{consumer:?} {id:?}");
    }
    let completed = some(done(fixture.submissions.completed(&first.key.record_id).await), "the completed request");
    assert_eq!((completed.validation.as_str(), &completed.answer), ("v1", &first.answer));

    // The same key, with its own fresh quote: only the key refuses it.
    let twin = Submission { key: first.key.clone(), ..fixture.submission(&workflow, NOON).await };
    match fixture.submissions.submit(&twin).await {
        Err(SubmitRefused::Repeated(winner)) => assert_eq!(winner, completed),
        other => broken("a twin must get the winner's answer", &other),
    }
    assert_eq!(done(fixture.orders.order(&twin.order.id).await), None, "a refused submit writes nothing");
    // Its quote was not used by the refused attempt.
    let again = Submission { key: IdempotencyKey { record_id: format!("{}-b", twin.key.record_id), ..twin.key }, ..twin };
    done(fixture.submissions.submit(&again).await);

    // Another key, the same quote.
    let thief = with_quote(fixture.submission(&workflow, NOON).await, &first.order);
    let result = fixture.submissions.submit(&thief).await;
    assert!(matches!(result, Err(SubmitRefused::QuoteUsed)), "a quote serves one order: {result:?}");
    assert_eq!(done(fixture.orders.order(&thief.order.id).await), None);
    assert_eq!(done(fixture.submissions.completed(&thief.key.record_id).await), None);

    // The same key and the same quote, as a retry has them: the repetition counts.
    let result = fixture.submissions.submit(&first).await;
    assert!(matches!(result, Err(SubmitRefused::Repeated(_))), "{result:?}");

    // A request that is no longer remembered counts as new.
    let old = Submission { remember_until: 1, ..fixture.submission(&workflow, NOON).await };
    done(fixture.submissions.submit(&old).await);
    assert_eq!(done(fixture.submissions.completed(&old.key.record_id).await), None);
    let new = Submission { key: old.key, ..fixture.submission(&workflow, NOON).await };
    done(fixture.submissions.submit(&new).await);
}
