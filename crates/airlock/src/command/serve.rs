//! `airlock serve` and `airlock restore`.

use std::path::Path;

use airlock_server::settings::{Layer, Settings};
use tracing_subscriber::EnvFilter;

use super::variable;
use crate::cli::Global;
use crate::cli::server::ServeArgs;
use crate::fail::{Fail, Result};
use crate::show;

/// Runs the server until it is told to end.
pub fn run(global: &Global, args: ServeArgs) -> Result {
    if global.server.is_some() {
        return Err(Fail::usage(
            "--server names a running server; airlock serve takes --data",
        ));
    }
    // Before any thread is there.
    airlock_server::memory::limit_heaps();
    let flags = Layer {
        data: global.data.clone(),
        listen: args.listen,
        database_url: None,
        tls_certificate: args.tls_certificate,
        tls_key: args.tls_key,
        tls_ca: args.tls_ca,
        client_ca_path: args.client_ca_path,
        file_upstream_roots: (!args.file_upstream_roots.is_empty())
            .then_some(args.file_upstream_roots),
        upstream_pem_roots: (!args.upstream_pem_roots.is_empty())
            .then_some(args.upstream_pem_roots),
        min_free: args.min_free,
        zone: args.zone,
        bandwidth: args.bandwidth,
        public_url: args.public_url,
        workers: args.workers,
        log_json: args.log_json.then_some(true),
    };
    let settings = Settings::gather(args.config.as_deref(), flags, variable)
        .map_err(|error| Fail::usage(error.to_string()))?;
    log_to_standard_error(settings.log_json);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Fail::new(format!("cannot start: {error}")))?;
    let ended = runtime.block_on(airlock_server::serve(settings));
    // Whatever still runs off the runtime (a read of a slow disk) must not hold the end up.
    runtime.shutdown_timeout(std::time::Duration::from_secs(5));
    ended.map_err(|error| {
        let fail = Fail::new(error.to_string());
        match error.hint() {
            Some(hint) => fail.hint(hint),
            None => fail,
        }
    })
}

/// Makes a data folder out of a backup.
pub fn restore(global: &Global, backup: &Path) -> Result {
    let Some(data) = global
        .data
        .clone()
        .or_else(|| variable("AIRLOCK_DATA").map(Into::into))
    else {
        return Err(
            Fail::usage("restore into which folder?").hint("airlock restore BACKUP --data DIR")
        );
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Fail::new(format!("cannot start: {error}")))?;
    let report = runtime
        .block_on(airlock_server::restore(backup, &data))
        .map_err(|error| Fail::new(error.to_string()))?;
    if global.json {
        show::json(&report)?;
    } else {
        for finding in &report.findings {
            show::line(&format!(
                "broken {}: {}",
                finding.invariant,
                show::plain(&finding.what)
            ))?;
        }
        let shown = data.display();
        show::line(&format!(
            "{shown}: {} files, {}; start it: airlock serve --data {shown}",
            report.blobs,
            show::size(report.bytes)
        ))?;
    }
    if report.findings.is_empty() {
        Ok(())
    } else {
        Err(Fail::said())
    }
}

fn log_to_standard_error(json: bool) {
    let filter = EnvFilter::try_from_env("AIRLOCK_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false);
    if json {
        builder.json().init();
    } else {
        builder
            .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
            .init();
    }
}
