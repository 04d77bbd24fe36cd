//! The fake holds the contract.

use qx_hypervisor::contract::{Guests, Subject};
use qx_hypervisor::fake::Fake;

#[test]
fn the_fake_holds_the_contract() {
    let data = tempfile::tempdir().unwrap();
    let fake = Fake::default();
    Subject {
        hypervisor: &fake,
        guests: Guests::Echo,
        limits_nics: true,
        data: data.path().to_owned(),
    }
    .check();
}
