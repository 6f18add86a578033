//! Everything that there is to say about a file.

use airlock_ini::parse;

use super::read::{dialect, of_file};
use super::{Remark, SettingsError};

/// How many lines that are no settings are told.
const MOST: usize = 100;

/// Everything that there is to say about a `bcfg2.conf`, also behind the first thing that is wrong.
pub fn examine_settings(file: &str, bytes: &[u8]) -> Vec<Remark> {
    let mut remarks: Vec<Remark> = Vec::new();
    let mut bytes = bytes.to_vec();
    while remarks.len() < MOST {
        let error = match parse(file, &bytes, &dialect()) {
            Ok(file) => {
                remarks.extend(of_file(&file).1);
                break;
            }
            Err(error) => error,
        };
        // The lines that cannot be read are taken out, and the rest is looked at.
        match error {
            airlock_ini::Error::NoHeader { ref place } => {
                // Up to the next header nothing can be read.
                let line = place.line;
                let mut is_wrong = true;
                blank(&mut bytes, |number, text| {
                    is_wrong &= number <= line || !text.trim_ascii_start().starts_with(b"[");
                    is_wrong && number >= line
                });
                remarks.push(SettingsError::Ini(error).into());
            }
            airlock_ini::Error::Lines { lines } => {
                let wrong: Vec<u32> = lines.iter().map(|line| line.place.line).collect();
                blank(&mut bytes, |number, _| wrong.contains(&number));
                let errors = lines
                    .into_iter()
                    .map(|line| airlock_ini::Error::Lines { lines: vec![line] });
                remarks.extend(errors.map(|error| SettingsError::Ini(error).into()));
            }
            error => {
                remarks.push(SettingsError::Ini(error).into());
                break;
            }
        }
    }
    remarks
}

/// Makes remarks of the lines that are wrong.
fn blank(bytes: &mut [u8], mut is_wrong: impl FnMut(u32, &[u8]) -> bool) {
    let mut start = 0;
    let mut number = 1;
    while start < bytes.len() {
        let rest = &bytes[start..];
        let length = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
        let length = length.unwrap_or(rest.len());
        if is_wrong(number, &rest[..length]) {
            bytes[start..start + length].fill(b'#');
        }
        start += length;
        start += match bytes.get(start..) {
            Some(rest) if rest.starts_with(b"\r\n") => 2,
            _ => 1,
        };
        number += 1;
    }
}
