//! `lint` of a client's settings: everything that is wrong, with the words that nothing reads.

use airlock_pkgstate::settings::parse_settings;

use super::lint::findings;

fn lint(text: &str) -> (u8, String) {
    findings(&[("b.conf", text)])
}

#[test]
fn words_of_lists_that_do_nothing_are_errors_and_the_client_goes_on() {
    let text = "[client]
drivers = RPMng POSIX, RPMgn, Chkconfig, Own
[RPMng]
verify_flags = nomd5,nomtme,nochecksum
erase_flags = nodep, allmatches,repackage,no deps
installonlypackages = kernel kernel-smp, kernel-xen
protect_keys = xyz, 443e1821-421f218f 0123456789ABCDEF,0x443e1821,gpg-pubkey-443e1821-421f218f
";
    let (code, said) = lint(text);
    assert_eq!(code, 1);
    insta::assert_snapshot!(said, @r#"
    b.conf:2:1: error: drivers: "RPMng POSIX" is one driver with a blank in it, which there is not; write commas between
    b.conf:2:1: error: drivers: there is no "RPMgn"; did you mean RPMng?
    b.conf:4:1: error: verify_flags: there is no "nomtme"; did you mean nomtime?
    b.conf:4:1: warning: verify_flags: nochecksum does nothing with RPMng; write nomd5
    b.conf:5:1: error: erase_flags: there is no "nodep"; did you mean nodeps?
    b.conf:5:1: warning: erase_flags: repackage does nothing; rpm has not had it since 4.6
    b.conf:5:1: error: erase_flags: "no deps" is one flag with a blank in it, which there is not; write commas between
    b.conf:6:1: error: installonlypackages: "kernel kernel-smp" is one name with a blank in it, which there is not; write commas between
    b.conf:7:1: error: protect_keys: "xyz" protects no key; write what rpm -q gpg-pubkey shows (8 hexadecimal digits, a - and 8 more), or the last 8 digits of a fingerprint or more
    b.conf:7:1: error: protect_keys: "gpg-pubkey-443e1821-421f218f" protects no key; write what rpm -q gpg-pubkey shows (8 hexadecimal digits, a - and 8 more), or the last 8 digits of a fingerprint or more
    1 file: 8 errors, 2 warnings
    "#);
    // What the old client passed over does not stop a run; it is told.
    let settings = parse_settings("b.conf", text.as_bytes()).unwrap();
    assert_eq!(settings.rpm.verify_flags, ["nomd5", "nomtme", "nochecksum"]);
    assert_eq!(settings.warnings.len(), 10, "{:?}", settings.warnings);
}

#[test]
fn what_stands_between_the_words_of_verify_flags_is_that_of_the_sections_release() {
    let flags =
        |section: &str, flags: &str| lint(&format!("[{section}]\nverify_flags = {flags}\n"));
    let none = (0, "1 file: 0 errors, 0 warnings\n".to_owned());
    for (section, sound, odd) in [
        ("RPMng", "nomtime,nouser", "nomtime, nouser"),
        ("RPMng", "nomtime", "nomtime nouser"),
        ("RPM", "nomtime , nouser", "nomtime nouser"),
        ("YUM", "nomtime, nouser", "nomtime nouser,nosize"),
    ] {
        assert_eq!(flags(section, sound), none, "[{section}] {sound}");
        let (code, said) = flags(section, odd);
        assert_eq!(code, 0);
        assert!(
            said.contains("b.conf:2:1: warning: verify_flags: Bcfg2 knows no flag with a blank"),
            "[{section}] {odd}: {said}"
        );
        // They do what they say here: a run has nothing to tell.
        let text = format!("[{section}]\nverify_flags = {odd}\n");
        let settings = parse_settings("b.conf", text.as_bytes()).unwrap();
        assert!(settings.warnings.is_empty(), "{:?}", settings.warnings);
    }
    assert_eq!(flags("YUMng", "nomtime nouser, nosize"), none);
    let (code, said) = flags("RPMng", "nomtime, nouser\nlegacy_quirks = yes");
    assert!(code == 1 && said.contains("with legacy_quirks"), "{said}");
}

#[test]
fn everything_is_told_also_behind_an_error() {
    let (code, said) = lint(
        "no header
key = 1
[RPMgn]
pkg_checks
= x
[communication]
retries = many
[client]
decision = greylist
command_timeout = soon
[RPM]
pkg_checks = TRUE
pkg_verify = perhaps
installonly_test = nmae
installed_action = none
install_missing = yes
verfy_flags = nomd5
[YUMng]
pkg_checks = yes
 or no
autodep = no
erase_flags = nodeps
",
    );
    assert_eq!(code, 1);
    insta::assert_snapshot!(said);
}

#[test]
fn a_truth_in_quotes_is_told_to_go_without_them() {
    for (written, write) in [
        ("\"false\"", "write false, without quotes"),
        ("'True'", "write true, without quotes"),
        ("yes", "write true"),
        ("maybe", "write true or false"),
    ] {
        let (code, said) = lint(&format!("[RPMng]\npkg_checks = {written}\n"));
        assert_eq!(code, 0, "{said}");
        let expected = format!("is read as false, as [RPMng] always did; {write}\n");
        assert!(said.contains(&expected), "{said}");
    }
}
