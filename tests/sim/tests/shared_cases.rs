//! The interpreter gives what the emulators give: the same cases run on them in `tests/e2e`.

use futures::{
    FutureExt as _,
    future::{BoxFuture, ready},
};
use serde_json::Value;
use sim::asl::{Ended, Machine, Platform, Raised, run};
use std::{fs, path::Path};

/// A platform without functions.
struct Bare;

impl Platform for Bare {
    fn invoke<'a>(&'a self, function: &'a str, _: Value) -> BoxFuture<'a, Result<Value, Raised>> {
        ready(Err(Raised::new("Lambda.ResourceNotFoundException", function))).boxed()
    }

    fn token(&self) -> String {
        String::new()
    }

    fn invoke_and_wait<'a>(&'a self, function: &'a str, payload: Value, _: &'a str) -> BoxFuture<'a, Result<Value, Raised>> {
        self.invoke(function, payload)
    }

    fn sleep(&self, _: i64) -> BoxFuture<'static, ()> {
        ready(()).boxed()
    }

    fn jitter(&self, longest_ms: i64) -> i64 {
        longest_ms
    }

    fn entered(&self, _: &str) {}
}

#[test]
fn every_shared_case_ends_as_it_says() {
    let mut ran = 0;
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("cases")).unwrap() {
        let path = entry.unwrap().path();
        let case: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        let machine = Machine::read(&case["machine"], &|_| None).unwrap();
        let ended = run(&machine, case["input"].clone(), &Bare).now_or_never().unwrap();
        let name = path.display();
        match ended {
            Ended::Succeeded(output) => {
                assert_eq!((case["status"].as_str(), &case["output"]), (Some("SUCCEEDED"), &output), "{name}");
            }
            Ended::Failed(raised) => {
                assert_eq!(
                    (case["status"].as_str(), case["error"].as_str()),
                    (Some("FAILED"), Some(raised.error.as_str())),
                    "{name}"
                );
            }
        }
        ran += 1;
    }
    assert!(ran >= 7, "{ran}");
}
