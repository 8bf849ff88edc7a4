#[test]
fn gen_wait() {
    let machine = carryout_onboarding::wait::wait_machine();
    std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/../../statemachines/onboarding-wait.asl.json"), format!("{machine:#}\n")).unwrap();
}
