//! The faces: repositories, REST API, local socket; and the workers behind them.
//!
//! Floor 4: translates, calls the domain, translates back. Knows HTTP; no SQL, no rule of the field.
//!
//! | module | holds |
//! |---|---|
//! | `repos` | `/repos/…`: what dnf, yum and zypper read; own range handling, own fast lane |
//! | `rest` | `/api/v1/…`: what the command line and programs use |
//! | `rights` | the table of routes and the role each needs |
//! | `tasks` | the queue's workers, schedules, progress |
//! | `listen`, `local_socket` | TCP, TLS, `DATA/airlock.sock` |
//! | `settings`, `data_dir`, `serve` | from settings to a running server |

mod agent;
pub mod api;
pub mod local_socket;
pub mod memory;
pub mod settings;

mod app;
mod backup;
mod data_dir;
mod first_start;
mod listen;
mod login_limit;
mod metrics;
mod operations;
mod password;
mod principal;
mod problem;
mod repos;
mod rest;
mod rights;
mod serve;
mod tasks;

pub use backup::{BackupReport, RestoreReport, restore};
pub use problem::Problem;
pub use rights::{Need, RIGHTS, Right};
pub use serve::{ServeError, serve, serve_until};
pub use tasks::seen;

/// The OpenAPI document of the REST API.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    rest::described().1
}

/// The cryptography of TLS, the same for server and command line.
#[must_use]
pub fn tls_provider() -> std::sync::Arc<rustls::crypto::CryptoProvider> {
    listen::tls::provider()
}
