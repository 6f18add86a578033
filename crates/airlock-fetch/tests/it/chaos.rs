//! Whatever a server does to a transfer, the file is right or the download fails.

use airlock_fetch::{Settings, Upstream};
use proptest::prelude::*;

use crate::place::{Place, assert_content, content};
use crate::server::{Framing, Reply, Server, file};

#[derive(Debug, Clone)]
enum Trick {
    Cut(usize),
    Status(u16),
    OtherTag(usize),
    NoRange(usize),
    Unframed(usize),
    WrongBytes(usize),
    Page,
}

fn trick() -> impl Strategy<Value = Trick> {
    let at = 0_usize..60_000;
    prop_oneof![
        at.clone().prop_map(Trick::Cut),
        prop_oneof![Just(500), Just(503), Just(429)].prop_map(Trick::Status),
        at.clone().prop_map(Trick::OtherTag),
        at.clone().prop_map(Trick::NoRange),
        at.clone().prop_map(Trick::Unframed),
        at.prop_map(Trick::WrongBytes),
        Just(Trick::Page),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn the_file_is_right_or_there_is_none(tricks in prop::collection::vec(trick(), 0..6), size in 1_usize..60_000) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let body = content(size);
            let (served, played) = (body.clone(), tricks.clone());
            let mirror_body = body.clone();
            let server = Server::start(move |request, number| match played.get(number) {
                None => file(request, &served, "\"e\""),
                Some(Trick::Cut(at)) => file(request, &served, "\"e\"").cut(*at),
                Some(Trick::Status(status)) => Reply::new(*status, "trouble"),
                Some(Trick::OtherTag(at)) => file(request, &served, "\"f\"").cut(*at),
                Some(Trick::NoRange(at)) => Reply::ok(served.clone()).cut(*at),
                Some(Trick::Unframed(at)) => file(request, &served, "\"e\"").framing(Framing::Close).cut(*at),
                Some(Trick::WrongBytes(at)) => {
                    let mut wrong = served.clone();
                    let at = at % wrong.len();
                    wrong[at] ^= 1;
                    file(request, &wrong, "\"e\"").cut(at + 1)
                }
                Some(Trick::Page) => Reply::ok("<html>").with("Content-Type", "text/html"),
            })
            .await;
            let mirror = Server::start(move |request, _| file(request, &mirror_body, "\"m\"")).await;
            let place = Place::with(Settings { retries: 9, ..Settings::default() });
            let mut upstream = Upstream::new(server.base());
            let session = place.session(&upstream).await;
            // Alone the server may be unfit for the file; a good mirror beside it always brings it.
            match place.download(&session, &place.job("a", &body)).await {
                Ok(done) => assert_content(&done, &body),
                Err(error) => assert!(error.is_mismatch(), "{tricks:?}: {error}"),
            }
            upstream.mirrors.push(mirror.base());
            let session = place.session(&upstream).await;
            let done = place.download(&session, &place.job("a", &body)).await.unwrap();
            assert_content(&done, &body);
            drop(done);
            assert!(place.files().is_empty(), "{:?}", place.files());
        });
    }
}
