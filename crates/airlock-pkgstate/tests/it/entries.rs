//! Entries, settings, decisions and plans of all kinds: the fuzz target's body on stable, seeded.

#[path = "../../../../fuzz/bodies/configuration.rs"]
pub mod body;

use airlock_testkit::hostile;
use airlock_testkit::seeded::Seeded;

const PIECES: [&str; 26] = [
    "<",
    ">",
    "&amp;",
    "'",
    "/>",
    "<Bundle name='b'>",
    "</Bundle>",
    "<Package name='alpha' type='rpm'>",
    "<Package name='gpg-pubkey' type='yum'/>",
    "</Package>",
    "<Instance version='1.0' release='1' arch='noarch'/>",
    "<Instance version='any'/>",
    "<Ignore name='/x'/>",
    "<BoundPath name='/x' type='ignore'/>",
    " epoch='x'",
    " epoch='0'",
    " version='1-1-1'",
    " version='auto'",
    " pkg_checks='False'",
    " verify_flags='nomd5, x'",
    " failure='no'",
    " type='yum'",
    "\n",
    "[RPMng]\n",
    "legacy_quirks = yes\n",
    "%(a)s",
];

const CONFIGURATION: &str = "<Configuration revision='7'><Bundle name='b1'>
<Package name='alpha' type='rpm' uri='/srv'><Ignore name='/etc/x'/>
<Instance simplefile='a.rpm' version='1.0' release='1' arch='noarch' verify_flags='nomtime'/></Package>
<Package name='beta' type='yum' version='auto' pkg_checks='True'/>
<Package name='gamma' type='rpm' version='1.0-1' url='/srv/g.rpm' simplefile='g.rpm'/>
<Package name='kernel' type='rpm'><Instance version='any' release='any' arch='noarch' epoch='0'/></Package>
<Path name='/etc/y' type='ignore'/></Bundle><Independent><Service name='sshd'/></Independent></Configuration>";

const SETTINGS: &str = "[communication]\nretries = 3\npassword = 100%\n[client]\ndrivers = RPMng\n[RPMng]\n\
pkg_checks = yes\ninstalled_action = install\n[YUM]\nfix_version = no\n";

#[test]
fn whatever_is_declared_what_is_not_installed_is_never_good() {
    for (number, good) in [CONFIGURATION, SETTINGS].into_iter().enumerate() {
        body::configuration(good.as_bytes());
        let seed = number as u64;
        let bent = hostile::cut(good.as_bytes(), seed, 400)
            .into_iter()
            .chain(hostile::flipped(good.as_bytes(), seed, 400));
        for case in bent {
            body::configuration(&case.bytes);
        }
        let mut random = Seeded::new(seed);
        for _ in 0..1500 {
            let mut bytes = good.as_bytes().to_vec();
            for _ in 0..=random.below(4) {
                let at = random.below(bytes.len() as u64 + 1) as usize;
                let piece = random.pick(&PIECES).as_bytes();
                let end = (at + random.below(6) as usize).min(bytes.len());
                bytes.splice(at..end, piece.iter().copied());
            }
            body::configuration(&bytes);
        }
    }
}

#[test]
fn one_byte_order_mark_is_passed_over_and_a_second_is_text() {
    let parse = |marks: &str| {
        let text = format!("{marks}{CONFIGURATION}");
        body::configuration(text.as_bytes());
        airlock_pkgstate::declared::parse_configuration("entries.xml", text.as_bytes())
    };
    assert!(parse("\u{feff}").is_ok());
    let error = parse("\u{feff}\u{feff}").unwrap_err().to_string();
    assert!(error.contains("text outside the root element"), "{error}");
    // What fuzzing found.
    body::configuration(b"\xef\xbb\xbf\xef\xbb\xbf`");
}
