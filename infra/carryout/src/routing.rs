//! Routing rules, as operators see and set them.

use anyhow::Result;
use carryout_checkout::routing::{RULES_KEY, RoutingRules};

use crate::control::{self, Setting};
use crate::stack::Stack;

pub use crate::control::Change;

/// The rules of the deployed stack.
pub async fn read(stack: &Stack) -> Result<RoutingRules> {
    Ok(setting(stack).await?.read().await?.0)
}

/// Changes the rules, and returns them as they then are.
///
/// # Errors
///
/// Where somebody else changed them at the same moment; nothing is lost by trying again.
pub async fn change(stack: &Stack, change: &Change) -> Result<RoutingRules> {
    let setting = setting(stack).await?;
    let (mut rules, version): (RoutingRules, _) = setting.read().await?;
    change.apply(&mut rules.0);
    setting.write(&rules, version).await?;
    Ok(rules)
}

/// Takes every rule back: all new checkouts are live.
pub async fn clear(stack: &Stack) -> Result<RoutingRules> {
    setting(stack).await?.clear().await
}

/// The rules in words, one a line.
pub fn describe(rules: &RoutingRules) -> String {
    let lines = control::describe(&rules.0);
    if lines.is_empty() { "no rules: every checkout is live".to_owned() } else { lines.join("\n") }
}

async fn setting(stack: &Stack) -> Result<Setting> {
    Setting::of(stack, RULES_KEY, "the routing rules", "carryout route clear").await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_rules_every_checkout_is_live() {
        assert_eq!(describe(&RoutingRules::default()), "no rules: every checkout is live");
    }
}
