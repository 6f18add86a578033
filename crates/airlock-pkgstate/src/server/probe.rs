//! Probes: scripts of the server that say which groups a machine is in. Their output goes back before the configuration comes.

use super::ServerError;
use crate::xml::{Document, Element, Node, is_character};

/// A script that the server wants run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// Its name.
    pub name: String,
    /// The plugin of the server that the answer is for.
    pub source: String,
    /// The program that reads the script, perhaps with one argument; `/bin/sh` when the server names none.
    pub interpreter: String,
    /// The script.
    pub script: String,
}

/// What became of a probe.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Probed {
    /// What it wrote to standard output; goes to the server, also when it failed.
    pub output: String,
    /// Why it failed.
    pub failure: Option<String>,
    /// What the operator should know.
    pub notes: Vec<String>,
}

/// Runs probes.
pub trait Prober {
    /// Runs one.
    fn run(&mut self, probe: &Probe) -> Probed;
}

/// How probes are run.
pub struct Probing<'p> {
    /// Who runs them.
    pub prober: &'p mut dyn Prober,
    /// One that fails ends the run (`exit_on_probe_failure`).
    pub exit_on_failure: bool,
}

/// The probes of the answer to `GetProbes`.
pub(super) fn parse(xml: &str) -> Result<Vec<Probe>, ServerError> {
    if xml.trim().is_empty() {
        return Ok(Vec::new());
    }
    let document =
        Document::parse("probes", xml.as_bytes()).map_err(|error| ServerError::Answer {
            method: "GetProbes",
            why: error.to_string(),
        })?;
    let probes = document.root.walk().filter(|one| one.name == "probe");
    Ok(probes
        .map(|probe| {
            let text = |name| probe.attribute(name).unwrap_or_default().to_owned();
            let interpreter = probe.attribute("interpreter").map(str::trim);
            let interpreter = interpreter.filter(|words| !words.is_empty());
            Probe {
                name: text("name"),
                source: text("source"),
                interpreter: interpreter.unwrap_or("/bin/sh").to_owned(),
                script: script(probe),
            }
        })
        .collect())
}

fn script(probe: &Element) -> String {
    let texts = probe.children.iter().filter_map(|child| match child {
        Node::Text(text) => Some(text.as_str()),
        _ => None,
    });
    texts.collect()
}

/// Runs probes and makes the document of `RecvProbeData`.
///
/// # Errors
/// [`ServerError::Probe`] when one fails and that ends the run.
pub(super) fn run(
    probes: &[Probe],
    probing: &mut Probing<'_>,
    notes: &mut Vec<String>,
) -> Result<String, ServerError> {
    let mut data = Element::new("ProbeData");
    for probe in probes {
        let probed = probing.prober.run(probe);
        let named = probed.notes.iter();
        notes.extend(named.map(|note| format!("probe {}: {note}", probe.name)));
        if let Some(why) = probed.failure {
            if probing.exit_on_failure {
                return Err(ServerError::Probe {
                    name: probe.name.clone(),
                    why,
                });
            }
            notes.push(format!("probe {}: {why}", probe.name));
        }
        let mut answer = Element::new("probe-data")
            .with("name", probe.name.as_str())
            .with("source", probe.source.as_str());
        if !probed.output.is_empty() {
            let text = probed.output.chars();
            let text = text.map(|one| if is_character(one) { one } else { '\u{fffd}' });
            answer.children.push(Node::Text(text.collect()));
        }
        data.push(answer);
    }
    Ok(data.to_xml())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    struct Says(&'static str, Option<&'static str>);

    impl Prober for Says {
        fn run(&mut self, _: &Probe) -> Probed {
            Probed {
                output: self.0.to_owned(),
                failure: self.1.map(str::to_owned),
                notes: Vec::new(),
            }
        }
    }

    #[test]
    fn probes_are_read_whole_and_their_output_goes_back_under_name_and_source() {
        let xml = "<probes><probe name='groups' source='Probes' interpreter='/usr/bin/python3 -I'># a &lt; b\nprint(1)\n</probe>\
            <probe name='b' source='Probes'/></probes>";
        let probes = parse(xml).unwrap();
        assert_eq!(probes[0].script, "# a < b\nprint(1)\n");
        assert_eq!(probes[0].interpreter, "/usr/bin/python3 -I");
        assert_eq!(probes[1].interpreter, "/bin/sh");
        let mut notes = Vec::new();
        let mut says = Says("group:a&b\u{1}\n", Some("it failed"));
        let mut probing = Probing {
            prober: &mut says,
            exit_on_failure: false,
        };
        let data = run(&probes[..1], &mut probing, &mut notes).unwrap();
        assert_eq!(
            data,
            "<ProbeData><probe-data name=\"groups\" source=\"Probes\">group:a&amp;b&#65533;\n</probe-data></ProbeData>"
        );
        assert_eq!(notes, ["probe groups: it failed"]);
        probing.exit_on_failure = true;
        let error = run(&probes, &mut probing, &mut notes).unwrap_err();
        assert!(
            error.to_string().contains("probe groups failed: it failed"),
            "{error}"
        );
    }
}
