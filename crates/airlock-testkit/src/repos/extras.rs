//! What few repositories have: zchunk metadata, kickstart trees.

use std::path::Path;
use std::process::Command;

use super::Repository;
use crate::programs::{require, run_ok};
use crate::served::sha256;

impl Repository {
    /// Adds `primary_zck`, `filelists_zck` and `other_zck` beside the gzip files of the last publication, with header
    /// size and header checksum, as createrepo_c with zchunk does.
    ///
    /// # Panics
    /// When the zchunk programs are missing, or when the metadata is not compressed with gz.
    #[track_caller]
    pub fn add_zchunk(&self) {
        let repodata = self.folder().join("repodata");
        let mut repomd =
            std::fs::read_to_string(self.repomd()).expect("the repository is published");
        for kind in ["primary", "filelists", "other"] {
            let packed = find(&repodata, &format!("{kind}.xml.gz"));
            let opened = unpacked(&repodata.join(packed));
            let entry = zchunk_entry(&repodata, kind, &opened);
            let end = repomd.find("</repomd>").expect("repomd.xml has an end");
            repomd.insert_str(end, &entry);
        }
        std::fs::write(self.repomd(), repomd).expect("repomd.xml is written");
    }

    /// Makes the folder a kickstart tree: `.treeinfo` with checksums, a kernel, an initrd and a boot image of a few
    /// bytes each. Returns the paths below the folder, `.treeinfo` not among them.
    ///
    /// # Panics
    /// When a file cannot be written.
    #[track_caller]
    pub fn kickstart_tree(&self) -> Vec<String> {
        let paths = [
            "images/pxeboot/vmlinuz",
            "images/pxeboot/initrd.img",
            "images/boot.iso",
        ];
        let mut checksums = String::new();
        for path in paths {
            let file = self.folder().join(path);
            std::fs::create_dir_all(file.parent().expect("it lies in a folder"))
                .expect("the folder is made");
            let content = format!("not really {path}\n");
            std::fs::write(&file, &content).expect("the image is written");
            checksums.push_str(&format!("{path} = sha256:{}\n", sha256(content.as_bytes())));
        }
        let text = format!(
            "[checksums]\n{checksums}\n[general]\narch = x86_64\nfamily = Example\nname = Example 9\nplatforms = x86_64\nvariant = Base\nversion = 9\n\n\
             [header]\ntype = productmd.treeinfo\nversion = 1.2\n\n\
             [images-x86_64]\nboot.iso = images/boot.iso\ninitrd = images/pxeboot/initrd.img\nkernel = images/pxeboot/vmlinuz\n\n\
             [release]\nname = Example\nshort = EX\nversion = 9\n\n\
             [tree]\narch = x86_64\nbuild_timestamp = 1767225600\nplatforms = x86_64\nvariants = Base\n\n\
             [variant-Base]\nid = Base\nname = Base\npackages = Packages\nrepository = .\ntype = variant\nuid = Base\n"
        );
        std::fs::write(self.folder().join(".treeinfo"), text).expect(".treeinfo is written");
        paths.map(str::to_owned).to_vec()
    }
}

#[track_caller]
fn find(folder: &Path, ending: &str) -> String {
    std::fs::read_dir(folder)
        .expect("the repository is published")
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .find(|name| name.ends_with(ending))
        .unwrap_or_else(|| panic!("no {ending} in {}: publish with gz first", folder.display()))
}

#[track_caller]
fn unpacked(file: &Path) -> Vec<u8> {
    let output = Command::new(require("gzip"))
        .arg("-dc")
        .arg(file)
        .output()
        .expect("gzip starts");
    assert!(
        output.status.success(),
        "gzip cannot unpack {}",
        file.display()
    );
    output.stdout
}

/// Packs one file with zck, puts it into the folder under its checksum, and gives its `<data>` element.
#[track_caller]
fn zchunk_entry(repodata: &Path, kind: &str, opened: &[u8]) -> String {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let plain = scratch.path().join("plain.xml");
    let packed = scratch.path().join("plain.xml.zck");
    std::fs::write(&plain, opened).expect("the file is written");
    run_ok(
        Command::new(require("zck"))
            .arg("-o")
            .arg(&packed)
            .arg(&plain),
    );
    let header = run_ok(Command::new(require("zck_read_header")).arg(&packed));
    let field = |name: &str| {
        header
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .map(str::trim)
            .unwrap_or_else(|| panic!("zck_read_header says nothing of {name:?}"))
            .to_owned()
    };
    let bytes = std::fs::read(&packed).expect("zck wrote its file");
    let checksum = sha256(&bytes);
    std::fs::write(repodata.join(format!("{checksum}-{kind}.xml.zck")), &bytes)
        .expect("the file is written");
    format!(
        "  <data type=\"{kind}_zck\">\n    <checksum type=\"sha256\">{checksum}</checksum>\n    <open-checksum type=\"sha256\">{}</open-checksum>\n    \
         <header-checksum type=\"sha256\">{}</header-checksum>\n    <location href=\"repodata/{checksum}-{kind}.xml.zck\"/>\n    \
         <timestamp>1767225600</timestamp>\n    <size>{}</size>\n    <open-size>{}</open-size>\n    <header-size>{}</header-size>\n  </data>\n",
        sha256(opened),
        field("Header checksum:"),
        bytes.len(),
        opened.len(),
        field("Header size:")
    )
}
