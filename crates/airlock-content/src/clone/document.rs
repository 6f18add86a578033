//! Plans as bytes: JSON, a line for each erratum, package and requirement, so that two plans can be compared by `diff`.

use std::io;

use airlock_model::Plan;
use serde::Serialize as _;
use serde_json::ser::Formatter;
use sha2::{Digest as _, Sha256};

use super::consistency;
use crate::checksum::sha256_hex;
use crate::{Error, Result};

/// Bytes of the largest plan that is read: one of about a million packages.
pub const LARGEST_PLAN: usize = 256 << 20;

/// Arrays and objects below this depth stand in one line.
const OPEN_DEPTH: usize = 4;

/// How a plan ends.
const END: &[u8] = b"\n}\n";

/// The bytes of a plan, with their digest as its last field. Equal plans give equal bytes.
///
/// # Errors
/// Never for a plan that can be held in memory; writing goes to a vector.
pub fn write_plan(plan: &Plan) -> Result<Vec<u8>> {
    let mut out = match &plan.digest {
        None => without_digest(plan)?,
        Some(_) => without_digest(&Plan {
            digest: None,
            ..plan.clone()
        })?,
    };
    let digest = sha256_hex(&out);
    out.truncate(out.len() - END.len());
    out.extend_from_slice(&digest_field(&digest));
    Ok(out)
}

/// How a plan ends that holds its digest.
fn digest_field(digest: &str) -> Vec<u8> {
    format!(",\n \"digest\": \"{digest}\"\n}}\n").into_bytes()
}

/// What the digest of a plan is of.
fn without_digest(plan: &Plan) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut out, Lines::default());
    plan.serialize(&mut serializer)
        .map_err(|error| Error::io("writing a plan", error.into()))?;
    out.push(b'\n');
    Ok(out)
}

/// Reads a plan. One without a digest, as earlier releases wrote them, may be looked at and taken back.
///
/// # Errors
/// [`Error::Invalid`] with line and field for anything that is no plan of this format, for a plan that is not what its
/// digest says, and for one whose request and channels do not belong together.
pub fn read_plan(bytes: &[u8]) -> Result<Plan> {
    read(bytes).map(|(plan, _)| plan)
}

/// Reads a plan that is to be applied: its digest says that it is as it was made.
///
/// # Errors
/// The same, and [`Error::Invalid`] for a plan without a digest.
pub fn read_plan_to_apply(bytes: &[u8]) -> Result<Plan> {
    match read(bytes)? {
        (plan, true) => Ok(plan),
        (_, false) => Err(Error::invalid(
            "the plan has no digest, so nobody knows whether it is as it was made",
            "an earlier release wrote it, or it was changed by hand: plan again, and apply that",
        )),
    }
}

/// A plan, and whether it had a digest.
fn read(bytes: &[u8]) -> Result<(Plan, bool)> {
    /// What every format has.
    #[derive(serde::Deserialize)]
    struct Head {
        format: u32,
    }
    const HINT: &str = "give a file that airlock clone-by-date --plan wrote";
    let refused = |why: String| Error::invalid(format!("this is no plan: {why}"), HINT);
    if bytes.len() > LARGEST_PLAN {
        return Err(refused(format!("it is larger than {LARGEST_PLAN} bytes")));
    }
    let head: Head = serde_json::from_slice(bytes).map_err(|error| refused(error.to_string()))?;
    if head.format != Plan::FORMAT {
        return Err(Error::invalid(
            format!(
                "the plan has format {}, and this release knows {}",
                head.format,
                Plan::FORMAT
            ),
            "use the release that wrote it, or plan again",
        ));
    }
    let mut plan: Plan =
        serde_json::from_slice(bytes).map_err(|error| refused(error.to_string()))?;
    let digest = plan.digest.take();
    if let Some(digest) = &digest
        && !is_as_made(&plan, digest, bytes)?
    {
        return Err(Error::invalid(
            "the plan is not as it was made: what it says does not fit its digest",
            "it was changed by hand or damaged: change the wish and plan again",
        ));
    }
    consistency::check(&plan)?;
    Ok((plan, digest.is_some()))
}

/// Whether a plan's digest is that of what it says. Where it was only written in another way, what counts is what it
/// would be written as here.
fn is_as_made(plan: &Plan, digest: &str, bytes: &[u8]) -> Result<bool> {
    if let Some(head) = bytes.strip_suffix(&*digest_field(digest)) {
        let mut hasher = Sha256::new();
        hasher.update(head);
        hasher.update(END);
        if hex::encode(hasher.finalize()) == digest {
            return Ok(true);
        }
    }
    Ok(sha256_hex(&without_digest(plan)?) == digest)
}

/// Indents down to [`OPEN_DEPTH`] and keeps what is deeper in one line.
#[derive(Debug, Default)]
struct Lines {
    depth: usize,
    /// Whether the container has something in it, for each open one.
    filled: Vec<bool>,
}

impl Lines {
    fn begin<W: io::Write + ?Sized>(&mut self, writer: &mut W, bracket: &[u8]) -> io::Result<()> {
        self.depth += 1;
        self.filled.push(false);
        writer.write_all(bracket)
    }

    fn end<W: io::Write + ?Sized>(&mut self, writer: &mut W, bracket: &[u8]) -> io::Result<()> {
        let filled = self.filled.pop().unwrap_or_default();
        let open = self.depth <= OPEN_DEPTH;
        self.depth -= 1;
        if filled && open {
            self.line(writer, self.depth)?;
        }
        writer.write_all(bracket)
    }

    fn line<W: io::Write + ?Sized>(&self, writer: &mut W, depth: usize) -> io::Result<()> {
        writer.write_all(b"\n")?;
        (0..depth).try_for_each(|_| writer.write_all(b" "))
    }

    fn next<W: io::Write + ?Sized>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if let Some(filled) = self.filled.last_mut() {
            *filled = true;
        }
        let open = self.depth <= OPEN_DEPTH;
        match (first, open) {
            (true, true) => self.line(writer, self.depth),
            (true, false) => Ok(()),
            (false, true) => {
                writer.write_all(b",")?;
                self.line(writer, self.depth)
            }
            (false, false) => writer.write_all(b", "),
        }
    }
}

impl Formatter for Lines {
    fn begin_array<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.begin(writer, b"[")
    }

    fn end_array<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.end(writer, b"]")
    }

    fn begin_array_value<W: io::Write + ?Sized>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.next(writer, first)
    }

    fn begin_object<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.begin(writer, b"{")
    }

    fn end_object<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.end(writer, b"}")
    }

    fn begin_object_key<W: io::Write + ?Sized>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.next(writer, first)
    }

    fn begin_object_value<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }
}

#[cfg(test)]
mod tests {
    use airlock_model::{CloneRequest, Plan};

    use super::{read_plan, read_plan_to_apply, without_digest, write_plan};

    #[test]
    fn plans_survive_their_bytes_and_other_formats_are_named() {
        let plan = Plan {
            format: Plan::FORMAT,
            request: CloneRequest::default(),
            parents: None,
            channels: Vec::new(),
            unknown_errata: Vec::new(),
            children: Vec::new(),
            digest: None,
        };
        let bytes = write_plan(&plan).unwrap();
        assert_eq!(read_plan(&bytes).unwrap(), plan);
        assert_eq!(read_plan_to_apply(&bytes).unwrap(), plan);
        let text = String::from_utf8(bytes).unwrap();
        // Written in another way it says the same, and a digest inside counts for nothing when it is written.
        let mut value: serde_json::Value = serde_json::from_str(&text).unwrap();
        let read = read_plan_to_apply(value.to_string().as_bytes());
        assert_eq!(read.unwrap(), plan);
        let held = Plan {
            digest: Some("0".repeat(64)),
            ..plan.clone()
        };
        assert_eq!(write_plan(&held).unwrap(), text.as_bytes());
        assert!(text.ends_with("\"\n}\n"), "{text}");
        // Changed, whether or not its digest was left in.
        value["request"]["security_only"] = serde_json::json!(true);
        let error = read_plan(value.to_string().as_bytes()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the plan is not as it was made: what it says does not fit its digest"
        );
        let bare = without_digest(&plan).unwrap();
        assert_eq!(read_plan(&bare).unwrap(), plan);
        let error = read_plan_to_apply(&bare).unwrap_err();
        assert!(error.to_string().starts_with("the plan has no digest"));
        assert!(error.hint().unwrap().contains("plan again"));
        assert!(
            text.starts_with("{\n \"format\": 1,\n \"request\": {\n  \"channels\": [],\n"),
            "{text}"
        );
        for (from, to, said) in [
            (
                "\"format\": 1",
                "\"format\": 2",
                "the plan has format 2, and this release knows 1",
            ),
            (
                "\"format\": 1,",
                "",
                "this is no plan: missing field `format`",
            ),
            (
                "\"strict\": false",
                "\"strict\": 7",
                "this is no plan: invalid type: integer `7`, expected a boolean at line",
            ),
            (
                "\"strict\"",
                "\"stricter\"",
                "this is no plan: unknown field `stricter`",
            ),
        ] {
            let error = read_plan(text.replace(from, to).as_bytes())
                .unwrap_err()
                .to_string();
            assert!(error.starts_with(said), "{error}");
        }
    }
}
