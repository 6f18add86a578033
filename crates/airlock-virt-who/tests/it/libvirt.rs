//! libvirt through the real `virsh`: its test driver, a node file, and a daemon that serves the test driver.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use airlock_virt_who::settings::Settings;

/// The golden cases were made with another answer to `capabilities` and another host name: a program in the place of
/// virsh asks the real one and puts these in. Without a server it is the test driver's own machine.
pub fn replace_machine(settings: &mut Settings, folder: &Path, name: &str, scratch: &Path) {
    let program = scratch.join("virsh");
    let text = format!(
        r#"#!/usr/bin/env python3
import os, re, subprocess, sys
os.environ["LIBVIRT_DEFAULT_URI"] = "test:///default"
done = subprocess.run(["virsh", *sys.argv[1:]], stdout=subprocess.PIPE, text=True)
text = done.stdout
mark = re.match("@@[0-9a-f]{{16}}@@", text)
if mark:
    parts = text.split(mark[0])
    for at in range(1, len(parts), 2):
        if parts[at] == "capabilities":
            parts[at + 1] = open("{}/capabilities.xml").read()
        elif parts[at] == "hostname":
            parts[at + 1] = "{name}"
    text = mark[0].join(parts)
sys.stdout.write(text)
sys.exit(done.returncode)
"#,
        folder.display()
    );
    std::fs::write(&program, text).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    settings
        .options
        .insert("virsh".to_owned(), program.display().to_string());
}
