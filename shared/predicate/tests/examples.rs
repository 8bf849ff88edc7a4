//! The files in `events/predicate/` have the answers that they say.

use carryout_predicate::{Case, Condition};
use std::{fs, path::Path};

#[test]
fn every_example_has_the_answer_that_it_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events/predicate");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 7);
    for file in files {
        let case: Case = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        let (holds, problems) = case.eval();
        assert_eq!(Some(holds), case.expected, "{}", file.display());
        assert_eq!(problems.is_empty(), Condition::parse(&case.condition).is_ok(), "{}", file.display());
        assert_eq!(problems.is_empty(), !file.ends_with("unknown-operator.json"), "{}: {problems:?}", file.display());
    }
}
