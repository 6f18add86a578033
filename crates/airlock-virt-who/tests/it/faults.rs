//! What goes wrong between here and a hypervisor: every kind over a network, each fault by its name.

mod answers;
mod sealed;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use airlock_virt_who::backend::{Backend, Error, Result, gather, kind};
use airlock_virt_who::model::Report;
use airlock_virt_who::secret::Secret;
use airlock_virt_who::settings::Settings;

use crate::server::{Asked, Authority, Reply, Server};
use answers::{Healthy, KINDS};

/// A source of this kind at an address.
pub fn settings(kind: &str, url: &str, scratch: &std::path::Path) -> Settings {
    let mut settings = Settings::new(kind, url);
    settings.username = Some("admin".to_owned());
    settings.password = Some(Secret::new("hidden-password"));
    settings.timeout = Duration::from_secs(20);
    match kind {
        "hyperv" => settings.server.push_str("/wsman"),
        "rhevm" => settings.server.push('/'),
        "kubevirt" => {
            let config = scratch.join("kubeconfig");
            let text = format!(
                "current-context: c\ncontexts:\n- name: c\n  context: {{cluster: k, user: u}}\nclusters:\n- name: k\n  \
                 cluster: {{server: \"{url}\"}}\nusers:\n- name: u\n  user: {{token: hidden-password}}\n"
            );
            std::fs::write(&config, text).unwrap();
            let path = config.display().to_string();
            settings.options.insert("kubeconfig".to_owned(), path);
        }
        _ => {}
    }
    settings
}

async fn read(settings: Settings) -> Result<Report> {
    let mut backend: Box<dyn Backend> = kind(&settings.name).unwrap().open(settings)?;
    backend.connect().await?;
    let read = gather(&mut *backend).await.map(|(report, _)| report);
    backend.close().await;
    read
}

/// Reads from a server that answers as `reply` says, given the answer of a healthy one.
async fn against(
    kind: &'static str,
    change: impl Fn(&mut Settings),
    reply: impl Fn(&Asked, Reply) -> Reply + Send + Sync + 'static,
) -> Result<Report> {
    let scratch = tempfile::tempdir().unwrap();
    let healthy = Healthy::new(kind);
    let server = Server::start(move |asked| reply(asked, healthy.answer(asked))).await;
    let mut settings = settings(kind, &server.url(), scratch.path());
    change(&mut settings);
    read(settings).await
}

/// No message of an error holds the password.
fn shown(error: &Error) -> String {
    let text = format!("{error} {error:?}");
    assert!(!text.contains("hidden-password"), "{text}");
    error.to_string()
}

#[tokio::test]
async fn a_healthy_source_is_read() {
    for kind in KINDS {
        let report = against(kind, |_| {}, |_, healthy| healthy).await;
        let Ok(Report::Hosts(hosts)) = report else {
            panic!("{kind}: {report:?}");
        };
        assert_eq!(hosts.len(), 1, "{kind}: {hosts:?}");
        assert_eq!(hosts[0].guests.len(), 1, "{kind}: {hosts:?}");
    }
}

#[tokio::test]
async fn a_wrong_password_is_a_refused_login() {
    for kind in KINDS {
        let report = against(
            kind,
            |_| {},
            move |asked, healthy| answers::refuse(kind, asked, healthy),
        )
        .await;
        let error = report.unwrap_err();
        assert!(error.refused(), "{kind}: {}", shown(&error));
        assert!(shown(&error).contains("username and password"), "{kind}");
    }
}

#[tokio::test]
async fn an_unknown_authority_is_a_tls_error_and_a_named_one_is_none() {
    let authority = Authority::new();
    let scratch = tempfile::tempdir().unwrap();
    let ca = scratch.path().join("ca.pem");
    std::fs::write(&ca, &authority.pem).unwrap();
    for kind in KINDS {
        let healthy = Healthy::new(kind);
        let (listener, port) = Server::bind().await;
        let _server = Server::run(
            listener,
            Some(Arc::clone(&authority.config)),
            move |asked| healthy.answer(asked),
        );
        let settings = settings(kind, &format!("https://127.0.0.1:{port}"), scratch.path());
        let error = read(settings.clone()).await.unwrap_err();
        assert!(
            matches!(error, Error::Tls { .. }),
            "{kind}: {}",
            shown(&error)
        );
        assert!(shown(&error).contains("ca="), "{kind}");
        let mut trusting = settings.clone();
        trusting.ca = Some(ca.clone());
        read(trusting)
            .await
            .unwrap_or_else(|error| panic!("{kind}: {error}"));
        let mut careless = settings;
        careless.insecure = true;
        read(careless)
            .await
            .unwrap_or_else(|error| panic!("{kind}: {error}"));
    }
}

#[tokio::test]
async fn a_servers_own_certificate_is_trusted_when_it_is_the_ca() {
    let authority = crate::server::self_signed();
    let scratch = tempfile::tempdir().unwrap();
    let ca = scratch.path().join("ca.pem");
    std::fs::write(&ca, &authority.pem).unwrap();
    let other = scratch.path().join("other.pem");
    std::fs::write(&other, crate::server::self_signed().pem).unwrap();
    for kind in KINDS {
        let healthy = Healthy::new(kind);
        let (listener, port) = Server::bind().await;
        let _server = Server::run(
            listener,
            Some(Arc::clone(&authority.config)),
            move |asked| healthy.answer(asked),
        );
        let url = format!("https://localhost:{port}");
        let mut settings = settings(kind, &url, scratch.path());
        settings.ca = Some(ca.clone());
        read(settings.clone())
            .await
            .unwrap_or_else(|error| panic!("{kind}: {error}"));
        settings.ca = Some(other.clone());
        let error = read(settings).await.unwrap_err();
        assert!(
            matches!(error, Error::Tls { .. }),
            "{kind}: {}",
            shown(&error)
        );
    }
}

#[tokio::test]
async fn a_vcenter_that_is_read_afresh_is_asked_for_everything() {
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let heard = Arc::clone(&asked);
    let healthy = Healthy::new("esx");
    let server = Server::start(move |asked| {
        let text = asked.text();
        for call in ["CreateFilter", "DestroyPropertyFilter"] {
            if text.contains(&format!("<{call} ")) || text.contains(&format!(":{call} ")) {
                heard.lock().unwrap().push(call.to_owned());
            }
        }
        if text.contains("WaitForUpdatesEx") {
            let begins = text.contains("<version></version>") || text.contains("<version/>");
            let word = if begins { "from the start" } else { "goes on" };
            heard.lock().unwrap().push(word.to_owned());
        }
        healthy.answer(asked)
    })
    .await;
    let settings = settings("esx", &server.url(), std::path::Path::new("/"));
    let mut backend = kind("esx").unwrap().open(settings).unwrap();
    backend.connect().await.unwrap();
    gather(&mut *backend).await.unwrap();
    backend.afresh().await;
    asked.lock().unwrap().clear();
    gather(&mut *backend).await.unwrap();
    assert_eq!(
        asked.lock().unwrap()[..2],
        ["CreateFilter".to_owned(), "from the start".to_owned()]
    );
}

#[tokio::test]
async fn a_time_out_in_the_middle_is_one() {
    for kind in KINDS {
        let report = against(
            kind,
            |settings| settings.timeout = Duration::from_millis(1500),
            move |asked, healthy| match (answers::last(kind, asked), healthy) {
                (true, Reply::Answer { headers, body, .. }) => Reply::Stall { headers, body },
                (_, healthy) => healthy,
            },
        )
        .await;
        let error = report.unwrap_err();
        assert!(
            matches!(error, Error::TimedOut { .. }),
            "{kind}: {}",
            shown(&error)
        );
        assert!(error.passing());
    }
}

#[tokio::test]
async fn no_answer_at_all_is_a_time_out() {
    for kind in KINDS {
        let report = against(
            kind,
            |settings| settings.timeout = Duration::from_millis(800),
            |_, _| Reply::Hang,
        )
        .await;
        let error = report.unwrap_err();
        assert!(
            matches!(error, Error::TimedOut { .. }),
            "{kind}: {}",
            shown(&error)
        );
    }
}

#[tokio::test]
async fn a_connection_that_breaks_off_gives_no_report() {
    for kind in KINDS {
        let report = against(
            kind,
            |_| {},
            move |asked, healthy| match (answers::last(kind, asked), healthy) {
                (true, Reply::Answer { headers, body, .. }) => Reply::Cut { headers, body },
                (_, healthy) => healthy,
            },
        )
        .await;
        let error = report.unwrap_err();
        assert!(
            matches!(error, Error::Partial { .. }),
            "{kind}: {}",
            shown(&error)
        );
    }
}

#[tokio::test]
async fn an_answer_that_is_cut_short_gives_no_report() {
    for kind in KINDS {
        let report = against(
            kind,
            |_| {},
            move |asked, healthy| match (answers::last(kind, asked), healthy) {
                (
                    true,
                    Reply::Answer {
                        status,
                        headers,
                        body,
                    },
                ) => Reply::Answer {
                    status,
                    headers,
                    body: body[..body.len() * 2 / 3].to_vec(),
                },
                (_, healthy) => healthy,
            },
        )
        .await;
        let error = report.unwrap_err();
        let named = matches!(error, Error::Partial { .. } | Error::Protocol { .. });
        assert!(named, "{kind}: {}", shown(&error));
    }
}

#[tokio::test]
async fn a_failing_server_is_told_by_its_status() {
    for kind in KINDS {
        let report = against(kind, |_| {}, |_, _| Reply::new(500, "text/html", "<p>Oops")).await;
        let error = report.unwrap_err();
        assert!(
            matches!(error, Error::Status { status: 500, .. }),
            "{kind}: {}",
            shown(&error)
        );
    }
}

#[tokio::test]
async fn a_login_page_is_no_inventory() {
    for kind in KINDS {
        let page = "<html><head></head><body>Log in</body></html>";
        let report = against(kind, |_| {}, move |_, _| Reply::new(200, "text/html", page)).await;
        let error = report.unwrap_err();
        assert!(
            matches!(error, Error::Protocol { .. }),
            "{kind}: {}",
            shown(&error)
        );
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let reached = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&reached);
    let elsewhere = Server::start(move |_| {
        seen.store(true, Ordering::SeqCst);
        Reply::new(200, "text/plain", "")
    })
    .await;
    for kind in KINDS {
        let place = elsewhere.url();
        let report = against(
            kind,
            |_| {},
            move |_, _| Reply::Answer {
                status: 302,
                headers: vec![("Location".to_owned(), place.clone())],
                body: Vec::new(),
            },
        )
        .await;
        let error = report.unwrap_err();
        assert!(
            matches!(error, Error::Status { status: 302, .. }),
            "{kind}: {}",
            shown(&error)
        );
    }
    assert!(!reached.load(Ordering::SeqCst));
}

#[tokio::test]
async fn nobody_there_cannot_be_reached() {
    let (listener, port) = Server::bind().await;
    drop(listener);
    let scratch = tempfile::tempdir().unwrap();
    for kind in KINDS {
        let settings = settings(kind, &format!("http://127.0.0.1:{port}"), scratch.path());
        let error = read(settings).await.unwrap_err();
        assert!(
            matches!(error, Error::Unreachable { .. }),
            "{kind}: {}",
            shown(&error)
        );
    }
}

#[tokio::test]
async fn a_host_without_uuid_is_left_out_and_named() {
    for kind in KINDS {
        let scratch = tempfile::tempdir().unwrap();
        let healthy = Healthy::new(kind).without_host_uuid();
        let server = Server::start(move |asked| healthy.answer(asked)).await;
        let settings = settings(kind, &server.url(), scratch.path());
        let mut backend = airlock_virt_who::backend::kind(kind)
            .unwrap()
            .open(settings)
            .unwrap();
        backend.connect().await.unwrap();
        let (report, notes) = gather(&mut *backend).await.unwrap();
        assert_eq!(report, Report::Hosts(Vec::new()), "{kind}");
        let texts: Vec<_> = notes.iter().map(ToString::to_string).collect();
        assert!(
            texts
                .iter()
                .any(|text| text.contains("host ") && text.contains("left out")),
            "{kind}: {texts:?}"
        );
    }
}

#[tokio::test]
async fn an_empty_inventory_is_an_empty_report_and_no_error() {
    for kind in KINDS {
        let scratch = tempfile::tempdir().unwrap();
        let healthy = Healthy::new(kind).empty();
        let server = Server::start(move |asked| healthy.answer(asked)).await;
        let report = read(settings(kind, &server.url(), scratch.path())).await;
        let Ok(Report::Hosts(hosts)) = report else {
            panic!("{kind}: {report:?}");
        };
        // One section of Hyper-V is one host, which is there when it answers.
        let guests: usize = hosts.iter().map(|host| host.guests.len()).sum();
        assert_eq!(
            (hosts.len(), guests),
            (usize::from(kind == "hyperv"), 0),
            "{kind}"
        );
    }
}

#[tokio::test]
async fn duplicate_uuids_are_named() {
    use airlock_virt_who::model::duplicates::{Duplicates, Finding};
    for kind in KINDS {
        let scratch = tempfile::tempdir().unwrap();
        let healthy = Healthy::new(kind).doubled();
        let server = Server::start(move |asked| healthy.answer(asked)).await;
        let report = read(settings(kind, &server.url(), scratch.path())).await;
        let Ok(Report::Hosts(hosts)) = report else {
            panic!("{kind}: {report:?}");
        };
        let mut seen = Duplicates::new();
        hosts.iter().for_each(|host| seen.add(host));
        let found = seen.findings();
        assert!(
            found
                .iter()
                .any(|finding| matches!(finding, Finding::Guest { .. })),
            "{kind}: {found:?} {hosts:?}"
        );
    }
}

#[tokio::test]
async fn a_guest_that_vanishes_while_read_is_left_out() {
    for kind in KINDS {
        let scratch = tempfile::tempdir().unwrap();
        let healthy = Healthy::new(kind).vanished();
        let server = Server::start(move |asked| healthy.answer(asked)).await;
        let settings = settings(kind, &server.url(), scratch.path());
        let mut backend = airlock_virt_who::backend::kind(kind)
            .unwrap()
            .open(settings)
            .unwrap();
        backend.connect().await.unwrap();
        let (report, notes) = gather(&mut *backend).await.unwrap();
        let texts: Vec<_> = notes.iter().map(ToString::to_string).collect();
        if *kind == *"hyperv" {
            // Its settings are still there, its state is not: virt-who reports it so, too.
            let Report::Hosts(hosts) = report else {
                panic!("{report:?}");
            };
            let states: Vec<_> = hosts[0].guests.iter().map(|guest| guest.state).collect();
            assert_eq!(states, [airlock_virt_who::model::State::Unknown]);
            continue;
        }
        assert!(
            texts.iter().any(|text| text.contains("guest ")),
            "{kind}: {texts:?} {report:?}"
        );
    }
}

#[tokio::test]
async fn basic_follows_where_negotiate_is_not_ntlm() {
    let report = against(
        "hyperv",
        |_| {},
        |asked, healthy| match asked.header("authorization") {
            login if login.starts_with("Basic ") => healthy,
            _ => Reply::Answer {
                status: 401,
                headers: vec![(
                    "WWW-Authenticate".to_owned(),
                    "Negotiate, Basic realm=\"WSMAN\"".to_owned(),
                )],
                body: Vec::new(),
            },
        },
    )
    .await;
    assert!(report.is_ok(), "{report:?}");
}

#[tokio::test]
async fn a_proxy_is_used_where_the_source_names_one() {
    let asked_for = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&asked_for);
    let healthy = Healthy::new("ahv");
    // A proxy gets the whole address in the request line.
    let proxy = Server::start(move |asked| {
        seen.lock().unwrap().push(asked.path.clone());
        let mut inner = asked.clone();
        inner.path = asked.path.replace("http://prism.invalid:9440", "");
        healthy.answer(&inner)
    })
    .await;
    let scratch = tempfile::tempdir().unwrap();
    let mut settings = settings("ahv", "http://prism.invalid:9440", scratch.path());
    settings.proxy = airlock_virt_who::settings::Proxy::Url(Secret::new(proxy.url()));
    assert!(read(settings).await.is_ok());
    assert!(asked_for.lock().unwrap()[0].starts_with("http://prism.invalid:9440/"));
}

/// The file of `type=fake` as a source: what is wrong with it is told, and it is never a smaller report.
#[tokio::test]
async fn a_file_that_is_missing_cut_or_no_report_is_an_error() {
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("hosts.json");
    let whole = "{\"hypervisors\":[{\"hypervisorId\":{\"hypervisorId\":\"h\"},\"guestIds\":[{\"guestId\":\"g\",\"state\":1},{\"guestId\":\"g\",\"state\":1}]}]}";
    let mut settings = Settings::new("fake", "");
    let path = file.display().to_string();
    settings.options.insert("file".to_owned(), path);
    let error = read(settings.clone()).await.unwrap_err();
    assert!(error.to_string().contains("hosts.json"), "{error}");
    for end in [0, 1, 20, whole.len() - 1] {
        std::fs::write(&file, &whole[..end]).unwrap();
        let error = read(settings.clone()).await.unwrap_err();
        assert!(matches!(error, Error::File { .. }), "{end}: {error}");
    }
    std::fs::write(&file, whole).unwrap();
    let Ok(Report::Hosts(hosts)) = read(settings.clone()).await else {
        panic!("it cannot be read");
    };
    let mut seen = airlock_virt_who::model::duplicates::Duplicates::new();
    seen.add(&hosts[0]);
    assert_eq!(seen.findings().len(), 1, "the guest that is there twice");
    std::fs::write(&file, "{\"hypervisors\":[]}").unwrap();
    let report = read(settings).await.unwrap();
    assert_eq!(report, Report::Hosts(Vec::new()));
}
