//! What the fuzz target `virt_who_answers` does with its bytes; the tests of `airlock-virt-who` replay it.

/// Every reader of what hypervisors answer takes the bytes; what was read as a report is written and read again.
pub fn answers(bytes: &[u8]) {
    airlock_virt_who::backend::fuzz(bytes);
    if let Ok(hosts) = airlock_virt_who::model::json::read_hosts(bytes, "fake") {
        use airlock_virt_who::model::json::{Form, Printed, read_hosts};
        for form in [Form::New, Form::Old] {
            let report = [airlock_virt_who::model::Report::Hosts(hosts.clone())];
            let written = serde_json::to_vec(&Printed(&report, form)).expect("it can be written");
            let again = read_hosts(&written, "fake").expect("it was read before");
            // An empty name is not written.
            assert_eq!(again.len(), hosts.len());
            for (one, other) in again.iter().zip(&hosts) {
                assert_eq!((&one.id, &one.guests), (&other.id, &other.guests));
            }
        }
    }
    let _ = airlock_virt_who::model::json::read_local(bytes, "fake");
}
