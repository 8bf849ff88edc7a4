//! What holds whatever JSON somebody sends: for the property tests here, and for the fuzz target `predicate`.

use carryout_predicate::{Case, Condition};

/// Evaluates a case, with a condition that need not make sense. Panics where its problems are not those of its condition.
pub fn check(case: &Case) {
    let (_, problems) = case.eval();
    let parsed = Condition::parse(&case.condition);
    assert_eq!(parsed.is_ok(), problems.is_empty());
    for problem in &problems {
        assert!(case.condition.pointer(&problem.pointer).is_some(), "{} points nowhere", problem.pointer);
    }
    if let Ok(condition) = parsed {
        assert_eq!(condition.source(), &case.condition);
    }
}
