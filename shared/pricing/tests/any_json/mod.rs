//! What holds whatever JSON somebody sends: for the property tests here, and for the fuzz target `price`.

use carryout_pricing::{
    CartPreview, Context, Pipeline, Receipt, Record, RefundRequest, Refunded, explain, left_to_refund, price, refund,
};

/// Prices what is sent, if it is a context that has a price.
///
/// Panics where something can't be made of the price that can be made of every price: a preview, a receipt, an explanation, a
/// refund of everything, and the same price again.
pub fn check(sent: &[u8]) {
    let Ok(context) = serde_json::from_slice::<Context>(sent) else { return };
    let pipeline = Pipeline::standard();
    let table = explain(&pipeline, &context);
    let preview = pipeline.render(&context, &CartPreview);
    let Ok(priced) = price(&context) else {
        assert!(table.is_err() && preview.is_err(), "what has no price is refused everywhere");
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
