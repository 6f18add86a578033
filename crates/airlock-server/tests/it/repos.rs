//! `/repos/` over a real socket, by the fast lane and by the general path.

use crate::client::start;

#[tokio::test(flavor = "multi_thread")]
async fn no_spelling_leads_outside() {
    let server = start().await;
    assert_eq!(
        server
            .admin("POST", "/api/v1/channels", "{\"label\":\"own-tools\"}")
            .await
            .status,
        201
    );
    let spellings = [
        "a/../../airlock.db",
        "own-tools/../../airlock.db",
        "own-tools/%2e%2e/%2e%2e/airlock.db",
        "own-tools/..%2f..%2fairlock.db",
        "own-tools/%2e%2e%2fairlock.db",
        "own-tools/....//airlock.db",
        "own-tools/.%2e/airlock.db",
        "own-tools/%00",
        "own-tools/repodata/%00repomd.xml",
        "own-tools/repodata/repomd.xml%00",
        "own-tools//repodata/repomd.xml",
        "own-tools/repodata//repomd.xml",
        "own-tools/./repodata/repomd.xml",
        "own-tools/repodata/./repomd.xml",
        "own-tools/repodata/../repodata/repomd.xml",
        "own-tools\\repodata\\repomd.xml",
        "own-tools/repodata%5crepomd.xml",
        "own-tools/repodata%5c..%5c..%5cairlock.db",
        "own-tools/%c0%ae%c0%ae/airlock.db",
        "own-tools/%e0%80%ae/x",
        "own-tools/%ff%fe",
        "own-tools/%u002e",
        "own-tools/%252e%252e/airlock.db",
        "own-tools/airlock.db",
        "own-tools/initial-password",
        "own-tools//etc/passwd",
        "own-tools/%2fetc%2fpasswd",
        "own-tools/file:///etc/passwd",
        "own-tools/http://169.254.169.254/",
        "own-tools/Packages/../../../etc/passwd",
        "own-tools/Packages/e/%2e%2e/x.rpm",
        "own-tools/repodata/repomd.xml/",
        "own-tools/repodata",
        "own-tools/repodata/",
        "own-tools/Packages/",
        "own-tools;x=1/repodata/repomd.xml",
        "own-tools%20/repodata/repomd.xml",
        "%20own-tools/repodata/repomd.xml",
        "OWN-TOOLS/repodata/repomd.xml",
        "own-tools%2frepodata/repomd.xml",
        "own-tools@/repodata/repomd.xml",
        "own-tools@@1/repodata/repomd.xml",
        "own-tools@1@2/repodata/repomd.xml",
        "own-tools@-1/repodata/repomd.xml",
        "own-tools@9999999999999999999/repodata/repomd.xml",
        "own-tools@99999999999999999999999999/repodata/repomd.xml",
        "own-tools@2026-02-30/repodata/repomd.xml",
        "own-tools@2099-01-01/repodata/repomd.xml",
        "own-tools@1/repodata/repomd.xml",
        "own-tools@0x1/repodata/repomd.xml",
        "own-tools@1e3/repodata/repomd.xml",
        "own-tools@1970-01-01/repodata/repomd.xml",
        "own-tools@../repodata/repomd.xml",
        "own-tools@%00/repodata/repomd.xml",
        "..",
        ".",
        "%2e%2e",
        "~root/x",
        ".repo",
        "x.repo",
        "own-tools.repo/x",
        "own-tools.repo%00",
        "own-tools/gpg/1",
        "own-tools/gpg/-1",
        "own-tools/gpg/99999999999999999999",
    ];
    assert!(spellings.len() >= 60);
    for spelling in spellings {
        for method in ["GET", "HEAD"] {
            let answer = server
                .call(method, &format!("/repos/{spelling}"), None, "")
                .await;
            assert!(
                matches!(answer.status, 400 | 404),
                "{method} {spelling}: {answer:?}"
            );
        }
        // The same on the general path, which a request with a body takes.
        let general = format!(
            "GET /repos/{spelling} HTTP/1.1\r\nHost: test\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        );
        let answer = server.raw(general.as_bytes()).await;
        assert!(matches!(answer.status, 400 | 404), "{spelling}: {answer:?}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_without_its_slash_is_led_to_it() {
    let server = start().await;
    // Said of what does not exist, too, so that nobody learns what does; a colon does not make it another place.
    for name in ["own-tools", "own-tools@2026-01-01T00:00Z", "http:evil"] {
        for method in ["GET", "HEAD"] {
            let path = format!("/repos/{name}");
            let answer = server.call(method, &path, None, "").await;
            assert_eq!(answer.status, 302, "{answer:?}");
            assert_eq!(answer.header("location"), Some(format!("./{name}/")));
        }
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn repo_files_and_keys_of_token_channels_need_a_token() {
    let server = start().await;
    let create =
        |label: &str, more: &str| format!("{{\"label\":\"{label}\",\"settings\":{{{more}}}}}");
    assert_eq!(
        server
            .admin("POST", "/api/v1/channels", &create("el9-base", ""))
            .await
            .status,
        201
    );
    assert_eq!(
        server
            .admin(
                "POST",
                "/api/v1/channels",
                &create("el9-secret", "\"access\":\"token\",\"parent\":\"el9-base\"")
            )
            .await
            .status,
        201
    );
    let body = "{\"name\":\"web\",\"channels\":[\"el9-secret\"]}";
    let good = server.admin("POST", "/api/v1/tokens", body).await.json()["token"]
        .as_str()
        .unwrap()
        .to_owned();
    let other = server
        .admin(
            "POST",
            "/api/v1/tokens",
            "{\"name\":\"web\",\"channels\":[\"el9-base\"]}",
        )
        .await
        .json()["token"]
        .as_str()
        .unwrap()
        .to_owned();

    let public = server.call("GET", "/repos/el9-base.repo", None, "").await;
    let text = String::from_utf8(public.body.clone()).unwrap();
    assert!(
        text.contains("baseurl=http://test/repos/el9-base@$airlock_at/")
            && text.contains("gpgcheck=1"),
        "{text}"
    );
    assert!(!text.contains("el9-secret"), "{text}");
    // Nothing says when a channel's settings were changed, so a date would be a lie.
    assert!(
        !public.head.to_lowercase().contains("last-modified"),
        "{}",
        public.head
    );
    let named = server
        .call("GET", "/repos/el9-base.repo", Some(&other), "")
        .await;
    let text = String::from_utf8(named.body).unwrap();
    assert!(text.contains("# el9-secret is left out"), "{text}");
    // That it has no content yet is for readers with its token only.
    for form in ["el9-secret", "el9-secret@1", "el9-secret@current"] {
        let path = format!("/repos/{form}/repodata/repomd.xml");
        for (token, status) in [(None, 401), (Some(&other), 401), (Some(&good), 404)] {
            let answer = server
                .call("GET", &path, token.map(String::as_str), "")
                .await;
            assert_eq!(answer.status, status, "{path}");
        }
    }

    for path in ["/repos/el9-secret.repo", "/repos/el9-secret/gpg/1"] {
        assert_eq!(
            server.call("GET", path, None, "").await.status,
            401,
            "{path}"
        );
        assert_eq!(
            server.call("GET", path, Some(&other), "").await.status,
            401,
            "{path}"
        );
        assert_eq!(
            server
                .call("GET", &format!("{path}?token={good}"), None, "")
                .await
                .status,
            401,
            "{path}"
        );
    }
    let closed = server
        .call("GET", "/repos/el9-secret.repo", Some(&good), "")
        .await;
    let text = String::from_utf8(closed.body).unwrap();
    assert!(
        text.contains(&format!("username=token\npassword={good}")),
        "{text}"
    );

    // A deleted channel and one that never was look the same.
    assert_eq!(
        server
            .call("GET", "/repos/no-such-one.repo", None, "")
            .await
            .status,
        404
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_connection_may_change_its_mind() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let server = start().await;
    let mut stream = tokio::net::TcpStream::connect(&server.address)
        .await
        .unwrap();
    // Two for the lane in one packet, then one for the general path.
    let pipelined = "GET /repos/none-here.repo HTTP/1.1\r\nHost: t\r\n\r\nHEAD /repos/none-here/x HTTP/1.1\r\nHost: t\r\n\r\nGET /healthz HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n";
    stream.write_all(pipelined.as_bytes()).await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    assert_eq!(text.matches("HTTP/1.1 404 Not Found").count(), 2, "{text}");
    assert!(text.ends_with("ok\n"), "{text}");
    server.stop().await;
}
