//! Plans as bytes: JSON, a line for each erratum, package and requirement, so that two plans can be compared by `diff`.

use std::io;

use airlock_model::Plan;
use serde::Serialize as _;
use serde_json::ser::Formatter;

use super::consistency;
use crate::{Error, Result};

/// Bytes of the largest plan that is read: one of about a million packages.
pub const LARGEST_PLAN: usize = 256 << 20;

/// Arrays and objects below this depth stand in one line.
const OPEN_DEPTH: usize = 4;

/// The bytes of a plan. Equal plans give equal bytes.
///
/// # Errors
/// Never for a plan that can be held in memory; writing goes to a vector.
pub fn write_plan(plan: &Plan) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut out, Lines::default());
    plan.serialize(&mut serializer)
        .map_err(|error| Error::io("writing a plan", error.into()))?;
    out.push(b'\n');
    Ok(out)
}

/// Reads a plan.
///
/// # Errors
/// [`Error::Invalid`] with line and field for anything that is no plan of this format, and for a plan whose request and
/// channels do not belong together.
pub fn read_plan(bytes: &[u8]) -> Result<Plan> {
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
    let plan = serde_json::from_slice(bytes).map_err(|error| refused(error.to_string()))?;
    consistency::check(&plan)?;
    Ok(plan)
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

    use super::{read_plan, write_plan};

    #[test]
    fn plans_survive_their_bytes_and_other_formats_are_named() {
        let plan = Plan {
            format: Plan::FORMAT,
            request: CloneRequest::default(),
            parents: None,
            channels: Vec::new(),
            unknown_errata: Vec::new(),
            children: Vec::new(),
        };
        let bytes = write_plan(&plan).unwrap();
        assert_eq!(read_plan(&bytes).unwrap(), plan);
        let text = String::from_utf8(bytes).unwrap();
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
