//! The loop with backends and destinations made for the purpose, in simulated time.

mod retiring;
mod stage;

use std::time::Duration;

use stage::{Stage, Watch, hosts, seconds};

const TWO: &str = "
[one]
type=fake
file=/source.json
airlock_server=https://airlock.example.com
airlock_token=t
[two]
type=fake
file=/source.json
owner=acme
rhsm_hostname=candlepin.example.com
rhsm_username=u
rhsm_password=p
";

const AIRLOCK: &str = "
[one]
type=fake
file=/source.json
airlock_server=https://airlock.example.com
airlock_token=t
";

const SATELLITE: &str = "
[one]
type=fake
file=/source.json
sat_server=sat.example.com
sat_username=u
sat_password=p
";

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_when_nothing_has_changed_but_signs_of_life_are() {
    let stage = Stage::new(AIRLOCK);
    stage.source("one", hosts(&[("a", 2), ("b", 1)]));
    let engine = stage.start().await;
    seconds(10 * 3600 + 60).await;
    let seen = stage.seen("airlock");
    assert_eq!(seen.sent.len(), 1, "{:?}", seen.sent);
    assert!((10..=11).contains(&seen.heartbeats), "{}", seen.heartbeats);
    assert!(stage.reads("one") >= 10);
    engine.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_destination_that_was_down_for_an_hour_gets_the_newest_state_once() {
    let stage = Stage::new(AIRLOCK);
    stage.interval(60);
    stage.source("one", hosts(&[("a", 1)]));
    let engine = stage.start().await;
    seconds(30).await;
    assert_eq!(stage.seen("airlock").sent.len(), 1);
    stage.down("airlock", true);
    for minute in 0..60 {
        stage.source("one", hosts(&[("a", 1), ("b", minute)]));
        seconds(60).await;
    }
    let tries = stage.seen("airlock").tries;
    assert!(tries <= 121, "{tries} tries in an hour");
    stage.down("airlock", false);
    seconds(120).await;
    let seen = stage.seen("airlock");
    assert_eq!(seen.sent.len(), 2, "{:?}", seen.sent);
    assert_eq!(seen.sent[1].2, 60, "the newest state: 1 + 59 guests");
    seconds(600).await;
    assert_eq!(stage.seen("airlock").sent.len(), 2);
    engine.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_source_that_fails_hurts_no_other_and_is_tried_again_without_flood() {
    let stage = Stage::new(TWO);
    stage.source("one", hosts(&[("a", 1)]));
    stage.fails("two", false);
    let engine = stage.start().await;
    seconds(3600).await;
    assert_eq!(stage.seen("airlock").sent.len(), 1);
    assert!(stage.seen("candlepin").sent.is_empty());
    let connects = stage.connects("two");
    assert!((5..=20).contains(&connects), "{connects} tries in an hour");
    stage.source("two", hosts(&[("x", 1)]));
    seconds(1000).await;
    assert_eq!(stage.seen("candlepin").sent.len(), 1);
    engine.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_failing_source_does_not_empty_the_server() {
    let stage = Stage::new(AIRLOCK);
    stage.interval(60);
    stage.source("one", hosts(&[("a", 1)]));
    let engine = stage.start().await;
    seconds(30).await;
    stage.fails("one", false);
    seconds(600).await;
    let seen = stage.seen("airlock");
    assert_eq!(seen.sent.len(), 1);
    assert!(!seen.silent.is_empty());
    assert!(seen.silent[0].contains("cannot be reached"));
    engine.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_session_that_ends_is_made_again_without_a_word() {
    let stage = Stage::new(AIRLOCK);
    stage.interval(60);
    stage.source("one", hosts(&[("a", 1)]));
    stage.sessions_end("one", 3);
    let engine = stage.start().await;
    seconds(1000).await;
    let seen = stage.seen("airlock");
    assert!(seen.silent.is_empty(), "{:?}", seen.silent);
    assert_eq!(seen.sent.len(), 1);
    assert!(stage.connects("one") >= 5, "{}", stage.connects("one"));
    assert!(stage.connects("one") <= 10, "{}", stage.connects("one"));
    engine.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_refused_login_waits_an_hour_or_for_another_configuration() {
    let stage = Stage::new(AIRLOCK);
    stage.fails("one", true);
    let mut engine = stage.start().await;
    seconds(3500).await;
    assert_eq!(stage.connects("one"), 1);
    // A restart does not try it either.
    engine.stop().await;
    engine = stage.start().await;
    seconds(50).await;
    assert_eq!(stage.connects("one"), 1);
    seconds(100).await;
    assert_eq!(stage.connects("one"), 2);
    // Another password is tried at once.
    stage.write(&AIRLOCK.replace("type=fake", "type=fake\nusername=other"));
    engine.apply(stage.configuration()).await;
    seconds(5).await;
    assert_eq!(stage.connects("one"), 3);
    engine.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_refused_waits_an_hour_too() {
    let stage = Stage::new(AIRLOCK);
    stage.source("one", hosts(&[("a", 1)]));
    stage.refuses("airlock", true);
    let engine = stage.start().await;
    seconds(3500).await;
    assert_eq!(stage.seen("airlock").tries, 1);
    stage.refuses("airlock", false);
    seconds(200).await;
    assert_eq!(stage.seen("airlock").sent.len(), 1);
    engine.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_loss_of_over_half_is_held_back_until_three_reads_say_the_same() {
    let stage = Stage::new(SATELLITE);
    stage.interval(60);
    stage.source("one", hosts(&[("a", 1), ("b", 1), ("c", 1)]));
    let engine = stage.start().await;
    seconds(30).await;
    assert_eq!(stage.seen("satellite5").sent.len(), 1);
    stage.source("one", hosts(&[("a", 1)]));
    seconds(119).await;
    assert_eq!(
        stage.seen("satellite5").sent.len(),
        1,
        "two reads prove nothing"
    );
    assert!(
        stage
            .held("one")
            .unwrap()
            .reason
            .contains("2 of 3 hosts are gone")
    );
    seconds(120).await;
    assert_eq!(stage.seen("satellite5").sent.len(), 2);
    assert!(stage.held("one").is_none());
    engine.stop().await;
}

#[tokio::test(start_paused = true)]
async fn the_reads_that_prove_a_loss_ask_a_watched_source_anew() {
    let stage = Stage::new(SATELLITE);
    stage.interval(600);
    stage.source("one", hosts(&[("a", 1)]));
    stage.watch("one", Watch::Ends);
    let engine = stage.start().await;
    seconds(30).await;
    assert_eq!(stage.seen("satellite5").sent.len(), 1);
    seconds(6000).await;
    assert_eq!(stage.reads("one"), 1, "a watched source is not read again");
    assert_eq!(stage.afresh("one"), 0);
    // Its only host goes; the watch says only that something has changed.
    stage.source("one", hosts(&[]));
    stage.watch("one", Watch::Changed);
    for _ in 0..600 {
        if stage.held("one").is_some() {
            break;
        }
        seconds(1).await;
    }
    assert!(stage.held("one").is_some());
    stage.watch("one", Watch::Ends);
    seconds(3600).await;
    assert_eq!(stage.seen("satellite5").sent.len(), 2);
    assert!(stage.afresh("one") >= 1, "{}", stage.afresh("one"));
    // Once a day everything is asked for anew, too.
    let before = stage.afresh("one");
    seconds(25 * 3600).await;
    assert_eq!(stage.afresh("one"), before + 1);
    engine.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_loss_that_was_none_is_never_sent_and_a_request_lets_it_go() {
    let stage = Stage::new(SATELLITE);
    stage.interval(60);
    let all = hosts(&[("a", 1), ("b", 1), ("c", 1)]);
    stage.source("one", all.clone());
    let engine = stage.start().await;
    seconds(30).await;
    stage.source("one", hosts(&[]));
    seconds(60).await;
    assert!(stage.held("one").is_some());
    stage.source("one", all);
    seconds(60).await;
    assert!(stage.held("one").is_none());
    assert_eq!(stage.seen("satellite5").sent.len(), 1);
    stage.source("one", hosts(&[]));
    seconds(60).await;
    stage.accept("one");
    seconds(15).await;
    let seen = stage.seen("satellite5");
    assert_eq!(seen.sent.len(), 2);
    assert_eq!((seen.sent[1].1, seen.sent[1].2), (0, 0));
    engine.stop().await;
}

#[tokio::test(start_paused = true)]
async fn airlock_is_told_of_a_loss_at_once() {
    let stage = Stage::new(AIRLOCK);
    stage.interval(60);
    stage.source("one", hosts(&[("a", 1), ("b", 1), ("c", 1)]));
    let engine = stage.start().await;
    seconds(30).await;
    stage.source("one", hosts(&[]));
    seconds(60).await;
    assert_eq!(stage.seen("airlock").sent.len(), 2);
    engine.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_restart_sends_nothing_that_was_taken_before() {
    let stage = Stage::new(TWO);
    stage.source("one", hosts(&[("a", 1)]));
    stage.source("two", hosts(&[("x", 1)]));
    let engine = stage.start().await;
    seconds(30).await;
    engine.stop().await;
    let engine = stage.start().await;
    seconds(3700).await;
    assert_eq!(stage.seen("airlock").sent.len(), 1);
    assert_eq!(stage.seen("candlepin").sent.len(), 1);
    engine.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_difference_is_written_down_a_moment_later_and_when_the_program_ends() {
    let stage = Stage::new(AIRLOCK);
    stage.interval(60);
    stage.source("one", hosts(&[("a", 1)]));
    let engine = stage.start().await;
    seconds(30).await;
    stage.source("one", hosts(&[("a", 2)]));
    seconds(60).await;
    assert_eq!(stage.seen("airlock").sent.len(), 2);
    let kept = |stage: &Stage| {
        stage
            .state()
            .reports()
            .iter()
            .map(|report| report.accepted().guests)
            .collect::<Vec<_>>()
    };
    assert_eq!(kept(&stage), [2]);
    stage.source("one", hosts(&[("a", 3)]));
    for _ in 0..120 {
        if stage.seen("airlock").sent.len() > 2 {
            break;
        }
        seconds(1).await;
    }
    assert_eq!(stage.seen("airlock").sent.len(), 3);
    engine.stop().await;
    assert_eq!(kept(&stage), [3]);
    let engine = stage.start().await;
    seconds(200).await;
    assert_eq!(stage.seen("airlock").sent.len(), 3);
    engine.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_held_report_goes_out_while_other_things_change() {
    let stage = Stage::new(SATELLITE);
    stage.interval(60);
    stage.source("one", hosts(&[("a", 1), ("b", 1), ("c", 1)]));
    let engine = stage.start().await;
    seconds(30).await;
    for guests in 2..6 {
        stage.source("one", hosts(&[("a", guests)]));
        seconds(60).await;
    }
    let seen = stage.seen("satellite5");
    assert!(seen.sent.len() >= 2, "{:?}", seen.sent);
    assert_eq!(
        seen.sent[1].1, 1,
        "b and c were gone in each of three reads"
    );
    // Another loss each time proves nothing.
    let all: Vec<(String, u64)> = (0..6).map(|number| (format!("h{number}"), 1)).collect();
    let but = |from: usize| {
        let some: Vec<(&str, u64)> = all[from..from + 2]
            .iter()
            .map(|(id, guests)| (id.as_str(), *guests))
            .collect();
        hosts(&some)
    };
    let every: Vec<(&str, u64)> = all
        .iter()
        .map(|(id, guests)| (id.as_str(), *guests))
        .collect();
    let mut every = hosts(&every);
    every.extend(hosts(&[("a", 1)]));
    stage.source("one", every);
    seconds(60).await;
    let sent = stage.seen("satellite5").sent.len();
    for from in [0, 1, 2, 3, 4] {
        stage.source("one", but(from));
        seconds(60).await;
    }
    assert_eq!(stage.seen("satellite5").sent.len(), sent);
    assert!(stage.held("one").is_some());
    engine.stop().await;
}

#[tokio::test(start_paused = true)]
async fn signs_of_life_that_fail_keep_no_report_from_being_sent() {
    let stage = Stage::new(AIRLOCK);
    stage.interval(60);
    stage.source("one", hosts(&[("a", 1)]));
    stage.mute("airlock", true);
    let outcome = stage.once().await;
    assert!(outcome.failures.is_empty(), "{:?}", outcome.failures);
    assert_eq!(stage.seen("airlock").sent.len(), 1);
    let engine = stage.start().await;
    // A change goes out with the read that finds it, however often the sign of life has failed.
    for guests in 2..12 {
        seconds(300).await;
        stage.source("one", hosts(&[("a", guests)]));
        seconds(61).await;
        let sent = stage.seen("airlock").sent;
        assert_eq!(sent.last().map(|sent| sent.2), Some(guests), "{sent:?}");
    }
    // Nor is the server flooded with them.
    let tries = stage.seen("airlock").tries;
    assert!(tries < 150, "{tries} tries in an hour");
    stage.mute("airlock", false);
    seconds(120).await;
    assert!(stage.seen("airlock").heartbeats >= 1);
    // A server that asks for a pause gets it, also by its answer to a sign of life.
    stage.busy("airlock", Some(Duration::from_secs(500)));
    seconds(100).await;
    let tries = stage.seen("airlock").tries;
    stage.source("one", hosts(&[("a", 99)]));
    seconds(300).await;
    assert_eq!(stage.seen("airlock").tries, tries);
    engine.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_always_hears_of_changes_makes_no_flood_of_reads() {
    let stage = Stage::new(AIRLOCK);
    stage.source("one", hosts(&[("a", 1)]));
    stage.watch("one", Watch::Changed);
    let engine = stage.start().await;
    seconds(1).await;
    assert_eq!(stage.reads("one"), 1);
    seconds(4).await;
    assert_eq!(stage.reads("one"), 2, "the second read comes soon");
    seconds(3595).await;
    let reads = stage.reads("one");
    assert!((12..=30).contains(&reads), "{reads} reads in an hour");
    // After a quiet time a change is looked at once.
    stage.watch("one", Watch::Deaf);
    seconds(2 * 3600).await;
    let again = stage.reads("one") - reads;
    assert!(again >= 1, "{again}: where no watch runs it is read again");
    engine.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_always_ends_early_is_not_started_without_end() {
    let stage = Stage::new(AIRLOCK);
    stage.source("one", hosts(&[("a", 1)]));
    stage.watch("one", Watch::Ends);
    let engine = stage.start().await;
    seconds(3600).await;
    let watches = stage.watches("one");
    assert!((12..=30).contains(&watches), "{watches} in an hour");
    engine.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_job_is_asked_for_and_its_report_not_sent_again() {
    let stage = Stage::new(TWO);
    stage.interval(60);
    stage.source("one", hosts(&[("a", 1)]));
    stage.source("two", hosts(&[("x", 1)]));
    stage.jobs(
        "candlepin",
        &["QUEUED", "RUNNING", "FAILED_WITH_RETRY", "FINISHED"],
    );
    let engine = stage.start().await;
    seconds(1000).await;
    let seen = stage.seen("candlepin");
    assert_eq!(seen.sent.len(), 1);
    assert_eq!(seen.polls, 4);
    // One that fails is sent again.
    stage.jobs("candlepin", &["FAILED", "FINISHED"]);
    stage.source("two", hosts(&[("x", 2)]));
    seconds(600).await;
    let seen = stage.seen("candlepin");
    assert_eq!(seen.sent.len(), 3);
    seconds(600).await;
    assert_eq!(stage.seen("candlepin").sent.len(), 3);
    engine.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_busy_server_is_left_alone_for_as_long_as_it_asks() {
    let stage = Stage::new(TWO);
    stage.source("one", hosts(&[("a", 1)]));
    stage.source("two", hosts(&[("x", 1)]));
    stage.busy("candlepin", Some(Duration::from_secs(500)));
    let engine = stage.start().await;
    seconds(490).await;
    assert_eq!(stage.seen("candlepin").tries, 1);
    stage.busy("candlepin", None);
    seconds(20).await;
    assert_eq!(stage.seen("candlepin").sent.len(), 1);
    engine.stop().await;
}

#[tokio::test(start_paused = true)]
async fn sources_with_one_destination_go_in_one_message() {
    let both = TWO.replace(
        "airlock_server=https://airlock.example.com\nairlock_token=t",
        "owner=acme\nrhsm_hostname=candlepin.example.com\nrhsm_username=u\nrhsm_password=p",
    );
    let stage = Stage::new(&both);
    stage.source("one", hosts(&[("a", 1)]));
    stage.source("two", hosts(&[("x", 1)]));
    let engine = stage.start().await;
    seconds(30).await;
    let seen = stage.seen("candlepin");
    assert_eq!(seen.sent.len(), 2);
    assert_eq!(seen.tries, 1);
    engine.stop().await;
}

#[tokio::test(start_paused = true)]
async fn once_tells_the_truth() {
    let stage = Stage::new(TWO);
    stage.source("one", hosts(&[("a", 1)]));
    stage.fails("two", false);
    let outcome = stage.once().await;
    assert_eq!(outcome.failures.len(), 1);
    assert!(outcome.failures[0].starts_with("source two: "));
    stage.source("two", hosts(&[("x", 1)]));
    stage.jobs("candlepin", &["QUEUED", "ABORTED"]);
    let outcome = stage.once().await;
    assert_eq!(outcome.failures.len(), 1, "{:?}", outcome.failures);
    assert!(outcome.failures[0].contains("ABORTED"));
    stage.jobs("candlepin", &["FINISHED"]);
    let outcome = stage.once().await;
    assert!(outcome.failures.is_empty(), "{:?}", outcome.failures);
    stage.down("airlock", true);
    stage.source("one", hosts(&[("a", 2)]));
    assert_eq!(stage.once().await.failures.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn status_says_that_a_refused_login_waits_and_does_not_try_it() {
    let stage = Stage::new(AIRLOCK);
    stage.fails("one", true);
    let status = stage.status().await;
    assert!(!status.good());
    assert_eq!(stage.connects("one"), 1);
    let status = stage.status().await;
    assert_eq!(stage.connects("one"), 1);
    let message = status.configurations[0].source.message.as_deref().unwrap();
    assert!(message.contains("not tried again before 20"), "{message}");
    seconds(3601).await;
    stage.source("one", hosts(&[("a", 1)]));
    assert!(stage.status().await.good());
    assert_eq!(stage.connects("one"), 2);
}

#[tokio::test(start_paused = true)]
async fn once_holds_back_what_looks_wrong_until_it_is_accepted() {
    let stage = Stage::new(SATELLITE);
    stage.source("one", hosts(&[("a", 1), ("b", 1), ("c", 1)]));
    assert!(stage.once().await.failures.is_empty());
    stage.source("one", hosts(&[("a", 1)]));
    let outcome = stage.once().await;
    assert!(
        outcome.failures[0].contains("held back"),
        "{:?}",
        outcome.failures
    );
    assert_eq!(stage.seen("satellite5").sent.len(), 1);
    let text = stage.status().await.text(false, true);
    assert!(
        text.contains("held back: 2 of 3 hosts are gone (1 equal full reads)"),
        "{text}"
    );
    assert!(stage.once_accepting().await.failures.is_empty());
    assert_eq!(stage.seen("satellite5").sent.len(), 2);
    assert!(stage.held("one").is_none());
}

#[tokio::test(start_paused = true)]
async fn everything_is_sent_again_when_that_is_asked_for() {
    let stage = Stage::new(AIRLOCK);
    stage.source("one", hosts(&[("a", 1)]));
    stage.start().await.stop().await;
    let engine = stage.start().await;
    seconds(30).await;
    let before = stage.seen("airlock").sent.len();
    engine.stop().await;
    let engine = stage.start_resending().await;
    seconds(30).await;
    assert_eq!(stage.seen("airlock").sent.len(), before + 1);
    seconds(7200).await;
    assert_eq!(stage.seen("airlock").sent.len(), before + 1);
    engine.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_lost_a_report_hears_it_again_with_the_next_sign_of_life() {
    let stage = Stage::new(AIRLOCK);
    stage.source("one", hosts(&[("a", 1)]));
    let engine = stage.start().await;
    seconds(30).await;
    stage.forgets("airlock");
    seconds(3700).await;
    assert_eq!(stage.seen("airlock").sent.len(), 2);
    seconds(7200).await;
    assert_eq!(stage.seen("airlock").sent.len(), 2);
    engine.stop().await;
}
