//! The fuzz target's body, run on stable over good files, their cuts and flips, and pieces put anywhere.

#[path = "../../../../fuzz/bodies/package_list.rs"]
pub mod package_list;

use airlock_testkit::hostile;
use airlock_testkit::seeded::Seeded;

/// Pieces that mean something to the parsers, to be put anywhere.
const PIECES: [&str; 34] = [
    "<",
    ">",
    "&",
    "&amp;",
    "&#0;",
    "&#10;",
    "&#x10FFFF;",
    "]]>",
    "<![CDATA[",
    "<!--",
    "-->",
    "<?x?>",
    "\"",
    "'",
    "/>",
    "</",
    "<Group name='g'>",
    "</Group>",
    "<Package name='alpha'>",
    "<Ignore name='/x'/>",
    " negate='true'",
    " epoch='1'",
    " version=\"any\"",
    "\u{1}",
    "\u{ffff}",
    "é",
    "\r\n",
    "\t",
    " xmlns:a='b'",
    " a:b='c'",
    " type='rpm'",
    " priority='3'",
    " group='g'",
    "stray",
];

/// A list with everything that lists have.
const LIST: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<!-- top -->
<PackageList uri='http://fortress/' priority='0' type='rpm' srcs="a b">
  <!-- one -->
  <Group name="Centos4.4-Standard" verify_flags='nomd5, nosize'>
    <Client name='h' negate='false'><Package name='glibc' pkg_checks='True' other="1">
        <Ignore name='/etc/rpc'/><!-- two -->
        <Instance simplefile='glibc-2.3.4-2.25.x86_64.rpm' version='2.3.4' release='2.25' arch='x86_64'>
          <!-- three --><Ignore name='/etc/foo'/></Instance>
        <Instance version='2.3.4' release='2.25' arch='i686' epoch="0"/>
    </Package></Client>
  </Group>
  <Group name='x' negate='true' group='y'><Group name='y'><Package name='a' version='1-1' file=''/></Group></Group>
  <Package file='d-1.0-1.%(arch)s.rpm' multiarch='i386 x86_64'/>
  <Package name="caf&#233; &lt;&amp;&gt; &quot;&apos;"><![CDATA[ ]]><Instance version='1' arch='noarch' release='1'/></Package>
</PackageList>
"#;

const RULES: &str = r#"<Rules priority="1"><Path name="/etc/x/" type="ignore" owner='root'/><Group name='g'>
<Package name='p' type='yum' version='auto'><Instance version='1' release='2' arch='any'/></Package></Group></Rules>"#;

const NATIVE: &str = r#"airlock-packages = 1
kind = "pkgmgr"
priority = 0
type = "rpm"
uri = "http://fortress/"
comment = ["top", "of it"]

[[package]]
name = "glibc"
pkg_checks = false
verify_flags = ["nomd5", "nosize"]
ignore = ["/etc/rpc"]
instances = [
    { version = "2.3.4", release = "2.25", arch = "x86_64", ignore = ["/etc/foo"], comment = "c" },
]
other = { mine = "1" }

[[package]]
name = "kernel"
set = { running = true, newest = 2 }

[[key]]
fingerprint = "1A2B3C4D5E6F708192A3B4C5D6E7F8091A2B3C4D"
created = "443e1821"
until = 2027-03-31

[[when]]
group = "g"
not = true
[[when.package]]
name = "a"
[[when.when]]
client = "h"
[[when.when.package]]
name = "b"
"#;

#[test]
fn lists_are_read_written_updated_and_converted_without_a_surprise() {
    let tools = "tests/data/bcfg2/pkgmgr_update/input-rpm.xml";
    let tools = format!("{}/{tools}", env!("CARGO_MANIFEST_DIR"));
    let tools = std::fs::read_to_string(tools).unwrap();
    for (number, good) in [LIST, RULES, NATIVE, &tools].into_iter().enumerate() {
        package_list::package_list(good.as_bytes());
        let seed = number as u64;
        let bent = hostile::cut(good.as_bytes(), seed, 600)
            .into_iter()
            .chain(hostile::flipped(good.as_bytes(), seed, 600));
        for case in bent {
            package_list::package_list(&case.bytes);
        }
        let mut random = Seeded::new(seed);
        for _ in 0..1200 {
            let mut bytes = good.as_bytes().to_vec();
            for _ in 0..=random.below(3) {
                let at = random.below(bytes.len() as u64 + 1) as usize;
                let piece = random.pick(&PIECES).as_bytes();
                let end = (at + random.below(4) as usize).min(bytes.len());
                bytes.splice(at..end, piece.iter().copied());
            }
            package_list::package_list(&bytes);
        }
        package_list::package_list(&random.bytes(200));
    }
    package_list::package_list(b"");
}
