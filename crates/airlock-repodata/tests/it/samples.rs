//! Real and made metadata for tests.

use std::path::{Path, PathBuf};

/// The folder of samples given beside the project, where there is one.
pub fn shared(path: &str) -> PathBuf {
    let root = std::env::var_os("AIRLOCK_SAMPLES").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    );
    root.join(path)
}

/// A primary file with these packages as they are.
pub fn primary(packages: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<metadata xmlns=\"http://linux.duke.edu/metadata/common\" xmlns:rpm=\"http://linux.duke.edu/metadata/rpm\" packages=\"1\">\n{packages}\n</metadata>\n"
    )
}

/// A whole package for primary, with `more` before its end.
pub fn package(name: &str, more: &str) -> String {
    format!(
        "<package type=\"rpm\">\n  <name>{name}</name>\n  <arch>noarch</arch>\n  <version epoch=\"1\" ver=\"2.0\" rel=\"3.el9\"/>\n  <checksum type=\"sha256\" pkgid=\"YES\">0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef</checksum>\n  <summary>A &lt;summary&gt;</summary>\n  <description/>\n  <packager>P</packager>\n  <url>http://x/</url>\n  <time file=\"1700000000\" build=\"1600000000.7\"/>\n  <size package=\"10\" installed=\"20\" archive=\"30\"/>\n  <location href=\"Packages/{name}-2.0-3.el9.noarch.rpm\"/>\n  <format>\n    <rpm:license>MIT</rpm:license>\n    <rpm:sourcerpm>{name}-2.0-3.el9.src.rpm</rpm:sourcerpm>\n    <rpm:header-range start=\"4504\" end=\"9000\"/>\n{more}  </format>\n</package>"
    )
}

pub const REPOMD: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<repomd xmlns="http://linux.duke.edu/metadata/repo" xmlns:rpm="http://linux.duke.edu/metadata/rpm" xmlns:s="http://suse">
  <revision>1700000000</revision>
  <tags><content>binary-x86_64</content><repo>Base &amp; more</repo><distro cpeid="cpe:/o:x:y:9">Y 9</distro></tags>
  <data type="primary">
    <checksum type="sha256">0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef</checksum>
    <open-checksum type="sha">0123456789ABCDEF0123456789abcdef01234567</open-checksum>
    <location xml:base="https://cdn.example.com/x/" href="repodata/primary.xml.gz"/>
    <timestamp>1700000000.25</timestamp><size>10</size><open-size>20</open-size>
    <s:extra a="1"/>
  </data>
  <data type="primary_zck">
    <checksum type="sha256">0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef</checksum>
    <header-checksum type="sha256">0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef</header-checksum>
    <location href="repodata/primary.xml.zck"/><header-size>132</header-size>
  </data>
  <data type="primary_db">
    <checksum type="sha256">0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef</checksum>
    <location href="repodata/primary.sqlite.bz2"/><database_version>10</database_version>
  </data>
  <s:product>text<rpm:x/></s:product>
</repomd>
"#;

pub const FILELISTS: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<filelists xmlns="http://linux.duke.edu/metadata/filelists" packages="1">
<package pkgid="abc" name="x" arch="noarch">
  <version epoch="1" ver="2" rel="3"/>
  <file>/etc/x &amp; y</file>
  <file type="dir">/usr/share/x</file>
  <file type="ghost">/var/log/x.log</file>
</package>
</filelists>
"#;

pub const OTHER: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<otherdata xmlns="http://linux.duke.edu/metadata/other" packages="1">
<package pkgid="abc" name="x" arch="noarch">
  <version epoch="1" ver="2" rel="3"/>
  <changelog author="A &lt;a@b&gt; - 1" date="-5">- one</changelog>
  <changelog author="B" date="x">- two
- three</changelog>
</package>
</otherdata>
"#;

pub const UPDATEINFO: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<updates>
<update from="a@example.com" status="final" type="security" version="2">
  <id>RHSA-2026:0001</id><title>Important: x</title>
  <issued date="2026-01-02 03:04:05"/><updated date="2026-01-03"/>
  <rights>Copyright</rights><release>EL 9</release><severity>Important</severity>
  <summary>s</summary><description>A &lt;b&gt; text</description><solution>update</solution>
  <references>
    <reference href="https://bugs/1" id="1" type="bugzilla" title="bug"/>
    <reference href="javascript:alert(1)" id="CVE-2026-1234" type="cve" title="CVE-2026-1234"/>
  </references>
  <pkglist><collection short="el9"><name>EL 9</name><module name="m" stream="1.10" version="20260101" context="c0ffee" arch="x86_64"/>
    <package name="x" version="1" release="2" epoch="0" arch="x86_64" src="x-1-2.src.rpm"><filename>x-1-2.x86_64.rpm</filename>
      <sum type="sha256">abcd</sum><reboot_suggested>True</reboot_suggested></package>
    <package name="y" version="1" release="2" arch="noarch"><restart_suggested>1</restart_suggested><relogin_suggested>0</relogin_suggested></package>
  </collection></pkglist>
</update>
<update><title>nothing else</title></update>
</updates>
"#;

pub const COMPS: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE comps PUBLIC "-//Red Hat, Inc.//DTD Comps info//EN" "comps.dtd">
<comps>
  <group><id>core</id><name xml:lang="de">Kern</name><name>Core</name><description>d</description>
    <default>true</default><uservisible>false</uservisible>
    <packagelist><packagereq type="mandatory">bash</packagereq><packagereq>sh</packagereq>
    <packagereq type="conditional" requires="k">k-l10n</packagereq><packagereq type="odd">o</packagereq></packagelist>
    <unknown a="b"/></group>
  <category><id>base</id><name>Base</name><grouplist><groupid>core</groupid></grouplist></category>
  <environment><id>min</id><name>Minimal</name><grouplist><groupid>core</groupid></grouplist>
    <optionlist><groupid default="true">more</groupid></optionlist></environment>
  <langpacks><match name="x" install="x-%s"/></langpacks>
</comps>
"#;

pub const MODULES: &str = r#"---
document: modulemd
version: 2
data:
  name: nodejs
  stream: 1.10
  version: 8010020260101
  context: c0ffee
  arch: x86_64
  summary: Node
  description: >-
    Several
    lines
  dependencies:
  - buildrequires: {platform: [el8]}
    requires:
      platform: [el8]
      other: [-3, ]
      any: []
  profiles:
    default: {rpms: [nodejs, npm]}
    minimal: &p
      description: small
      rpms: [nodejs]
    same: *p
  api: {rpms: [nodejs]}
  artifacts:
    rpms:
    - nodejs-1:10.0-1.module.x86_64
...
---
document: modulemd-defaults
version: 1
data:
  module: nodejs
  stream: "1.10"
  profiles: {1.10: [default], 12: []}
...
---
document: modulemd-obsoletes
version: 1
data: {module: nodejs, stream: '8', modified: 2026-01-01T00:00Z, eol_date: 2026-02-01T00:00Z, message: gone, obsoleted_by: {module: nodejs, stream: 1.10}}
---
document: modulemd-future
version: 9
data: [kept, as, it, is]   # comment too
"#;

pub const TREEINFO: &str = "[checksums]
images/boot.iso = sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
images/Install.img = md5:0123456789abcdef0123456789abcdef

[general]
family = EL
name = EL 9 %(arch)s
version = 9
; comment
[images-x86_64]
kernel = images/pxeboot/vmlinuz
boot.iso = images/boot.iso
[stage2]
mainimage: images/Install.img
[variant-BaseOS]
repository = .
packages = Packages
[general]
arch = x86_64
";

pub const METALINK: &str = r#"<?xml version="1.0" encoding="utf-8"?>
<metalink version="3.0" xmlns="http://www.metalinker.org/" xmlns:mm0="http://fedorahosted.org/mirrormanager">
 <files><file name="repomd.xml">
   <mm0:timestamp>1700000000</mm0:timestamp><size>3000</size>
   <verification><hash type="md5">0123456789abcdef0123456789abcdef</hash><hash type="odd">x</hash>
   <hash type="sha256">0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef</hash></verification>
   <mm0:alternates><mm0:alternate><mm0:timestamp>1600000000</mm0:timestamp><size>1</size><verification><hash type="sha512">0</hash>
   <hash type="sha1">0123456789abcdef0123456789abcdef01234567</hash></verification></mm0:alternate></mm0:alternates>
   <resources maxconnections="1">
    <url protocol="http" type="http" location="DE" preference="90">http://b.example.com/x/repodata/repomd.xml</url>
    <url protocol="rsync" type="rsync" preference="100">rsync://c.example.com/x/repodata/repomd.xml</url>
    <url protocol="file" preference="100">file:///etc/passwd</url>
    <url protocol="https" preference="100">https://a.example.com/x/repodata/repomd.xml</url>
   </resources></file></files>
</metalink>
"#;
