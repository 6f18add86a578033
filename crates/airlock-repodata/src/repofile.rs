//! `.repo` files for dnf, yum and zypper. Only written.

/// One repository of a `.repo` file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RepoSection {
    /// Id: the section's name.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// URL of the repository.
    pub base_url: Option<String>,
    /// URL of a metalink, instead of or beside the former.
    pub metalink: Option<String>,
    /// Used without being asked for.
    pub enabled: bool,
    /// Signatures of packages are checked.
    pub gpgcheck: bool,
    /// The signature of `repomd.xml` is checked.
    pub repo_gpgcheck: bool,
    /// URLs of keys.
    pub gpg_keys: Vec<String>,
    /// Path of the certificate authority on the client.
    pub ssl_ca_cert: Option<String>,
    /// Any other options, in order.
    pub more: Vec<(String, String)>,
}

/// The file of these repositories. Line ends in values become blanks, so that no value can start
/// an option of its own.
pub fn write(sections: &[RepoSection]) -> String {
    let mut out = String::new();
    for section in sections {
        if !out.is_empty() {
            out.push('\n');
        }
        let id: String = section
            .id
            .chars()
            .filter(|c| !c.is_control() && !matches!(c, '[' | ']'))
            .collect();
        out.push_str(&format!("[{id}]\n"));
        let mut option = |name: &str, value: &str| {
            let value: String = value
                .chars()
                .map(|c| if c.is_control() { ' ' } else { c })
                .collect();
            out.push_str(&format!("{name}={}\n", value.trim()));
        };
        let flag = |set| if set { "1" } else { "0" };
        option("name", &section.name);
        for (name, value) in [
            ("baseurl", &section.base_url),
            ("metalink", &section.metalink),
        ] {
            if let Some(value) = value {
                option(name, value);
            }
        }
        option("enabled", flag(section.enabled));
        option("gpgcheck", flag(section.gpgcheck));
        option("repo_gpgcheck", flag(section.repo_gpgcheck));
        if !section.gpg_keys.is_empty() {
            option("gpgkey", &section.gpg_keys.join(" "));
        }
        if let Some(path) = &section.ssl_ca_cert {
            option("sslcacert", path);
        }
        for (name, value) in &section.more {
            option(name, value);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{RepoSection, write};

    #[test]
    fn a_repo_file_is_what_dnf_reads() {
        let section = RepoSection {
            id: "el9-base".to_owned(),
            name: "EL 9\nenabled=0".to_owned(),
            base_url: Some("https://host/repos/el9-base@$airlock_at/".to_owned()),
            enabled: true,
            gpgcheck: true,
            gpg_keys: vec![
                "https://host/key1".to_owned(),
                "https://host/key2".to_owned(),
            ],
            more: vec![("metadata_expire".to_owned(), "300".to_owned())],
            ..RepoSection::default()
        };
        insta::assert_snapshot!(write(&[section]), @r"
        [el9-base]
        name=EL 9 enabled=0
        baseurl=https://host/repos/el9-base@$airlock_at/
        enabled=1
        gpgcheck=1
        repo_gpgcheck=0
        gpgkey=https://host/key1 https://host/key2
        metadata_expire=300
        ");
    }
}
