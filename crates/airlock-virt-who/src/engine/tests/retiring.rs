//! What is taken for deleted, and what is not.

use super::AIRLOCK;
use super::stage::{Stage, hosts, seconds};

#[tokio::test(start_paused = true)]
async fn a_removed_source_is_retired_and_a_wrong_one_is_not() {
    let stage = Stage::new(&AIRLOCK.replace("[one]", "[zero]\ntype=fake\nfile=/source.json\nairlock_server=https://airlock.example.com\nairlock_token=t\n[one]"));
    stage.source("one", hosts(&[("a", 1)]));
    stage.source("zero", hosts(&[("b", 1)]));
    let mut engine = stage.start().await;
    seconds(30).await;
    // A mistake: the section stays as it was.
    stage.write(
        &AIRLOCK
            .replace("type=fake", "type=fake\nsm_type=wrong")
            .replace("[one]", "[zero]\ntype=nonsense\n[one]"),
    );
    engine.apply(stage.configuration()).await;
    seconds(30).await;
    assert!(stage.seen("airlock").retired.is_empty());
    stage.write(AIRLOCK);
    engine.apply(stage.configuration()).await;
    seconds(30).await;
    assert_eq!(stage.seen("airlock").retired, ["zero"]);
    // What is the same went on: nothing was sent again.
    assert_eq!(stage.seen("airlock").sent.len(), 2);
    engine.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_reload_that_cannot_read_everything_changes_nothing_and_retires_nobody() {
    let stage = Stage::new(AIRLOCK);
    stage.source("one", hosts(&[("a", 1)]));
    let mut engine = stage.start().await;
    seconds(30).await;
    let folder = stage.path("etc/virt-who.d");
    let away = stage.path("etc/away");
    // The folder cannot be listed: a file is in its place.
    std::fs::rename(&folder, &away).unwrap();
    std::fs::write(&folder, "").unwrap();
    let why = engine.reload(stage.configuration()).await.unwrap_err();
    assert!(why.contains("virt-who.d"), "{why}");
    // It has vanished.
    std::fs::remove_file(&folder).unwrap();
    let why = engine.reload(stage.configuration()).await.unwrap_err();
    assert!(why.contains("vanished"), "{why}");
    // A file that `configs` names is not there.
    std::fs::rename(&away, &folder).unwrap();
    std::fs::write(
        stage.path("etc/virt-who.conf"),
        "[global]\nconfigs=/etc/gone.conf\n",
    )
    .unwrap();
    let why = engine.reload(stage.configuration()).await.unwrap_err();
    assert!(why.contains("gone.conf"), "{why}");
    seconds(3700).await;
    let seen = stage.seen("airlock");
    assert!(seen.retired.is_empty(), "{:?}", seen.retired);
    assert!(seen.heartbeats >= 1, "the old source goes on");
    // Mended: taken over, and what was deleted is retired.
    std::fs::write(stage.path("etc/virt-who.conf"), "").unwrap();
    stage.write(&AIRLOCK.replace("[one]", "[other]"));
    engine.reload(stage.configuration()).await.unwrap();
    assert_eq!(stage.seen("airlock").retired, ["one"]);
    engine.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_folder_that_is_not_there_at_a_start_retires_nobody() {
    let stage = Stage::new(AIRLOCK);
    stage.source("one", hosts(&[("a", 1)]));
    stage.source("other", hosts(&[("b", 1)]));
    let engine = stage.start().await;
    seconds(30).await;
    engine.stop().await;
    let folder = stage.path("etc/virt-who.d");
    std::fs::rename(&folder, stage.path("etc/away")).unwrap();
    // Nothing is configured at all: the guests of this machine stand in for it.
    assert!(stage.configuration().may_hold("one"));
    let main = stage.path("etc/virt-who.conf");
    std::fs::write(&main, AIRLOCK.replace("[one]", "[other]")).unwrap();
    let engine = stage.start().await;
    seconds(30).await;
    engine.stop().await;
    assert!(stage.seen("airlock").retired.is_empty());
    assert_eq!(stage.state().reports().len(), 2, "what was taken is known");
    // An empty folder without anything else says as little.
    std::fs::create_dir(&folder).unwrap();
    std::fs::remove_file(&main).unwrap();
    assert!(stage.configuration().may_hold("one"));
    // Beside a source that is there it does.
    std::fs::write(&main, AIRLOCK.replace("[one]", "[other]")).unwrap();
    let engine = stage.start().await;
    seconds(30).await;
    engine.stop().await;
    assert_eq!(stage.seen("airlock").retired, ["one"]);
}

#[tokio::test(start_paused = true)]
async fn the_last_file_is_not_taken_for_deleted_until_an_empty_one_says_so() {
    let stage = Stage::new(AIRLOCK);
    stage.source("one", hosts(&[("a", 1)]));
    stage.source("two", hosts(&[("b", 1)]));
    let main = stage.path("etc/virt-who.conf");
    std::fs::write(&main, AIRLOCK.replace("[one]", "[two]")).unwrap();
    let mut engine = stage.start().await;
    seconds(30).await;
    let file = stage.path("etc/virt-who.d/a.conf");
    std::fs::remove_file(&file).unwrap();
    let why = engine.reload(stage.configuration()).await.unwrap_err();
    assert!(why.contains("an empty .conf file"), "{why}");
    stage.write(AIRLOCK);
    std::fs::remove_file(&main).unwrap();
    let why = engine.reload(stage.configuration()).await.unwrap_err();
    assert!(why.contains("virt-who.conf has vanished"), "{why}");
    assert!(stage.seen("airlock").retired.is_empty());
    std::fs::write(&main, "").unwrap();
    engine.reload(stage.configuration()).await.unwrap();
    assert_eq!(stage.seen("airlock").retired, ["two"]);
    stage.write("");
    engine.reload(stage.configuration()).await.unwrap();
    assert_eq!(stage.seen("airlock").retired, ["two", "one"]);
    engine.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_file_that_was_never_readable_does_not_keep_other_changes_out() {
    let stage = Stage::new(AIRLOCK);
    stage.source("one", hosts(&[("a", 1)]));
    stage.source("two", hosts(&[("b", 1)]));
    let folder = stage.path("etc/virt-who.d");
    std::os::unix::fs::symlink("/dev/null", folder.join("b.conf")).unwrap();
    let mut engine = stage.start().await;
    seconds(30).await;
    std::fs::write(folder.join("c.conf"), AIRLOCK.replace("[one]", "[two]")).unwrap();
    engine.reload(stage.configuration()).await.unwrap();
    seconds(30).await;
    let sent: Vec<String> = stage
        .seen("airlock")
        .sent
        .iter()
        .map(|sent| sent.0.clone())
        .collect();
    assert_eq!(sent, ["one", "two"]);
    // One that could be read before does.
    std::fs::remove_file(folder.join("c.conf")).unwrap();
    std::os::unix::fs::symlink("/dev/null", folder.join("c.conf")).unwrap();
    let why = engine.reload(stage.configuration()).await.unwrap_err();
    assert!(why.contains("c.conf") && !why.contains("b.conf"), "{why}");
    assert!(stage.seen("airlock").retired.is_empty());
    engine.stop().await;
}
