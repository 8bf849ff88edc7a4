//! Invariants for arbitrary JSON, shared by the property tests here and the fuzz target `price`.

use carryout_pricing::{
    CartPreview, Context, Pipeline, Receipt, Record, RefundRequest, Refunded, explain, left_to_refund, price, refund,
};

/// Prices `sent`, if it is a valid context.
///
/// Panics where the price lacks a preview, a receipt, an explanation, a full refund, or an identical replay.
pub fn check(sent: &[u8]) {
    let Ok(context) = serde_json::from_slice::<Context>(sent) else { return };
    let pipeline = Pipeline::standard();
    let table = explain(&pipeline, &context);
    let preview = pipeline.render(&context, &CartPreview);
    let Ok(priced) = price(&context) else {
        assert!(table.is_err() && preview.is_err(), "an invalid context is refused everywhere");
        return;
    };
    assert_eq!(preview.map(|preview| preview.total), Ok(priced.total));
    assert!(table.is_ok_and(|table| table.contains("total")));
    assert_eq!(Receipt::of(&priced).total, priced.total);
    assert_eq!(left_to_refund(&priced, &Refunded::default()), Ok(priced.total));
    if priced.total.minor > 0 {
        let all = refund(&priced, &Refunded::default(), &RefundRequest::Remaining);
        assert_eq!(all.map(|all| all.amount), Ok(priced.total));
    }
    assert_eq!(Record { context, price: priced }.replay(&pipeline), Ok(()));
}
