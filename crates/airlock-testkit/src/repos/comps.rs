//! comps.xml: package groups and environments.

use std::fmt::Write;

use super::escaped;

/// A package group.
#[derive(Debug, Clone)]
pub struct Group {
    /// `core`
    pub id: String,
    /// `Core`
    pub name: String,
    /// Mandatory packages.
    pub mandatory: Vec<String>,
    /// Packages that come unless refused.
    pub default: Vec<String>,
    /// Packages that come when asked for.
    pub optional: Vec<String>,
}

impl Group {
    /// A visible group of mandatory packages.
    #[must_use]
    pub fn new(id: &str, name: &str, mandatory: &[&str]) -> Self {
        Self {
            id: id.to_owned(),
            name: name.to_owned(),
            mandatory: mandatory
                .iter()
                .map(|&package| package.to_owned())
                .collect(),
            default: Vec::new(),
            optional: Vec::new(),
        }
    }
}

/// An environment: a set of groups.
#[derive(Debug, Clone)]
pub struct Environment {
    /// `server`
    pub id: String,
    /// `Server`
    pub name: String,
    /// Ids of its groups.
    pub groups: Vec<String>,
}

/// The text of comps.xml.
#[must_use]
pub fn comps_xml(groups: &[Group], environments: &[Environment]) -> String {
    let mut out = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE comps PUBLIC \"-//Red Hat, Inc.//DTD Comps info//EN\" \"comps.dtd\">\n<comps>\n",
    );
    for group in groups {
        write_group(&mut out, group).expect("writing to memory does not fail");
    }
    for environment in environments {
        write_environment(&mut out, environment).expect("writing to memory does not fail");
    }
    out.push_str("</comps>\n");
    out
}

fn write_group(out: &mut String, group: &Group) -> std::fmt::Result {
    writeln!(
        out,
        "  <group>\n    <id>{}</id>\n    <name>{}</name>\n    <name xml:lang=\"de\">{}</name>\n    <description>The group {}</description>\n    <default>true</default>\n    <uservisible>true</uservisible>\n    <packagelist>",
        escaped(&group.id),
        escaped(&group.name),
        escaped(&format!("{} (de)", group.name)),
        escaped(&group.id)
    )?;
    let lists = [
        ("mandatory", &group.mandatory),
        ("default", &group.default),
        ("optional", &group.optional),
    ];
    for (kind, packages) in lists {
        for package in packages {
            writeln!(
                out,
                "      <packagereq type=\"{kind}\">{}</packagereq>",
                escaped(package)
            )?;
        }
    }
    writeln!(out, "    </packagelist>\n  </group>")
}

fn write_environment(out: &mut String, environment: &Environment) -> std::fmt::Result {
    writeln!(
        out,
        "  <environment>\n    <id>{}</id>\n    <name>{}</name>\n    <description>The environment {}</description>\n    <display_order>1</display_order>\n    <grouplist>",
        escaped(&environment.id),
        escaped(&environment.name),
        escaped(&environment.id)
    )?;
    for group in &environment.groups {
        writeln!(out, "      <groupid>{}</groupid>", escaped(group))?;
    }
    writeln!(out, "    </grouplist>\n  </environment>")
}
