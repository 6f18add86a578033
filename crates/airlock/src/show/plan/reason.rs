//! Reasons in words, as they fit behind "because".

use airlock_model::{
    Beyond, ErratumReason, Instant, OpenCause, PackageReason, Plan, PlannedErratum, RemovalReason,
};

use super::text::day;

/// Why a package comes in.
#[must_use]
pub fn package(reason: &PackageReason) -> String {
    match reason {
        PackageReason::OriginalState => "no erratum lists it (original state)".to_owned(),
        PackageReason::Erratum { advisory } => format!("it belongs to erratum {advisory}"),
        PackageReason::Needed {
            by,
            requires,
            advisory: Some(advisory),
        } => format!("{by} requires {requires} (erratum {advisory} brings it)"),
        PackageReason::Needed { by, requires, .. } => format!("{by} requires {requires}"),
        PackageReason::WithErratum { advisory } => format!("it comes with erratum {advisory}"),
        PackageReason::Recorded => "the recorded version has it".to_owned(),
        PackageReason::Revised { advisory } => {
            format!("erratum {advisory}, which the clone has already, got it later")
        }
        PackageReason::Missing { advisory } => {
            format!("erratum {advisory}, which the clone has, lists it, and it was missing")
        }
    }
}

/// Why an erratum comes in.
#[must_use]
pub fn erratum(reason: &ErratumReason) -> String {
    match reason {
        ErratumReason::Date => "its date is in range".to_owned(),
        ErratumReason::Named => "it was asked for by name".to_owned(),
        ErratumReason::Needed {
            package,
            by,
            requires,
        } => format!("{by} requires {requires}, which its package {package} provides"),
        ErratumReason::Recorded => "the recorded version has it".to_owned(),
        ErratumReason::Revised => "the clone has it, and its original was revised".to_owned(),
    }
}

/// Why a package goes.
#[must_use]
pub fn removal(reason: &RemovalReason) -> String {
    match reason {
        RemovalReason::Removelist { pattern } => format!("the removelist's {pattern} matches it"),
        RemovalReason::NotRecorded => "the recorded version does not have it".to_owned(),
        RemovalReason::ByHand => "it was put in by hand, and that goes, too (--prune)".to_owned(),
    }
}

/// Why a requirement stays open.
#[must_use]
pub const fn cause(cause: OpenCause) -> &'static str {
    match cause {
        OpenCause::Source => "nothing in the source's tree meets it either",
        OpenCause::KeptOut => "what would meet it is kept out by blacklist or removelist",
        OpenCause::Parent => {
            "what would meet it is in the source's base channel, and the clone's base channel is not changed"
        }
        OpenCause::NotSolved => "dependencies were not to be pulled in",
        OpenCause::BeyondDate => "what would meet it is beyond the date, and that was forbidden",
    }
}

/// Why an erratum counts as newer than the date.
#[must_use]
pub fn later(plan: &Plan, erratum: &PlannedErratum) -> &'static str {
    let is_later = |at: Option<Instant>| {
        let limit = plan.request.to_date.map(|date| date.to_string());
        limit.zip(at).map(|(limit, at)| day(at) > limit)
    };
    let by_issue = !plan.request.use_update_date;
    match (is_later(erratum.issued), is_later(erratum.updated)) {
        (Some(false), Some(true)) if by_issue => "it was changed later",
        _ => "its date is later",
    }
}

/// Why a package counts as newer than the date.
#[must_use]
pub const fn beyond(beyond: Beyond) -> &'static str {
    match beyond {
        Beyond::Erratum => "every erratum that lists it is later",
        Beyond::Build => "it was built later",
        Beyond::Seen => "no erratum lists it, and the source got it later",
    }
}
