//! The fuzz target's body, run on stable over good texts, their cuts and flips, and noise.

#[path = "../../../../fuzz/bodies/ini.rs"]
mod ini;

use airlock_testkit::hostile;
use airlock_testkit::seeded::Seeded;
use proptest::prelude::*;

const GOOD: [&str; 4] = [
    "[DEFAULT]\na=1\n[b]\nc = %(a)s%%\n  more\n\n  and more\n# remark\nd: \"x\"\n",
    "[esx]\ntype=esx\nserver=vc.example.com\nusername=u\nencrypted_password=0ca3efb89b658d542118f5f09052b27d\nfilter_hosts='a b', \"c\"\n",
    "[a]\nx=%(y)s\ny=%(x)s\nz=%\n[a]\nx=2 ; three\n",
    "VIRTWHO_ESX=1\nVIRTWHO_ESX_PASSWORD='a\"b'\n",
];

#[test]
fn cuts_and_flips_of_good_files_do_no_harm() {
    for (seed, text) in (0..).zip(GOOD) {
        ini::ini(text.as_bytes());
        for case in hostile::cut(text.as_bytes(), seed, 60)
            .into_iter()
            .chain(hostile::flipped(text.as_bytes(), seed, 60))
        {
            ini::ini(&case.bytes);
        }
    }
    let mut random = Seeded::new(5);
    for _ in 0..1000 {
        let length = usize::try_from(random.below(80)).unwrap();
        ini::ini(&random.bytes(length));
    }
}

proptest! {
    #[test]
    fn lines_of_any_kind_do_no_harm(text in "([\\[\\]=:;#% ()s\"'\\\\a-cA-C\r\n\t]|\\PC){0,120}") {
        ini::ini(text.as_bytes());
    }
}
