//! Farewell: pairs of destination and source that are no longer configured.

use super::Shared;
use crate::config::DestinationSettings;
use crate::destination::Named;
use crate::state::Report;

/// Tells a server that a source is no longer configured for it, and forgets the pair.
pub(super) async fn retire(
    settings: Option<&DestinationSettings>,
    report: Report,
    shared: &Shared,
) {
    let shown = format!(
        "Configuration \"{}\" is no longer reported to {}",
        report.source, report.destination
    );
    let Some(settings) = settings else {
        tracing::warn!(
            "{shown}; how to reach it is no longer known, so it cannot be told: delete the hosts there"
        );
        shared.state.forget(&report);
        return;
    };
    let accepted = report.accepted();
    if !accepted.ever && accepted.marks.incarnation.is_empty() {
        // Nothing ever arrived there, so nothing has to be undone.
        tracing::info!("{shown}; it never was");
        shared.state.forget(&report);
        return;
    }
    let id_kind = accepted
        .id_kind
        .as_deref()
        .and_then(crate::model::IdKind::of_word)
        .unwrap_or_default();
    let told = match shared.make.destination(settings) {
        Ok(mut destination) => {
            destination
                .retire(Named {
                    source: &report.source,
                    kind: &report.kind,
                    id_kind,
                    marks: &accepted.marks,
                })
                .await
        }
        Err(error) => Err(error),
    };
    match told {
        Ok(None) => tracing::info!("{shown}; the server was told"),
        Ok(Some(remark)) => tracing::warn!("{shown}: {remark}"),
        Err(error) => {
            // It stays in the state and is tried again at the next start or reload.
            tracing::error!("{shown}, and could not be told: {error}");
            return;
        }
    }
    shared.state.forget(&report);
}
