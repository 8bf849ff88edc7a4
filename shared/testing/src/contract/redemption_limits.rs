use super::{Fixture, HELD, RESERVE, broken, claim_of, done};
use carryout_checkout::{
    order::Order,
    ports::{OrderNote, OrderSteps, Orders, Promotions, Quotes, Reservations, ReserveRefused, Submissions},
    redemptions::{Reserved, counters_of, left},
};
use carryout_environment::{Ids, StorageError};
use carryout_money::Money;
use carryout_pricing::{Allowance, Charge, ChargeKind, ComponentId, LimitedComponent, Limits, Shares};
use carryout_workflow::Claim;

/// [`Reservations`] and [`Promotions`]: limited promotions and credits give no more than they have, also to many orders at once, and
/// get back exactly what each order took.
pub async fn limits<W: Submissions, Q: Quotes, O: Orders, I: Ids>(
    fixture: &Fixture<W, Q, O, I>,
    reservations: &impl Reservations,
    statuses: &impl OrderSteps,
    promotions: &impl Promotions,
) {
    let market = fixture.store.store.country;
    // An order of this consumer that takes this amount of a component, and nothing out of stock.
    let taking = async |consumer: &str, component: &ComponentId, amount: i64, limits: Limits| {
        let order = fixture.order().await;
        let claim = claim_of(&order, RESERVE, HELD);
        let mut order = done(statuses.claim(&claim, &OrderNote::default()).await);
        order.consumer.id = consumer.to_owned();
        let ComponentId::Charge(kind, code) = component else { broken("a charge has limits", component) };
        let terms = &mut order.quote.terms;
        let amount = Money { minor: -amount, ..terms.price.total };
        let charge =
            Charge { code: code.to_string(), name: code.to_string(), amount, included: false, shares: Shares::default() };
        terms.price.charges[*kind].push(charge);
        terms.limited.push(LimitedComponent { component: component.clone(), limits });
        terms.price.lines.clear();
        (claim, order)
    };
    let give_back = async |claim: &Claim| {
        let order = done(statuses.claim_undo(claim, None).await);
        done(reservations.put_back(claim, &order).await);
        let result = reservations.put_back(claim, &order).await;
        assert!(matches!(result, Err(ReserveRefused::Storage(StorageError::ClaimLost))), "given back once: {result:?}");
    };
    let remaining = async |consumer: &str, component: &ComponentId, limits: &Limits| {
        let keys = counters_of(market, consumer, [(component, limits)]);
        let left = left(market, consumer, component, limits, &done(promotions.counters(&keys).await));
        (left.uses, left.budget)
    };
    let used_up = |result: Result<Reserved, ReserveRefused>, component: &ComponentId| match result {
        Err(ReserveRefused::UsedUp(components)) => assert_eq!(components, [component.clone()]),
        other => broken("what is used up must be named", &other),
    };

    // Uses and budget; an amount that no counter has alone is put together, to the last cent.
    let promotion = ComponentId::charge(ChargeKind::Discount, fixture.ids.new_id("pro"));
    let total = |uses, budget| Limits { total: Allowance { uses, budget }, ..Limits::default() };
    let limits = total(Some(3), Some(1_000));
    assert_eq!(remaining("con_a", &promotion, &limits).await, (Some(3), Some(1_000)));
    let mut taken = Vec::new();
    for _ in 0..3 {
        let (claim, order) = taking("con_a", &promotion, 300, limits).await;
        let reserved = done(reservations.reserve(&claim, &order).await);
        let sum =
            reserved.redemptions.iter().fold((0, 0), |sum, redemption| (sum.0 + redemption.uses, sum.1 + redemption.amount));
        assert_eq!(sum, (1, 300), "{reserved:?}");
        assert_eq!(fixture.entry(&order.id, RESERVE).await.response, serde_json::to_value(&reserved).ok());
        let result = reservations.reserve(&claim, &order).await;
        assert!(matches!(result, Err(ReserveRefused::Storage(StorageError::ClaimLost))), "taken once: {result:?}");
        taken.push(claim);
    }
    assert_eq!(remaining("con_a", &promotion, &limits).await, (Some(0), Some(100)));
    let (claim, order) = taking("con_b", &promotion, 100, limits).await;
    used_up(reservations.reserve(&claim, &order).await, &promotion);
    assert_eq!(fixture.entry(&order.id, RESERVE).await.lease_until, HELD, "the claim is still held");
    give_back(&taken[1]).await;
    assert_eq!(remaining("con_a", &promotion, &limits).await, (Some(1), Some(400)));
    let (claim, order) = taking("con_b", &promotion, 401, limits).await;
    used_up(reservations.reserve(&claim, &order).await, &promotion);
    let (claim, order) = taking("con_b", &promotion, 400, limits).await;
    done(reservations.reserve(&claim, &order).await);
    assert_eq!(remaining("con_b", &promotion, &limits).await, (Some(0), Some(0)));
    // Limits are the promotion's alone: more is given once it has more.
    assert_eq!(remaining("con_b", &promotion, &total(Some(4), Some(1_500))).await, (Some(1), Some(500)));

    // Once for each consumer.
    let promotion = ComponentId::charge(ChargeKind::Discount, fixture.ids.new_id("pro"));
    let once = Limits { per_consumer: Allowance { uses: Some(1), budget: None }, ..Limits::default() };
    for (consumer, first) in [("con_a", true), ("con_a", false), ("con_b", true)] {
        let (claim, order) = taking(consumer, &promotion, 300, once).await;
        match reservations.reserve(&claim, &order).await {
            Ok(_) => assert!(first),
            refused => {
                assert!(!first, "{refused:?}");
                used_up(refused, &promotion);
            }
        }
    }

    // A credit is spent once, and what is left of it later.
    let credit = ComponentId::charge(ChargeKind::Credit, fixture.ids.new_id("cre"));
    let gift = Limits { per_consumer: Allowance { uses: None, budget: Some(500) }, ..Limits::default() };
    let (first, order) = taking("con_a", &credit, 400, gift).await;
    done(reservations.reserve(&first, &order).await);
    let (claim, order) = taking("con_a", &credit, 101, gift).await;
    used_up(reservations.reserve(&claim, &order).await, &credit);
    give_back(&first).await;
    assert_eq!(remaining("con_a", &credit, &gift).await, (None, Some(500)));

    // Many orders at once.
    let promotion = ComponentId::charge(ChargeKind::Discount, fixture.ids.new_id("pro"));
    let limits = total(Some(6), Some(2_000));
    let mut orders = Vec::new();
    for _ in 0..12 {
        orders.push(taking("con_a", &promotion, 300, limits).await);
    }
    let try_to_reserve = async |claim: &Claim, order: &Order| {
        loop {
            match reservations.reserve(claim, order).await {
                Ok(_) => return true,
                Err(ReserveRefused::Conflict) => {}
                refused => {
                    used_up(refused, &promotion);
                    return false;
                }
            }
        }
    };
    let each = orders.iter().map(|(claim, order)| try_to_reserve(claim, order));
    let given = futures::future::join_all(each).await.into_iter().filter(|given| *given).count();
    assert_eq!(given, 6, "as many orders as there are uses");
    assert_eq!(remaining("con_a", &promotion, &limits).await, (Some(0), Some(200)));
}
