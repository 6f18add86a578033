//! What messages do, in and out of order.

use airlock_model::{
    HypervisorBody, HypervisorMessage, HypervisorVerdict, OrgId, ReportedGuest, SourceState,
};

use crate::world::{actor, difference, full, host, hosts, message, on_both};
use HypervisorVerdict::{Applied, Kept, Known, SendFull};

#[test]
fn a_first_report_is_taken_and_differences_tell_who_moved() {
    on_both(|world| async move {
        let answer = world
            .send(&full(1, &["esx1: g1 g2", "esx2: g3", "esx3:"]))
            .await;
        assert_eq!((answer.verdict, answer.sequence), (Applied, 1));
        assert_eq!(world.state().await, "esx1: g1 g2; esx2: g3; esx3: ");
        world.clock.advance(60);
        let moved = difference(2, &["esx1: g2", "esx2: g1 g3"], &[], (3, 3));
        assert_eq!(world.send(&moved).await.verdict, Applied);
        let changed = difference(3, &["esx4: g5 g2"], &["esx1", "esx3", "nobody"], (2, 4));
        assert_eq!(world.send(&changed).await.verdict, Applied);
        assert_eq!(world.state().await, "esx2: g1 g3; esx4: g2 g5");
        let back = difference(4, &["esx1: g9"], &[], (3, 5));
        assert_eq!(world.send(&back).await.verdict, Applied);
        assert_eq!(
            world.told().await,
            [
                "first-report 3 hosts",
                "guest-moved g1 esx1 esx2",
                "host-gone esx1",
                "host-gone esx3",
                "host-came esx4",
                "guest-moved g2 esx1 esx4",
                "guest-came g5 esx4",
                "host-came esx1 again",
                "guest-came g9 esx1",
            ]
        );
        let places = world.fleet.guest(OrgId::DEFAULT, "g1").await.unwrap();
        assert_eq!(places.len(), 1);
        assert_eq!(places[0].host.host_id, "esx2");
        assert_eq!(
            places[0].guest.since,
            places[0].host.first_seen.plus_seconds(60)
        );
        let history = world
            .fleet
            .history(OrgId::DEFAULT, None, Some("G1"), 10)
            .await
            .unwrap();
        assert_eq!(history.len(), 1);
        let of_host = world
            .fleet
            .history(OrgId::DEFAULT, Some("esx1.example.com"), None, 10)
            .await
            .unwrap();
        assert_eq!(of_host.len(), 5);
    });
}

#[test]
fn a_guest_that_stands_twice_in_a_host_counts_as_the_agent_counts_it() {
    on_both(|world| async move {
        let twice = full(1, &["esx1: g1 g1 g2", "esx2: g3"]);
        assert_eq!(world.send(&twice).await.verdict, Applied);
        // Only the second line of the guest goes; the next difference fits all the same.
        let once = difference(2, &["esx1: g1 g2"], &[], (2, 3));
        assert_eq!(world.send(&once).await.verdict, Applied);
        let next = difference(3, &["esx2:"], &[], (2, 2));
        assert_eq!(world.send(&next).await.verdict, Applied);
        assert_eq!(world.state().await, "esx1: g1 g2; esx2: ");
    });
}

#[test]
fn a_message_counts_once_and_only_on_what_it_is_against() {
    on_both(|world| async move {
        // Nothing to be different from.
        let early = difference(2, &["esx1: g1"], &[], (1, 1));
        assert_eq!(world.send(&early).await.verdict, SendFull);
        assert!(
            world
                .fleet
                .sources(OrgId::DEFAULT)
                .await
                .unwrap()
                .is_empty()
        );
        let first = full(1, &["esx1: g1", "esx2: g2"]);
        assert_eq!(world.send(&first).await.verdict, Applied);
        assert_eq!(world.send(&first).await.verdict, Known);
        // A message is missing between.
        let later = difference(3, &["esx1: g3"], &[], (2, 2));
        let answer = world.send(&later).await;
        assert_eq!((answer.verdict, answer.sequence), (SendFull, 1));
        assert!(answer.reason.unwrap().contains("report 1 came last"));
        // The counts do not fit afterwards: nothing of it is done.
        let wrong = difference(2, &["esx1: g3 g4"], &[], (2, 2));
        assert_eq!(world.send(&wrong).await.verdict, SendFull);
        assert_eq!(world.state().await, "esx1: g1; esx2: g2");
        let right = difference(2, &["esx1: g3 g4"], &[], (2, 3));
        assert_eq!(world.send(&right).await.verdict, Applied);
        assert_eq!(world.send(&right).await.verdict, Known);
        // Another life of the agent knows nothing of these numbers.
        let mut other = difference(3, &[], &["esx1"], (1, 1));
        other.incarnation = "life-2".to_owned();
        assert_eq!(world.send(&other).await.verdict, SendFull);
        let mut anew = full(1, &["esx2: g2"]);
        anew.incarnation = "life-2".to_owned();
        assert_eq!(world.send(&anew).await.verdict, Applied);
        assert_eq!(world.state().await, "esx2: g2");
        // What the former life says late is known to be another one's.
        let late = message(2, HypervisorBody::Heartbeat { base: 2 });
        assert_eq!(world.send(&late).await.verdict, SendFull);
    });
}

#[test]
fn a_report_in_parts_counts_when_it_is_whole() {
    on_both(|world| async move {
        let part = |sequence, part, last, texts: &[&str]| {
            message(
                sequence,
                HypervisorBody::Full {
                    part,
                    last,
                    hosts: hosts(texts),
                    total_hosts: 3,
                    total_guests: 4,
                },
            )
        };
        let three = [
            part(1, 0, false, &["esx1: g1 g2"]),
            part(1, 1, false, &["esx2: g3"]),
            part(1, 2, true, &["esx3: g4"]),
        ];
        // The middle one was lost.
        assert_eq!(world.send(&three[0]).await.verdict, Kept);
        assert_eq!(world.send(&three[2]).await.verdict, SendFull);
        assert_eq!(world.state().await, "");
        assert_eq!(world.send(&three[1]).await.verdict, Kept);
        assert_eq!(world.send(&three[1]).await.verdict, Kept);
        assert_eq!(world.send(&three[2]).await.verdict, Applied);
        assert_eq!(world.state().await, "esx1: g1 g2; esx2: g3; esx3: g4");
        assert_eq!(world.send(&three[0]).await.verdict, Known);
        // Parts of an abandoned report do not get into the next one.
        assert_eq!(
            world.send(&part(2, 0, false, &["esx9: g9"])).await.verdict,
            Kept
        );
        assert_eq!(
            world.send(&part(3, 1, true, &["esx3: g4"])).await.verdict,
            SendFull
        );
        assert_eq!(
            world
                .send(&part(3, 0, false, &["esx1: g1 g2", "esx2: g3"]))
                .await
                .verdict,
            Kept
        );
        assert_eq!(
            world.send(&part(3, 1, true, &["esx3: g4"])).await.verdict,
            Applied
        );
        assert_eq!(world.state().await, "esx1: g1 g2; esx2: g3; esx3: g4");
        // A host in two parts.
        assert_eq!(
            world
                .send(&part(4, 0, false, &["esx1: g1", "esx2: g2"]))
                .await
                .verdict,
            Kept
        );
        assert_eq!(
            world
                .send(&part(4, 1, true, &["esx1: g3 g4"]))
                .await
                .verdict,
            SendFull
        );
    });
}

#[test]
fn sources_are_silent_stale_retired_and_come_back() {
    on_both(|world| async move {
        let state = async || world.fleet.sources(OrgId::DEFAULT).await.unwrap()[0].state;
        world.send(&full(1, &["esx1: g1"])).await;
        assert_eq!(state().await, SourceState::Reporting);
        let silent = message(
            1,
            HypervisorBody::Silent {
                reason: "the login was refused".to_owned(),
            },
        );
        let reported = world
            .fleet
            .hypervisors(OrgId::DEFAULT, false)
            .await
            .unwrap()[0]
            .last_seen;
        world.clock.advance(100);
        assert_eq!(world.send(&silent).await.verdict, Applied);
        assert_eq!(state().await, SourceState::Silent);
        let row = world
            .fleet
            .hypervisors(OrgId::DEFAULT, false)
            .await
            .unwrap()
            .remove(0);
        assert_eq!(row.last_seen, reported);
        let beat = message(1, HypervisorBody::Heartbeat { base: 1 });
        assert_eq!(world.send(&beat).await.verdict, Applied);
        assert_eq!(state().await, SourceState::Reporting);
        world.clock.advance(3 * 3_600);
        assert_eq!(state().await, SourceState::Reporting);
        world.clock.advance(1);
        assert_eq!(state().await, SourceState::Stale);
        let retire = message(2, HypervisorBody::Retire);
        assert_eq!(world.send(&retire).await.verdict, Applied);
        assert_eq!(world.send(&retire).await.verdict, Known);
        assert_eq!(state().await, SourceState::Retired);
        assert_eq!(world.state().await, "");
        assert_eq!(
            world
                .fleet
                .hypervisors(OrgId::DEFAULT, true)
                .await
                .unwrap()
                .len(),
            1
        );
        let beat = message(2, HypervisorBody::Heartbeat { base: 2 });
        assert_eq!(world.send(&beat).await.verdict, SendFull);
        assert_eq!(world.send(&full(3, &["esx1: g1"])).await.verdict, Applied);
        assert_eq!(state().await, SourceState::Reporting);
        assert_eq!(world.state().await, "esx1: g1");
        let me = actor(OrgId::DEFAULT);
        world.fleet.forget_source(&me, "gate1/vc").await.unwrap();
        assert!(
            world
                .fleet
                .sources(OrgId::DEFAULT)
                .await
                .unwrap()
                .is_empty()
        );
        assert!(world.told().await.is_empty());
        let error = world
            .fleet
            .forget_source(&me, "gate1/vc")
            .await
            .unwrap_err();
        assert_eq!(error.to_string(), "there is no source gate1/vc");
    });
}

#[test]
fn doubles_are_named_and_uuids_found_in_both_byte_orders() {
    on_both(|world| async move {
        let mut report = full(1, &["a:", "b:", "c:"]);
        let HypervisorBody::Full {
            hosts,
            total_guests,
            ..
        } = &mut report.body
        else {
            unreachable!()
        };
        for host in hosts.iter_mut() {
            host.name = Some("localhost.localdomain".to_owned());
        }
        hosts[0].uuid = Some("423E6A1F-9D2C-4B8E-8F3A-0123456789AB".to_owned());
        hosts[1].uuid = Some("1f6a3e42-2c9d-8e4b-8f3a-0123456789ab".to_owned());
        let guest = |id: &str, state| ReportedGuest {
            id: id.to_owned(),
            state,
        };
        // One guest twice on a host, and one on two hosts.
        hosts[0].guests = vec![guest("x", 1), guest("x", 5), guest("y", 1)];
        hosts[2].guests = vec![
            guest("564d0b8a-0000-1111-2222-0123456789ab", 5),
            guest("y", 1),
        ];
        *total_guests = 5;
        let answer = world.send(&report).await;
        assert_eq!(answer.verdict, Applied);
        assert_eq!(
            answer.warnings,
            [
                "hosts a, b have the same uuid 1f6a3e422c9d8e4b8f3a0123456789ab",
                "hosts a, b, c have the same name localhost.localdomain",
            ]
        );
        let found = world
            .fleet
            .guest(OrgId::DEFAULT, "8A0B4D56000011112222 0123456789AB")
            .await
            .unwrap();
        assert_eq!(found[0].host.host_id, "c");
        assert_eq!(
            world.fleet.guest(OrgId::DEFAULT, "y").await.unwrap().len(),
            2
        );
        let error = world
            .fleet
            .hypervisor(OrgId::DEFAULT, "localhost.localdomain")
            .await
            .unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("localhost.localdomain is the name of hosts")
        );
        let detail = world.fleet.hypervisor(OrgId::DEFAULT, "c").await.unwrap();
        assert_eq!(detail.doubles.len(), 2);
        // The same again is no change.
        let again = difference(2, &[], &[], (3, 5));
        assert_eq!(world.send(&again).await.verdict, Applied);
    });
}

type Spoil = Box<dyn Fn(&mut HypervisorMessage)>;

#[test]
fn malformed_messages_are_refused_with_the_field() {
    on_both(|world| async move {
        let good = full(1, &["esx1: g1"]);
        let cases: Vec<(Spoil, &str)> = vec![
            (Box::new(|m| m.protocol = 2), "protocol is 2"),
            (Box::new(|m| m.source.clear()), "source is empty"),
            (
                Box::new(|m| m.source = "x".repeat(600)),
                "source is too long",
            ),
            (
                Box::new(|m| m.kind = "a\nb".to_owned()),
                "kind has control characters",
            ),
            (Box::new(|m| m.sequence = 0), "sequence has to count from 1"),
            (
                Box::new(|m| m.sequence = u64::MAX),
                "sequence has to count from 1",
            ),
            (
                Box::new(|m| {
                    m.body = HypervisorBody::Difference {
                        base: 1,
                        changed: vec![host("a:")],
                        removed: vec!["a".to_owned()],
                        total_hosts: 1,
                        total_guests: 0,
                    };
                }),
                "a is both changed and removed",
            ),
            (
                Box::new(|m| {
                    m.body = HypervisorBody::Full {
                        part: 0,
                        last: true,
                        hosts: vec![host("a:"), host("a:")],
                        total_hosts: 2,
                        total_guests: 0,
                    };
                }),
                "host a stands twice",
            ),
        ];
        for (spoil, said) in cases {
            let mut message = good.clone();
            spoil(&mut message);
            let error = world
                .fleet
                .report(&actor(OrgId::DEFAULT), &message)
                .await
                .unwrap_err();
            assert!(error.to_string().contains(said), "{error}");
        }
        assert!(
            world
                .fleet
                .sources(OrgId::DEFAULT)
                .await
                .unwrap()
                .is_empty()
        );
    });
}

#[test]
fn organizations_do_not_see_each_other() {
    on_both(|world| async move {
        let mut tx = world.db.begin().await.unwrap();
        let other = airlock_db::organizations::create(&mut tx, "other", world.clock_now())
            .await
            .unwrap()
            .unwrap();
        tx.commit().await.unwrap();
        world.send(&full(1, &["esx1: g1"])).await;
        let answer = world
            .fleet
            .report(&actor(other), &full(1, &["esx1: g7"]))
            .await
            .unwrap();
        assert_eq!(answer.verdict, Applied);
        assert!(answer.warnings.is_empty(), "{answer:?}");
        assert_eq!(world.state().await, "esx1: g1");
        assert!(world.fleet.guest(other, "g1").await.unwrap().is_empty());
        let id = world
            .fleet
            .hypervisors(OrgId::DEFAULT, false)
            .await
            .unwrap()[0]
            .id;
        assert!(
            world
                .fleet
                .hypervisor(other, &id.to_string())
                .await
                .is_err()
        );
        let told = world.fleet.history(other, None, None, 10).await.unwrap();
        assert_eq!(told.len(), 1);
    });
}
