//! `docs/onboarding.md` has the steps of the registry.

use carryout_onboarding::steps::{self, StepInfo};
use contract::files;

const GUIDE: &str = "docs/onboarding.md";
const BEGIN: &str = "<!-- steps: begin -->\n";
const END: &str = "<!-- steps: end -->";

fn row(info: &StepInfo) -> String {
    let vendor = info.vendor.map_or_else(String::new, |vendor| vendor.kind.name().to_owned());
    let refused = info.vendor.map(|vendor| vendor.refused);
    let codes: Vec<String> = refused.iter().chain(info.codes).map(|code| format!("`{}`", code.name)).collect();
    let after = match info.vendor {
        Some(vendor) if vendor.correctable => "the applicant corrects the form",
        Some(_) => "an operator decides",
        None if !info.codes.is_empty() => "the applicant submits the form again",
        None => "",
    };
    let legacy = info.legacy.map_or_else(String::new, |names| format!("`{}`, `{}`", names.flag, names.step));
    let skipped = if info.accepts_skipped { "yes" } else { "no" };
    format!("| `{}` | {vendor} | {} | {after} | {skipped} | {legacy} |\n", info.name, codes.join(", "))
}

#[test]
fn the_guide_has_the_steps_of_the_registry() {
    let guide = files::read(GUIDE);
    let table = guide.split_once(BEGIN).and_then(|(_, rest)| rest.split_once(END)).map(|(table, _)| table);
    let mut expected = "| step | vendor | refusal | after a refusal | completed by SKIPPED | in the older system |\n".to_owned();
    expected.push_str("| --- | --- | --- | --- | --- | --- |\n");
    expected.extend(steps::ALL.iter().map(row));
    assert_eq!(table, Some(expected.as_str()), "replace the table in {GUIDE} by this one:\n{expected}");
}
