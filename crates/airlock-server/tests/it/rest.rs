//! Bodies, queries, tasks: what is taken and what is refused.

use crate::client::{PASSWORD, exchange, request, start};

#[tokio::test(flavor = "multi_thread")]
async fn hostile_bodies_are_refused() {
    let server = start().await;
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let large = format!("{{\"label\":\"{}\"}}", "x".repeat(3 << 20));
    for (body, status) in [
        ("", 400),
        ("{", 400),
        ("{\"label\":\"el9-base\",\"org_id\":2}", 400),
        (
            "{\"label\":\"el9-base\",\"settings\":{\"role\":\"administrator\"}}",
            400,
        ),
        ("{\"label\":\"el9-base\",\"label\":\"el9-other\"}", 400),
        ("{\"label\":\"\\ud800\"}", 400),
        ("{\"label\":NaN}", 400),
        ("{\"label\":\"UPPER\"}", 400),
        (deep.as_str(), 400),
        (large.as_str(), 413),
    ] {
        let answer = server.admin("POST", "/api/v1/channels", body).await;
        assert_eq!(
            answer.status,
            status,
            "{}: {answer:?}",
            &body[..body.len().min(60)]
        );
        assert_eq!(
            answer.header("content-type").as_deref(),
            Some("application/problem+json")
        );
        let problem = answer.json();
        assert_eq!(
            problem["request_id"].as_str(),
            answer.header("x-request-id").as_deref()
        );
    }
    assert_eq!(
        server.admin("GET", "/api/v1/channels", "").await.json(),
        serde_json::json!([])
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn queries_are_checked() {
    let server = start().await;
    assert_eq!(
        server
            .admin("POST", "/api/v1/channels", "{\"label\":\"own-tools\"}")
            .await
            .status,
        201
    );
    for path in [
        "/api/v1/channels/own-tools/packages?limit=1000000",
        "/api/v1/channels/own-tools/packages?limit=0",
        "/api/v1/channels/own-tools/packages?sort=drop",
        "/api/v1/channels/own-tools/packages?at=2026-02-30",
        "/api/v1/channels/own-tools/packages?at=",
        "/api/v1/diff?from=own-tools@&to=own-tools",
        "/api/v1/tasks?limit=1001",
        "/api/v1/tasks/1?wait=61",
        "/api/v1/audit?limit=0",
        "/api/v1/diff?from=own-tools",
    ] {
        assert_eq!(server.admin("GET", path, "").await.status, 400, "{path}");
    }
    // A day that is not over is no state that was recorded; nor is nothing.
    let today = jiff::Timestamp::now().strftime("%Y-%m-%d").to_string();
    for version in [today.as_str(), ""] {
        let path = "/api/v1/channels/own-tools/rollback";
        let wish = format!("{{\"version\":\"{version}\"}}");
        let answer = server.admin("POST", path, &wish).await;
        assert_eq!(answer.status, 400, "{version}: {answer:?}");
        let says = if version.is_empty() {
            "names no version"
        } else {
            "is not over"
        };
        assert!(
            answer.json()["detail"].to_string().contains(says),
            "{answer:?}"
        );
    }
    for path in [
        "/api/v1/channels/..%2f",
        "/api/v1/channels/NONE",
        "/api/v1/channels/no-such-one",
        "/api/v1/tasks/999",
        "/api/v1/channels/own-tools/versions/x",
    ] {
        assert_eq!(server.admin("GET", path, "").await.status, 404, "{path}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_gives_the_same_task() {
    let server = start().await;
    let token = server.token("administrator").await;
    let once = |key: &str| {
        let bytes = request(
            "POST",
            "/api/v1/fsck",
            Some(&token),
            "{}",
            &format!("Idempotency-Key: {key}\r\n"),
        );
        let address = server.address.clone();
        async move {
            exchange(
                tokio::net::TcpStream::connect(address).await.unwrap(),
                &bytes,
            )
            .await
        }
    };
    let (first, again, other) = (once("a").await, once("a").await, once("b").await);
    assert_eq!(first.status, 202, "{first:?}");
    assert_eq!(first.json()["id"], again.json()["id"]);
    assert_ne!(first.json()["id"], other.json()["id"]);
    let path = first.header("location").unwrap();
    let task = server
        .admin("GET", &format!("{path}?wait=60"), "")
        .await
        .json();
    assert_eq!(task["state"], "done", "{task}");
    assert_eq!(task["result"]["findings"], serde_json::json!([]), "{task}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_are_in_the_audit_log() {
    let server = start().await;
    let made = server
        .admin("POST", "/api/v1/channels", "{\"label\":\"own-tools\"}")
        .await;
    let rows = server.admin("GET", "/api/v1/audit", "").await.json();
    let row = &rows[0];
    assert_eq!(row["object"], "own-tools");
    assert!(row["principal"].as_str().unwrap().starts_with("local:"));
    assert_eq!(
        row["request_id"].as_str(),
        made.header("x-request-id").as_deref()
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_log_says_which_user_acted_whatever_a_token_is_called() {
    let server = start().await;
    let new =
        serde_json::json!({ "login": "eve", "password": PASSWORD, "role": "content-manager" });
    let made = server
        .admin("POST", "/api/v1/users", &new.to_string())
        .await;
    assert_eq!(made.status, 201, "{made:?}");
    let login = serde_json::json!({ "login": "eve", "password": PASSWORD });
    let login = server
        .call("POST", "/api/v1/login", None, &login.to_string())
        .await
        .json();
    let wish = serde_json::json!({ "name": "login admin", "role": "content-manager" }).to_string();
    let own = login["token"].as_str();
    let renamed = server
        .call("POST", "/api/v1/tokens", own, &wish)
        .await
        .json();
    let alone = server.admin("POST", "/api/v1/tokens", &wish).await.json();
    for (label, token, principal) in [
        ("own-one", &login, format!("user:eve/token:{}", login["id"])),
        (
            "own-two",
            &renamed,
            format!("user:eve/token:{}", renamed["id"]),
        ),
        (
            "own-three",
            &alone,
            format!("token:{} (login admin)", alone["id"]),
        ),
    ] {
        let token = token["token"].as_str();
        let body = serde_json::json!({ "label": label }).to_string();
        let made = server.call("POST", "/api/v1/channels", token, &body).await;
        assert_eq!(made.status, 201, "{made:?}");
        let who = server.call("GET", "/api/v1/whoami", token, "").await.json();
        assert_eq!(who["principal"], principal.as_str());
        let rows = server.admin("GET", "/api/v1/audit", "").await.json();
        assert_eq!(rows[0]["object"], label);
        assert_eq!(rows[0]["principal"], principal.as_str());
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_one_token_says_nothing_of_another_with_the_same_name() {
    let server = start().await;
    let mut tasks = Vec::new();
    for token in [
        server.token("administrator").await,
        server.token("administrator").await,
    ] {
        let key = "Idempotency-Key: nightly\r\n";
        let bytes = request("POST", "/api/v1/fsck", Some(&token), "{}", key);
        tasks.push(server.raw(&bytes).await.json()["id"].clone());
    }
    assert_ne!(tasks[0], tasks[1]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_may_check_a_channel() {
    let server = start().await;
    for label in ["own-tools", "own-extra"] {
        let body = format!("{{\"label\":\"{label}\"}}");
        let made = server.admin("POST", "/api/v1/channels", &body).await;
        assert_eq!(made.status, 201);
    }
    let reader = server.token("reader").await;
    let path = "/api/v1/channels/own-tools/check";
    for (body, status) in [
        ("{\"version\":\"2026-02-30\"}", 400),
        ("{\"versions\":\"1\"}", 400),
        ("{\"with\":[\"own-extra@x\"]}", 400),
        ("{\"with\":[\"own-nowhere\"]}", 404),
        ("{\"baseline\":\"own-nowhere@1\"}", 404),
    ] {
        let answer = server.call("POST", path, Some(&reader), body).await;
        assert_eq!(answer.status, status, "{body}: {answer:?}");
    }
    let answer = server.call("POST", path, Some(&reader), "{}").await;
    assert_eq!(answer.status, 202, "{answer:?}");
    let task = answer.json();
    assert_eq!(
        (&task["kind"], &task["subject"]),
        (&"check".into(), &"own-tools".into())
    );
    let path = format!("/api/v1/tasks/{}?wait=60", task["id"]);
    let ended = server.call("GET", &path, Some(&reader), "").await.json();
    assert_eq!(ended["state"], "failed", "{ended}");
    let error = ended["error"].as_str().unwrap();
    assert!(error.contains("own-tools has no version yet"), "{ended}");
    server.stop().await;
}
