//! Runs of `pkgmgr_gen.py` and `pkgmgr_update.py`: exit status and output, byte by byte.

use std::ffi::OsString;
use std::fs;

use airlock_pkgstate::pkgmgr::cli::{main_gen, main_update};

use super::folder::{ADDRESS, Scratch};
use super::{Folder, Report};

pub fn run(folder: &Folder, report: &mut Report) {
    let scratch = Scratch::new(folder);
    for tool in ["pkgmgr_gen", "pkgmgr_update"] {
        let commands = format!("{tool}/COMMANDS.txt");
        if !folder.path(&commands).exists() {
            report.skip(tool, &[&commands]);
            continue;
        }
        for line in folder
            .text(&commands)
            .lines()
            .filter(|line| !line.trim().is_empty())
        {
            let (name, code, command) = parts(line);
            let lacks =
                |sign: &str, part: &str| command.contains(sign) && !folder.path(part).exists();
            let lacking = [("/srv/", "rpms"), (ADDRESS, "repo")];
            if let Some((_, part)) = lacking.into_iter().find(|(sign, part)| lacks(sign, part)) {
                report.skip(&format!("{tool}/{name}"), &[part]);
                continue;
            }
            report.case(&format!("{tool}/{name}"), |case| {
                let (arguments, here) = arguments(folder, &scratch, tool, command);
                let (mut out, mut err) = (Vec::new(), Vec::new());
                let done = match command.starts_with("pkgmgr_gen") {
                    true => main_gen(arguments, &mut out, &mut err),
                    false => main_update(arguments, &mut out, &mut err),
                };
                case.member("rc", code, done);
                let golden = fs::read(folder.path(&format!("{tool}/{name}.out"))).unwrap();
                let golden = String::from_utf8(golden).unwrap();
                let out = scratch.to_case(&String::from_utf8(out).unwrap());
                case.member("out", golden, out.replace(&here, ""));
            });
        }
    }
}

/// `name | rc=N | command   (remark)`.
fn parts(line: &str) -> (&str, u8, &str) {
    let mut parts = line.splitn(3, '|').map(str::trim);
    let mut next = || {
        parts
            .next()
            .unwrap_or_else(|| panic!("not three parts: {line:?}"))
    };
    let (name, code, command) = (next(), next(), next());
    let code = code.strip_prefix("rc=").and_then(|code| code.parse().ok());
    let command = command.split("  (").next().unwrap_or(command);
    (
        name,
        code.unwrap_or_else(|| panic!("no exit code: {line:?}")),
        command.trim(),
    )
}

/// The arguments as they are here: files beside the commands by their whole path, whose folder is given too.
fn arguments(
    folder: &Folder,
    scratch: &Scratch,
    tool: &str,
    command: &str,
) -> (Vec<OsString>, String) {
    let beside = folder.path(tool);
    let here = format!("{}/", beside.display());
    let words = words(command);
    let writes =
        |number: usize| number > 0 && ["-o", "--outfile"].contains(&words[number - 1].as_str());
    let arguments = words.iter().enumerate().map(|(number, word)| {
        let file = beside.join(word);
        // A file that is written never lies among the cases.
        if writes(number) && !word.starts_with('/') {
            return scratch
                .folder()
                .join(word.replace('/', "_"))
                .into_os_string();
        }
        match !word.is_empty() && !word.contains('/') && file.is_file() {
            true => file.into_os_string(),
            false => scratch.to_here(word).into(),
        }
    });
    (arguments.collect(), here)
}

/// A command line in words; quotes hold blanks.
fn words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for character in command.chars() {
        match (quote, character) {
            (Some(open), _) if open == character => quote = None,
            (None, '\'' | '"') => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            (None, ' ' | '\t') => words.extend(word.take()),
            _ => word.get_or_insert_default().push(character),
        }
    }
    words.extend(word);
    words
}
