//! No JSON makes the pricing engine panic, or give a price that does not hold.
#![no_main]

#[path = "../../shared/pricing/tests/any_json/mod.rs"]
mod any_json;

libfuzzer_sys::fuzz_target!(|sent: &[u8]| any_json::check(sent));
