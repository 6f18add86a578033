//! Packages built for tests: every feature that metadata shows.

use airlock_testkit::rpmbuild::rpmbuild;
use airlock_testkit::rpms::{Kind, Rpm, When};

/// A folder of packages.
pub fn packages() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let _ = rpmbuild(RICH, path);
    let _ = rpmbuild(MULTI, path);
    let _ = rpmbuild(LATIN, path);
    Rpm::nevra("plain-7:1.0~rc1-2^git.x86_64")
        .requires("plain = 7:1.0~rc1")
        .requires("/usr/bin/plain")
        .requires("/etc/plain.conf")
        .requires("/usr/share/plain/data")
        .requires("other >= 1:2-3")
        .requires("libc.so.6(GLIBC_2.4)(64bit)")
        .requires("libc.so.6(GLIBC_2.34)(64bit)")
        .requires("libc.so.6()(64bit)")
        .provides("plain-api = 3")
        .conflicts("enemy < 2")
        .obsoletes("old <= 9-9")
        .recommends("(a if b else c)")
        .dependency(Kind::Suggests, "nice")
        .dependency(Kind::Supplements, "(x and y)")
        .dependency(Kind::Enhances, "z > 1")
        .file("/usr/bin/plain", "#!/bin/sh\n")
        .file("/usr/share/plain/data", "x")
        .config("/etc/plain.conf", "a=b\n")
        .folder("/usr/share/plain")
        .ghost("/var/log/plain.log")
        .link("/usr/sbin/plain", "../bin/plain")
        .script(When::Post, "true")
        .changelog(
            1_700_000_000,
            "Jane <j@example.com> - 1.0-2  ",
            "- two & <three>",
        )
        .changelog(1_700_000_000, "Jane <j@example.com> - 1.0-1", "- one")
        .changelog(1_600_000_000, "Old <o@example.com> - 0.9-1", "- zero")
        .write_to(path);
    Rpm::new("multilib", "1", "1")
        .arch("i686")
        .provides("libmulti.so.1")
        .requires("libc.so.6")
        .requires("libc.so.6(GLIBC_2.0)")
        .file("/usr/lib/libmulti.so.1", "x")
        .write_to(path);
    Rpm::new("empty", "0", "1")
        .summary("")
        .description("")
        .vendor("")
        .write_to(path);
    Rpm::new("sixth", "6", "6")
        .format_six()
        .file("/opt/x", "y")
        .write_to(path);
    folder
}

const RICH: &str = r"
Name: rich
Epoch: 4
Version: 1.2.3
Release: 4%{?dist}
Summary: Rich and weak dependencies, scripts, many changelogs
License: MIT and Apache-2.0
Group: System Environment/Base
URL: https://example.com/?a=1&b=2
Vendor: Vendor & Söhne
Packager: Päckager <p@example.com>
BuildArch: noarch
Requires: (alpha or (beta and gamma < 2))
Requires: (delta if epsilon else zeta)
Requires: twice >= 1
Requires: twice >= 1
Requires: twice >= 2
Requires(pre): shadow-utils
Requires(post): /sbin/ldconfig
Requires(preun): chkconfig
Requires(postun): chkconfig
Requires(pretrans): lua
Requires(posttrans): after
Requires(verify): verifier
Requires(meta,post): metapost
PreReq: prereq
Requires(meta): metathing
Requires: virtual-thing
Recommends: recommended = 1:2-3
Suggests: suggested
Supplements: (rich and langpacks-de)
Enhances: enhanced < 3
Conflicts: enemy <= 2:1.0
Obsoletes: poor < 1:1
Provides: virtual-thing = 7
Provides: unversioned
Provides: font(:lang=de)

%description
First line with <markup> & ampersand.

  Indented ünïcode line with trailing blanks   

%prep
%build
%install
mkdir -p %{buildroot}/etc/rich.d %{buildroot}/usr/bin %{buildroot}/usr/share/rich/bin %{buildroot}/usr/lib %{buildroot}/var/log
touch %{buildroot}/etc/rich.conf %{buildroot}/usr/bin/rich %{buildroot}/usr/share/rich/bin/x %{buildroot}/usr/lib/sendmail
touch '%{buildroot}/usr/share/rich/with space & <odd>' %{buildroot}/usr/share/rich/größe %{buildroot}/var/log/rich.log
ln -s rich %{buildroot}/usr/bin/rich-link

%pre
true
%post -p /sbin/ldconfig
%preun
true
%postun
true
%pretrans -p <lua>
x = 1
%triggerin -- bash
true

%files
%dir /etc/rich.d
%config(noreplace) /etc/rich.conf
/usr/bin/rich
/usr/bin/rich-link
/usr/lib/sendmail
%dir /usr/share/rich
/usr/share/rich/bin
/usr/share/rich/with*
/usr/share/rich/größe
%ghost /var/log/rich.log
%ghost %dir /var/lib/rich-ghost

%changelog
* Wed Jan 14 2026 Tom Twelve <t@example.com> - 1.2.3-4
- Entry twelve & <more>
* Wed Jan 14 2026 Tom Eleven <t@example.com> - 1.2.3-3
- Entry eleven of the same day
* Wed Jan 14 2026 Tom Ten <t@example.com> - 1.2.3-2
- Entry ten of the same day
* Mon Jan 12 2026 Tom Nine <t@example.com> - 9
- nine
* Sun Jan 11 2026 Tom Eight <t@example.com> - 8
- eight
* Sat Jan 10 2026 Tom Seven <t@example.com> - 7
- seven
* Fri Jan 09 2026 Tom Six <t@example.com> - 6
- six
* Thu Jan 08 2026 Tom Five <t@example.com> - 5
- five
* Wed Jan 07 2026 Tom Four <t@example.com> - 4
- four
* Tue Jan 06 2026 Tom Three <t@example.com> - 3
- three
* Mon Jan 05 2026 Tom Two <t@example.com> - 2
- two
* Sun Jan 04 2026 Tom One <t@example.com> - 1
- one
";

const MULTI: &str = r"
Name: multi
Version: 2.0
Release: 1
Summary: A source package with subpackages
License: MIT
%global made %(mkdir -p %{_sourcedir}; touch %{_sourcedir}/multi.tar)
%{made}
Source0: http://example.com/multi.tar
NoSource: 0
BuildRequires: gcc >= 4
BuildRequires: make

%description
Text.

%package libs
Summary: Libraries
Requires: multi = %{version}-%{release}
%description libs
Libraries of multi.

%prep
%build
%install
mkdir -p %{buildroot}/usr/lib
touch %{buildroot}/usr/lib/libmulti.so.1

%files
%files libs
/usr/lib/libmulti.so.1
";

/// Texts in ISO-8859-1, as packages of the past have them.
const LATIN: &str = r"
%global _invalid_encoding_terminates_build 0
Name: latin
Version: 1
Release: 1
Summary: caf%(printf '\351')
License: MIT
BuildArch: noarch
Provides: caf%(printf '\351') = 1

%description
Both%(printf '\303\251 and \351').

%prep
%build
%install
mkdir -p %{buildroot}/etc %{buildroot}/usr/share
touch %{buildroot}/etc/$(printf 'caf\351') %{buildroot}/usr/share/$(printf 'caf\303\251')

%files
/etc/caf*
/usr/share/caf*

%changelog
* Mon Jan 12 2026 J%(printf '\366')rg <j@example.com> - 1
- caf%(printf '\351')
";
