//! Our prices against the legacy system's, and who is shown which, as operators see and set them.

use anyhow::{Context as _, Result};
use carryout_aws::DynamoComparisons;
use carryout_lambda::clock::SystemClock;
use carryout_market::{MarketId, Markets};
use carryout_migration::parity::{Comparisons as _, Parity, ROLLOUT_KEY, Rollout, parity};
use carryout_predicate::cohort::Percent;
use jiff::SignedDuration;

use crate::control::{self, Change, Setting};
use crate::stack::Stack;

/// The parity of the quotes of the last `hours`, of one market or of all, by what is kept.
pub async fn last(stack: &Stack, hours: SignedDuration, market: Option<MarketId>) -> Result<Vec<Parity>> {
    let table = stack.output("ParityTable").context("there is no legacy system to compare with")?;
    let comparisons = DynamoComparisons::new(&stack.aws().await, table);
    let now = SystemClock.now_ms();
    let since = now - i64::try_from(hours.as_millis()).context("this is too long ago")?;
    let mut found = Vec::new();
    for market in Markets::embedded()?.ids().filter(|one| market.is_none_or(|market| market == *one)) {
        let kept = comparisons.between(market, since, now + 1).await;
        found.extend(kept.context("the comparisons can't be read; is the stack deployed and the local cloud up?")?);
    }
    Ok(parity(&found))
}

/// The parity for people.
pub fn table(rows: &[Parity]) -> String {
    if rows.is_empty() {
        return "nothing was compared; `carryout parity rollout set --sample 10` compares one quote in ten\n".to_owned();
    }
    let mut text =
        format!("{:<10} {:<6} {:>8} {:>8} {:>8}  biggest difference\n", "component", "market", "compared", "equal", "share");
    for Parity { component, market, compared, equal, share, biggest } in rows {
        let biggest = biggest.as_ref().map(|one| format!("{} is {} there, in {}", one.ours, one.legacy, one.quote_id));
        let line = format!(
            "{component:<10} {market:<6} {compared:>8} {equal:>8} {:>6.2} %  {}",
            share * 100.0,
            biggest.unwrap_or_default()
        );
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// What `carryout parity rollout set` changes; what is not given stays.
#[derive(Debug, Clone, Default)]
pub struct RolloutChange {
    /// The share of quotes that are compared.
    pub sample: Option<Percent>,
    /// The market that is changed. It is moving from then on.
    pub market: Option<MarketId>,
    /// Who is shown our prices there.
    pub cohort: Change,
    /// A market that has moved: everybody is shown our prices there.
    pub done: Option<MarketId>,
}

impl RolloutChange {
    fn apply(&self, rollout: &mut Rollout) {
        rollout.sample = self.sample.unwrap_or(rollout.sample);
        if let Some(market) = self.market {
            self.cohort.apply(rollout.markets.entry(market).or_default());
        }
        if let Some(market) = self.done {
            rollout.markets.remove(&market);
        }
    }
}

/// The rollout of the deployed stack.
pub async fn rollout(stack: &Stack) -> Result<Rollout> {
    Ok(setting(stack).await?.read().await?.0)
}

/// Changes the rollout, and returns it as it then is.
///
/// # Errors
///
/// Where somebody else changed it at the same moment; nothing is lost by trying again.
pub async fn change(stack: &Stack, change: &RolloutChange) -> Result<Rollout> {
    let setting = setting(stack).await?;
    let (mut rollout, version): (Rollout, _) = setting.read().await?;
    change.apply(&mut rollout);
    setting.write(&rollout, version).await?;
    Ok(rollout)
}

/// Ends the move: everybody is shown our prices, and nothing is compared.
pub async fn clear(stack: &Stack) -> Result<Rollout> {
    setting(stack).await?.clear().await
}

/// The rollout in words, one line each.
pub fn describe(rollout: &Rollout) -> String {
    let mut lines = vec![format!("compared   {} % of all quotes", u8::from(rollout.sample))];
    for (market, cohort) in &rollout.markets {
        let who = control::describe(cohort);
        if who.is_empty() {
            lines.push(format!("{market}  legacy prices for everybody"));
        } else {
            lines.extend(who.into_iter().map(|line| format!("{market}  our prices for  {line}")));
            lines.push(format!("{market}  legacy prices for everybody else"));
        }
    }
    let others = if rollout.markets.is_empty() { "everywhere" } else { "in every other market" };
    lines.push(format!("our prices for everybody {others}"));
    lines.join("\n")
}

async fn setting(stack: &Stack) -> Result<Setting> {
    Setting::of(stack, ROLLOUT_KEY, "the rollout's rules", "carryout parity rollout clear").await
}

#[cfg(test)]
mod tests {
    use carryout_migration::parity::Biggest;
    use carryout_money::{Currency, Money};
    use carryout_pricing::{ChargeKind, PriceMeasure};

    use super::*;
    use carryout_market::ids;

    #[test]
    fn a_row_tells_the_share_and_where_to_look() {
        let biggest = Biggest {
            quote_id: "quo_1".to_owned(),
            ours: Money::new(172, Currency::CAD),
            legacy: Money::new(173, Currency::CAD),
        };
        let row = Parity {
            component: PriceMeasure::Charges(ChargeKind::Tax),
            market: ids::CA,
            compared: 3,
            equal: 1,
            share: 1.0 / 3.0,
            biggest: Some(biggest),
        };
        let text = table(&[row]);
        assert_eq!(
            text.lines().nth(1),
            Some("tax        CA            3        1  33.33 %  1.72 CAD is 1.73 CAD there, in quo_1")
        );
        assert!(table(&[]).contains("nothing was compared"));
    }

    #[test]
    fn a_rollout_changes_market_by_market() {
        let percent = |share: u8| Percent::try_from(share).unwrap();
        let mut rollout = Rollout::default();
        assert_eq!(describe(&rollout), "compared   0 % of all quotes\nour prices for everybody everywhere");
        let cohort = Change { percent: Some(percent(25)), ..Change::default() };
        RolloutChange { sample: Some(percent(10)), market: Some(ids::CA), cohort, done: None }.apply(&mut rollout);
        RolloutChange { market: Some(ids::PR), ..RolloutChange::default() }.apply(&mut rollout);
        assert_eq!(
            describe(&rollout),
            "compared   10 % of all quotes\nCA  our prices for  cohort     25 % of all consumers\nCA  legacy prices for everybody \
             else\nPR  legacy prices for everybody\nour prices for everybody in every other market"
        );
        RolloutChange { done: Some(ids::CA), ..RolloutChange::default() }.apply(&mut rollout);
        assert_eq!((u8::from(rollout.sample), rollout.markets.len()), (10, 1));
    }
}
