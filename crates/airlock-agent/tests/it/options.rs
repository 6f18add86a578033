//! What the program has beside rpm.

use crate::scratch::{Scratch, some};

#[test]
fn a_verify_script_is_told_of_and_not_run() {
    let scratch = Scratch::new();
    scratch.install(&some(&["kinds-script"]));
    let ran = scratch.agent(&["--nodeps"]);
    assert_eq!(ran.code, 0, "{}", ran.stdout);
    assert!(
        ran.stdout.contains("1 packages bring a script"),
        "{}",
        ran.stdout
    );
    let ran = scratch.agent(&["--nodeps", "--noscripts"]);
    assert_eq!(
        ran.stdout,
        "1 packages with 0 files checked: nothing differs\n"
    );
    scratch.same(&["--noscripts"], &["-Va", "--noscripts"]);
}
