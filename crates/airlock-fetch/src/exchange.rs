//! One request with its redirects, each of which is checked before it is followed.

use std::error::Error as StdError;

use reqwest::header::{ACCEPT_ENCODING, DATE, HeaderMap, LOCATION, RETRY_AFTER};
use reqwest::{Response, StatusCode};
use url::Url;

use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::guard::Refused;
use crate::http_date;
use crate::session::Opened;
use crate::shown::ShownUrl;

/// An answer with its body still to come.
pub(crate) struct Answer {
    pub(crate) response: Response,
    /// After redirects.
    pub(crate) url: Url,
}

/// Asks for `url`, follows redirects, and turns everything but success, 304 and 416 into an error.
pub(crate) async fn ask(
    session: &Opened,
    url: &Url,
    extra: &HeaderMap,
    cancel: &Cancel,
) -> Result<Answer> {
    let limit = session.shared.settings.redirects;
    let mut current = url.clone();
    for _ in 0..=limit {
        session.guard.check(&current).await?;
        let response = send(session, &current, extra, cancel).await?;
        let status = response.status();
        if matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
            && response.headers().contains_key(LOCATION)
        {
            current = target(&current, &response)?;
            continue;
        }
        if status.is_success()
            || status == StatusCode::NOT_MODIFIED
            || status == StatusCode::RANGE_NOT_SATISFIABLE
        {
            return Ok(Answer {
                response,
                url: current,
            });
        }
        return Err(status_error(&current, &response));
    }
    Err(Error::TooManyRedirects {
        url: ShownUrl::new(url),
        limit,
    })
}

/// The error of an answer that cannot be used.
pub(crate) fn status_error(url: &Url, response: &Response) -> Error {
    let header = |name| {
        response
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    Error::Status {
        url: ShownUrl::new(url),
        status: response.status().as_u16(),
        retry_after: header(RETRY_AFTER)
            .and_then(|value| http_date::retry_after(value, header(DATE))),
    }
}

async fn send(session: &Opened, url: &Url, extra: &HeaderMap, cancel: &Cancel) -> Result<Response> {
    let timer = &session.shared.timer;
    // The stored bytes are what checksums are over.
    let request = session
        .request(url)
        .header(ACCEPT_ENCODING, "identity")
        .headers(extra.clone());
    let patience = session.shared.settings.answer_timeout;
    let late = timer.until(timer.now().saturating_add(patience));
    let answered = async {
        tokio::select! {
            answer = request.send() => Some(answer),
            () = late => None,
        }
    };
    match cancel.guard(answered).await? {
        Some(Ok(response)) => Ok(response),
        Some(Err(error)) => Err(translate(url, error)),
        None => Err(Error::Connect {
            url: ShownUrl::new(url),
            reason: format!("no answer within {} s", patience.as_secs()),
        }),
    }
}

/// Where a redirect leads, if it may.
fn target(from: &Url, response: &Response) -> Result<Url> {
    let refused = |to: &Url, reason| Error::RedirectRefused {
        from: ShownUrl::new(from),
        to: ShownUrl::new(to),
        reason,
    };
    let joined = response
        .headers()
        .get(LOCATION)
        .and_then(|value| std::str::from_utf8(value.as_bytes()).ok())
        .and_then(|text| from.join(text).ok());
    let Some(mut to) = joined else {
        return Err(refused(from, "the Location header is no URL"));
    };
    match to.scheme() {
        "https" => {}
        "http" if from.scheme() == "https" => {
            return Err(refused(&to, "it leads from https to http"));
        }
        "http" => {}
        "file" => return Err(refused(&to, "it leads to a local file")),
        _ => return Err(refused(&to, "it leads away from http and https")),
    }
    // A password that the other side made up is not ours to send.
    let _ = to.set_username("");
    let _ = to.set_password(None);
    to.set_fragment(None);
    Ok(to)
}

/// Takes the HTTP library's error apart.
pub(crate) fn translate(url: &Url, error: reqwest::Error) -> Error {
    if let Some(refused) = find::<Refused>(&error) {
        return Error::AddressRefused {
            url: ShownUrl::new(url),
            address: refused.address,
            class: refused.class,
        };
    }
    let shown = ShownUrl::new(url);
    if let Some(tls) = find::<rustls::Error>(&error) {
        return Error::Tls {
            url: shown,
            reason: tls.to_string(),
        };
    }
    Error::Connect {
        url: shown,
        reason: reason(&error),
    }
}

/// The innermost reason of an error; the outer ones only repeat the URL, with its secrets.
pub(crate) fn reason(error: &(dyn StdError + 'static)) -> String {
    let mut last = error;
    while let Some(next) = last.source() {
        last = next;
    }
    if let Some(error) = last.downcast_ref::<reqwest::Error>() {
        return if error.is_timeout() {
            "timed out".to_owned()
        } else if error.is_builder() {
            "a setting is not usable".to_owned()
        } else {
            "the connection failed".to_owned()
        };
    }
    last.to_string()
}

/// Looks for an error of type `E` in the chain, also inside of I/O errors, which hide theirs.
fn find<'a, E: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(current) = next {
        if let Some(found) = current.downcast_ref::<E>() {
            return Some(found);
        }
        if let Some(io) = current.downcast_ref::<std::io::Error>()
            && let Some(inner) = io.get_ref()
            && let Some(found) = find::<E>(inner)
        {
            return Some(found);
        }
        next = current.source();
    }
    None
}
