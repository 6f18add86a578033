//! The whole way against a real implementation of the vSphere API: govmomi's simulator (`scripts/make-vcsim`).

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use airlock_virt_who::backend::{Backend, Error, Watched, gather, kind};
use airlock_virt_who::model::duplicates::{Duplicates, Finding};
use airlock_virt_who::model::{CLUSTER, Hypervisor, Report, State};
use airlock_virt_who::secret::Secret;
use airlock_virt_who::settings::Settings;

pub struct Center {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    pub url: String,
}

impl Center {
    pub fn start() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let made = Command::new(root.join("scripts/make-vcsim"))
            .stderr(Stdio::inherit())
            .output()
            .unwrap();
        assert!(
            made.status.success(),
            "scripts/make-vcsim failed; scripts/install tests installs what it needs"
        );
        let program = String::from_utf8(made.stdout).unwrap();
        let mut child = Command::new(program.trim())
            .args(["-user", "DOMAIN\\admin", "-password", "p<&>w"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let input = child.stdin.take().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut url = String::new();
        output.read_line(&mut url).unwrap();
        Self {
            child,
            input,
            output,
            url: url.trim().to_owned(),
        }
    }

    pub fn tell(&mut self, command: &str) {
        writeln!(self.input, "{command}").unwrap();
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        assert_eq!(line.trim(), "ok", "{command}");
    }

    fn settings(&self) -> Settings {
        let mut settings = Settings::new("vc", &self.url);
        settings.username = Some("DOMAIN\\admin".to_owned());
        settings.password = Some(Secret::new("p<&>w"));
        settings
    }
}

impl Drop for Center {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn hosts(backend: &mut dyn Backend) -> Vec<Hypervisor> {
    match gather(backend).await.unwrap() {
        (Report::Hosts(hosts), notes) => {
            assert_eq!(notes, []);
            hosts
        }
        (other, _) => panic!("{other:?}"),
    }
}

fn opened(settings: Settings) -> Box<dyn Backend> {
    kind("esx").unwrap().open(settings).unwrap()
}

#[tokio::test]
async fn the_simulators_inventory_is_mapped_whole() {
    let center = Center::start();
    let mut backend = opened(center.settings());
    backend.connect().await.unwrap();
    let hosts = hosts(&mut *backend).await;
    backend.close().await;
    assert_eq!(hosts.len(), 4);
    assert_eq!(hosts.iter().map(|host| host.guests.len()).sum::<usize>(), 4);
    assert!(
        hosts
            .iter()
            .flat_map(|host| &host.guests)
            .all(|guest| guest.state == State::Running)
    );
    let clustered = hosts
        .iter()
        .filter(|host| host.facts.contains_key(CLUSTER))
        .count();
    assert_eq!(clustered, 3);
    // All of them are called localhost.localdomain: that is told, and not sent unseen.
    let mut seen = Duplicates::new();
    hosts.iter().for_each(|host| seen.add(host));
    assert!(matches!(&seen.findings()[..], [Finding::HostName { hosts, .. }] if hosts.len() == 4));
}

#[tokio::test]
async fn an_update_is_heard_of_while_it_runs() {
    let mut center = Center::start();
    let mut backend = opened(center.settings());
    backend.connect().await.unwrap();
    let before = hosts(&mut *backend).await;
    // Whether the call is open already when the machine goes off is no matter: the version says what is news.
    let watched = tokio::spawn(async move {
        let watched = backend.watch(Duration::from_secs(60)).await;
        (backend, watched)
    });
    let center = tokio::task::spawn_blocking(move || {
        center.tell("off DC0_H0_VM0");
        center
    });
    let mut center = center.await.unwrap();
    let (mut backend, watched) = watched.await.unwrap();
    let Ok(Watched::Changes(changes)) = watched else {
        panic!("{watched:?}");
    };
    assert_eq!(changes.removed, []);
    let [changed] = &changes.changed[..] else {
        panic!("{changes:?}");
    };
    let off: Vec<_> = changed
        .guests
        .iter()
        .filter(|guest| guest.state == State::ShutOff)
        .collect();
    assert_eq!(off.len(), 1);
    // A guest that moves changes two hosts.
    center.tell("move DC0_H0_VM1 DC0_C0_H0");
    let Ok(Watched::Changes(changes)) = backend.watch(Duration::from_secs(60)).await else {
        panic!("no changes");
    };
    assert_eq!(changes.changed.len(), 2);
    let after = hosts(&mut *backend).await;
    let count = |hosts: &[Hypervisor]| {
        hosts
            .iter()
            .map(|host| host.guests.len())
            .collect::<Vec<_>>()
    };
    assert_ne!(count(&before), count(&after));
    assert_eq!(
        count(&before).iter().sum::<usize>(),
        count(&after).iter().sum::<usize>()
    );
    backend.close().await;
}

#[tokio::test]
async fn a_lost_session_is_made_again_without_a_word() {
    let mut center = Center::start();
    let mut backend = opened(center.settings());
    backend.connect().await.unwrap();
    let before = hosts(&mut *backend).await;
    center.tell("end-sessions");
    assert_eq!(hosts(&mut *backend).await, before);
    center.tell("end-sessions");
    assert_eq!(
        backend.watch(Duration::from_secs(1)).await.unwrap(),
        Watched::Changed
    );
    assert_eq!(hosts(&mut *backend).await, before);
    backend.close().await;
}

#[tokio::test]
async fn a_wrong_password_is_a_refused_login() {
    let center = Center::start();
    let mut settings = center.settings();
    settings.password = Some(Secret::new("wrong"));
    let mut backend = opened(settings);
    let error = backend.connect().await.unwrap_err();
    assert!(matches!(error, Error::Refused { .. }), "{error}");
    assert!(!error.to_string().contains("wrong"), "{error}");
    backend.close().await;
}

#[tokio::test]
async fn parents_are_filtered_by_the_clusters_name() {
    let center = Center::start();
    let mut settings = center.settings();
    let (parents, broken) = airlock_virt_who::filter::ParentFilter::new(
        None,
        Some(&["DC0_C*".to_owned()]),
        airlock_virt_who::filter::FilterType::Wildcards,
        false,
    );
    assert_eq!(broken, []);
    settings.parents = parents;
    let mut backend = opened(settings);
    backend.connect().await.unwrap();
    assert_eq!(hosts(&mut *backend).await.len(), 1);
    backend.close().await;
}
