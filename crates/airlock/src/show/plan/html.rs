//! A plan as one HTML page that needs nothing else: no script, no font, no picture, no network.

use std::fmt::Write as _;

use airlock_model::{ChannelSummary, Plan, PlannedChannel};

use super::text::{day, head};
use super::{asked, limit, reason, split, surprises};
use crate::show::plain;

/// Light and dark by what the reader's machine prefers.
const STYLE: &str = "\
:root{color-scheme:light dark;--line:#ccc;--head:#f2f2f2;--warn:#8a4b00;--warn-bg:#fff4e0}
@media(prefers-color-scheme:dark){:root{--line:#444;--head:#222;--warn:#ffc56b;--warn-bg:#33270f}}
body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:80rem;padding:0 1rem}
table{border-collapse:collapse;width:100%;margin:.5rem 0 1.5rem}
th,td{border:1px solid var(--line);padding:.25rem .5rem;text-align:left;vertical-align:top;overflow-wrap:anywhere}
th{background:var(--head)}
.surprise{border-left:.4rem solid var(--warn);background:var(--warn-bg);padding:.1rem 1rem;margin:1rem 0}
.number{text-align:right}
@media print{body{margin:0;max-width:none}}
";

/// The page.
#[must_use]
pub fn html(plan: &Plan) -> String {
    let title = format!("Clone by date: {}", asked(plan));
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n<style>\n{STYLE}</style>\n\
         </head>\n<body>\n<h1>{title}</h1>\n",
        title = escaped(&title)
    );
    let rows = plan.channels.iter().map(|channel| {
        let summary = ChannelSummary::from(channel);
        vec![
            head(channel),
            summary.errata_selected.to_string(),
            summary.errata_pulled.to_string(),
            format!("+{} -{}", summary.packages, summary.removed),
            channel.kept.to_string(),
            (summary.packages_beyond + summary.errata_beyond).to_string(),
            summary.open.to_string(),
            summary.broken.to_string(),
        ]
    });
    table(
        &mut out,
        &[
            "Channel",
            "Errata selected",
            "Errata pulled in",
            "Packages",
            "Packages that stay",
            "Surprises",
            "Open",
            "Broken",
        ],
        rows,
    );
    for channel in &plan.channels {
        if let Some(day) = channel.reaches {
            let said = format!("{}: {}", channel.destination.label, super::goes_on(day));
            let _ = writeln!(out, "<p>{}</p>", escaped(&said));
        }
    }
    surprising(&mut out, plan);
    for child in plan
        .children
        .iter()
        .filter(|child| !child.broken.is_empty())
    {
        part(
            &mut out,
            &format!(
                "{}: can no longer be installed beside the changed base",
                child.channel.label
            ),
            &["Package", "Problem"],
            child
                .broken
                .iter()
                .map(|broken| vec![broken.nevra.clone(), broken.problem.join("; ")]),
        );
    }
    for channel in &plan.channels {
        of_channel(&mut out, channel);
    }
    out.push_str("</body>\n</html>\n");
    out
}

fn surprising(out: &mut String, plan: &Plan) {
    let all: Vec<Vec<String>> = plan
        .channels
        .iter()
        .flat_map(|channel| {
            surprises(plan, channel).into_iter().map(|surprise| {
                vec![
                    channel.destination.label.to_string(),
                    surprise.name,
                    surprise.why,
                    surprise.because,
                ]
            })
        })
        .collect();
    if all.is_empty() {
        return;
    }
    out.push_str("<div class=\"surprise\">\n");
    heading(out, &format!("Surprises: newer than {}", limit(plan)));
    table(
        out,
        &["Channel", "What", "Why it is one", "Why it is there"],
        all.into_iter(),
    );
    out.push_str("</div>\n");
}

fn of_channel(out: &mut String, channel: &PlannedChannel) {
    let label = &channel.destination.label;
    part(
        out,
        &format!("{label}: errata that come in"),
        &[
            "Advisory",
            "In the clone",
            "Type",
            "Severity",
            "Issued",
            "CVEs",
            "Title",
            "Because",
        ],
        channel.errata.iter().map(|erratum| {
            vec![
                erratum.advisory.clone(),
                erratum.published_as.clone(),
                erratum.kind.clone(),
                erratum.severity.clone(),
                erratum.issued.map(day).unwrap_or_default(),
                erratum.cves.join(" "),
                erratum.title.clone(),
                reason::erratum(&erratum.reason),
            ]
        }),
    );
    part(
        out,
        &format!("{label}: packages that come in"),
        &["Package", "Before", "After", "Because"],
        channel.packages.iter().map(|package| {
            let (name, evr, arch) = split(&package.nevra);
            let inferred = if package.inferred {
                "; inferred from dates, not recorded"
            } else {
                ""
            };
            vec![
                format!("{name}.{arch}"),
                package
                    .replaces
                    .as_deref()
                    .map_or("", super::evr)
                    .to_owned(),
                super::evr(evr).to_owned(),
                format!("{}{inferred}", reason::package(&package.reason)),
            ]
        }),
    );
    part(
        out,
        &format!("{label}: packages that go"),
        &["Package", "Because"],
        channel
            .removals
            .iter()
            .map(|removal| vec![removal.nevra.clone(), reason::removal(&removal.reason)]),
    );
    for (title, list) in [
        ("errata that go", &channel.errata_removed),
        ("put in by hand, and stay", &channel.by_hand),
        ("taken out by hand, and stay out", &channel.left_out),
    ] {
        part(
            out,
            &format!("{label}: {title}"),
            &["Name"],
            list.iter().map(|name| vec![name.clone()]),
        );
    }
    part(
        out,
        &format!("{label}: requirements that stay open"),
        &["Package", "Requires", "Because", "What would meet it"],
        channel.open.iter().map(|open| {
            vec![
                open.package.clone(),
                open.requires.clone(),
                reason::cause(open.cause).to_owned(),
                open.providers.join(" "),
            ]
        }),
    );
    part(
        out,
        &format!("{label}: recommendations that only the source meets"),
        &["Package", "Recommends", "What would meet it"],
        channel.recommendations.iter().map(|one| {
            vec![
                one.package.clone(),
                one.recommends.clone(),
                one.providers.join(" "),
            ]
        }),
    );
    part(
        out,
        &format!("{label}: packages that cannot be installed"),
        &["Package", "In the source", "Problem"],
        channel.broken.iter().map(|broken| {
            let source = if broken.source_broken {
                "cannot be installed either"
            } else {
                "can be installed"
            };
            vec![
                broken.nevra.clone(),
                source.to_owned(),
                broken.problem.join("\n"),
            ]
        }),
    );
}

/// A heading and a table, where there is something to show.
fn part(
    out: &mut String,
    title: &str,
    heads: &[&str],
    rows: impl ExactSizeIterator<Item = Vec<String>>,
) {
    if rows.len() > 0 {
        heading(out, &format!("{title} ({})", rows.len()));
        table(out, heads, rows);
    }
}

fn heading(out: &mut String, text: &str) {
    let _ = writeln!(out, "<h2>{}</h2>", escaped(text));
}

fn table(out: &mut String, heads: &[&str], rows: impl Iterator<Item = Vec<String>>) {
    out.push_str("<table>\n<thead><tr>");
    for head in heads {
        let _ = write!(out, "<th scope=\"col\">{}</th>", escaped(head));
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    for row in rows {
        out.push_str("<tr>");
        for cell in row {
            let number = !cell.is_empty() && cell.bytes().all(|byte| byte.is_ascii_digit());
            let class = if number { " class=\"number\"" } else { "" };
            let text = escaped(&cell).replace('\n', "<br>");
            let _ = write!(out, "<td{class}>{text}</td>");
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody>\n</table>\n");
}

/// Text without anything that a browser would take for markup.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in plain(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}
