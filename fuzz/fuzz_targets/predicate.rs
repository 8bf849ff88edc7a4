//! No JSON makes a condition panic, or its problems point nowhere.
#![no_main]

#[path = "../../shared/predicate/tests/any_json/mod.rs"]
mod any_json;

libfuzzer_sys::fuzz_target!(|sent: &[u8]| {
    if let Ok(case) = serde_json::from_slice(sent) {
        any_json::check(&case);
    }
});
