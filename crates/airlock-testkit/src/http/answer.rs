//! One answer of the test server: status, headers, body.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use super::Request;

#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Answer {
    pub(super) fn text(status: u16, text: &str) -> Self {
        Self {
            status,
            headers: vec![("Content-Type".to_owned(), "text/plain".to_owned())],
            body: text.as_bytes().to_vec(),
        }
    }

    pub(super) fn redirect(url: &str) -> Self {
        Self {
            status: 302,
            headers: vec![("Location".to_owned(), url.to_owned())],
            body: Vec::new(),
        }
    }

    pub(super) fn whole(body: Vec<u8>) -> Self {
        Self {
            status: 200,
            headers: Vec::new(),
            body,
        }
    }

    /// Reads a file and answers with all of it, a part of it, or "not modified".
    pub(super) fn file(
        file: &Path,
        request: &Request,
        honour_range: bool,
    ) -> std::io::Result<Self> {
        let body = std::fs::read(file)?;
        let modified = std::fs::metadata(file)?.modified()?;
        let stamp = modified
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_nanos());
        let etag = format!("\"{:x}-{stamp:x}\"", body.len());
        let last_modified = http_date(modified);
        let headers = vec![
            ("ETag".to_owned(), etag.clone()),
            ("Last-Modified".to_owned(), last_modified.clone()),
            ("Accept-Ranges".to_owned(), "bytes".to_owned()),
            (
                "Content-Type".to_owned(),
                "application/octet-stream".to_owned(),
            ),
        ];
        let unchanged = match (
            request.headers.get("if-none-match"),
            request.headers.get("if-modified-since"),
        ) {
            (Some(tags), _) => tags.split(',').any(|tag| tag.trim() == etag),
            (None, Some(date)) => *date == last_modified,
            (None, None) => false,
        };
        if unchanged {
            return Ok(Self {
                status: 304,
                headers,
                body: Vec::new(),
            });
        }
        let same_file = request
            .headers
            .get("if-range")
            .is_none_or(|validator| *validator == etag || *validator == last_modified);
        match request.headers.get("range") {
            Some(range) if honour_range && same_file => {
                return Ok(Self::part(body, headers, range));
            }
            _ => {}
        }
        Ok(Self {
            status: 200,
            headers,
            body,
        })
    }

    fn part(body: Vec<u8>, mut headers: Vec<(String, String)>, range: &str) -> Self {
        let length = body.len();
        match parse_range(range, length) {
            Some((first, last)) => {
                headers.push((
                    "Content-Range".to_owned(),
                    format!("bytes {first}-{last}/{length}"),
                ));
                Self {
                    status: 206,
                    headers,
                    body: body[first..=last].to_vec(),
                }
            }
            None => {
                headers.push(("Content-Range".to_owned(), format!("bytes */{length}")));
                Self {
                    status: 416,
                    headers,
                    body: Vec::new(),
                }
            }
        }
    }

    pub(super) fn head(&self) -> String {
        let reason = match self.status {
            200 => "OK",
            206 => "Partial Content",
            302 => "Found",
            304 => "Not Modified",
            401 => "Unauthorized",
            404 => "Not Found",
            416 => "Range Not Satisfiable",
            503 => "Service Unavailable",
            _ => "Injected",
        };
        let mut out = format!("HTTP/1.1 {} {reason}\r\n", self.status);
        for (name, value) in &self.headers {
            out.push_str(&format!("{name}: {value}\r\n"));
        }
        if self.status != 304 {
            out.push_str(&format!("Content-Length: {}\r\n", self.body.len()));
        }
        out.push_str("\r\n");
        out
    }
}

/// First and last byte of `bytes=A-B`, `bytes=A-` or `bytes=-N`; `None` when nothing of the file is meant.
fn parse_range(range: &str, length: usize) -> Option<(usize, usize)> {
    let spec = range.strip_prefix("bytes=")?;
    let (first, last) = spec.split_once('-')?;
    let end = length.checked_sub(1)?;
    if first.is_empty() {
        let wanted: usize = last.parse().ok().filter(|&wanted| wanted > 0)?;
        return Some((length.saturating_sub(wanted), end));
    }
    let first: usize = first.parse().ok()?;
    let last = if last.is_empty() {
        end
    } else {
        last.parse::<usize>().ok()?.min(end)
    };
    (first <= last).then_some((first, last))
}

/// `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, 5.6.7). Civil date by the usual days-to-date arithmetic.
fn http_date(time: SystemTime) -> String {
    let seconds = time
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    let (days, of_day) = (seconds / 86_400, seconds % 86_400);
    let weekday =
        ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"][usize::try_from(days % 7).unwrap_or(0)];
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let names = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let name = names[usize::try_from(month - 1).unwrap_or(0)];
    format!(
        "{weekday}, {day:02} {name} {year} {:02}:{:02}:{:02} GMT",
        of_day / 3_600,
        of_day / 60 % 60,
        of_day % 60
    )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn dates_are_written_as_the_rfc_shows_them() {
        let time = UNIX_EPOCH + Duration::from_secs(784_111_777);
        assert_eq!(http_date(time), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(
            http_date(UNIX_EPOCH + Duration::from_secs(1_709_164_800)),
            "Thu, 29 Feb 2024 00:00:00 GMT"
        );
    }

    #[test]
    fn ranges_are_clamped_to_the_file() {
        assert_eq!(parse_range("bytes=0-3", 10), Some((0, 3)));
        assert_eq!(parse_range("bytes=7-", 10), Some((7, 9)));
        assert_eq!(parse_range("bytes=-4", 10), Some((6, 9)));
        assert_eq!(parse_range("bytes=5-99", 10), Some((5, 9)));
        assert_eq!(parse_range("bytes=10-", 10), None);
        assert_eq!(parse_range("bytes=0-", 0), None);
        assert_eq!(parse_range("bytes=5-2", 10), None);
    }
}
