//! The rights table walked over a running server: every route without a token, with a wrong one, with too low a role.

use airlock_server::{Need, RIGHTS};

use crate::client::{PASSWORD, start};

fn concrete(path: &str) -> String {
    path.replace("{label}", "no-such-channel")
        .replace("{login}", "nobody")
        .replace("{id}", "4711")
        .replace("{name}", "nowhere")
        .replace("{host}", "nowhere")
        .replace("{uuid}", "no-such-guest")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_by_everybody() {
    let server = start().await;
    let roles = ["download", "reader", "content-manager", "administrator"];
    let mut tokens = Vec::new();
    for role in roles {
        tokens.push(server.token(role).await);
    }
    let scoped = r#"{"name":"gate1","scope":"hypervisors:write"}"#;
    let scoped = server.admin("POST", "/api/v1/tokens", scoped).await;
    assert_eq!(scoped.status, 201, "{scoped:?}");
    let scoped = scoped.json()["token"].as_str().unwrap().to_owned();
    let wrong = format!("airl_{}", "x".repeat(43));
    for right in RIGHTS {
        let path = concrete(right.path);
        let what = format!("{} {path}", right.method);
        let least = match right.need {
            Need::Nobody => {
                assert_ne!(
                    server.call(right.method, &path, None, "{}").await.status,
                    403,
                    "{what}"
                );
                continue;
            }
            Need::Role(least) => least,
            Need::Scope(_) => airlock_model::Role::ContentManager,
            // These tokens are of the first organization; organizations.rs asks from another one.
            Need::ServerAdministrator => airlock_model::Role::Administrator,
        };
        for token in [None, Some(wrong.as_str()), Some("airl_"), Some(PASSWORD)] {
            let answer = server.call(right.method, &path, token, "{}").await;
            assert_eq!(answer.status, 401, "{what}");
            assert!(answer.header("www-authenticate").is_some(), "{what}");
            assert_eq!(
                answer.header("content-type").as_deref(),
                Some("application/problem+json"),
                "{what}"
            );
        }
        let answer = server.call(right.method, &path, Some(&scoped), "{}").await;
        let its_own = matches!(right.need, Need::Scope(_));
        assert_eq!(
            answer.status == 403,
            !its_own,
            "{what} by scope: {answer:?}"
        );
        for (role, token) in roles.iter().zip(&tokens) {
            let allowed = role.parse::<airlock_model::Role>().unwrap() >= least;
            if allowed
                && *role == "administrator"
                && right.method == "POST"
                && right.path.ends_with("gc")
            {
                continue;
            }
            let answer = server.call(right.method, &path, Some(token), "{}").await;
            assert_eq!(
                answer.status == 403,
                !allowed,
                "{what} as {role}: {answer:?}"
            );
            assert_ne!(answer.status, 401, "{what} as {role}");
        }
    }
    // A path or method outside the table is nowhere, whoever asks.
    for (method, path) in [
        ("GET", "/api/v1/secrets"),
        ("PUT", "/api/v1/channels"),
        ("GET", "/api/v2/channels"),
    ] {
        let status = server.call(method, path, Some(&tokens[3]), "").await.status;
        assert!(matches!(status, 404 | 405), "{method} {path}: {status}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_with_a_scope_reports_hypervisors_and_nothing_else() {
    let server = start().await;
    for (wish, status) in [
        (r#"{"name":"x","scope":"hypervisors:read"}"#, 400),
        (
            r#"{"name":"x","scope":"hypervisors:write","role":"reader"}"#,
            400,
        ),
        (
            r#"{"name":"x","scope":"hypervisors:write","channels":[]}"#,
            400,
        ),
        (r#"{"name":"x","scope":"hypervisors:write"}"#, 201),
    ] {
        let made = server.admin("POST", "/api/v1/tokens", wish).await;
        assert_eq!(made.status, status, "{wish}: {made:?}");
    }
    let reader = server.token("reader").await;
    let wish = r#"{"name":"x","scope":"hypervisors:write"}"#;
    let refused = server
        .call("POST", "/api/v1/tokens", Some(&reader), wish)
        .await;
    assert_eq!(refused.status, 403);
    let made = server.admin("POST", "/api/v1/tokens", wish).await.json();
    let token = made["token"].as_str().unwrap();
    let listed = server.admin("GET", "/api/v1/tokens", "").await.json();
    assert_eq!(listed[0]["scope"], "hypervisors:write");
    let closed = r#"{"label":"closed-channel","settings":{"access":"token"}}"#;
    assert_eq!(
        server
            .admin("POST", "/api/v1/channels", closed)
            .await
            .status,
        201
    );
    let path = "/repos/closed-channel/repodata/repomd.xml";
    let refused = server.call("GET", path, Some(token), "").await;
    assert!(matches!(refused.status, 401 | 403), "{refused:?}");
    let report = serde_json::json!({
        "protocol": 1, "source": "gate1/vc", "reporter": "gate1", "kind": "esx", "id_kind": "uuid",
        "incarnation": "a", "sequence": 1, "interval": 3600,
        "body": { "what": "full", "part": 0, "last": true, "total_hosts": 1, "total_guests": 1,
            "hosts": [{ "id": "esx1", "name": "esx1.example.com", "cluster": "west", "sockets": 2,
                "guests": [{ "id": "423e6a1f-9d2c-4b8e-8f3a-0123456789ab", "state": 1 }] }] },
    });
    let path = "/agent/v1/hypervisors";
    let answer = server
        .call("POST", path, Some(token), &report.to_string())
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.json()["verdict"], "applied");
    let again = server
        .call("POST", path, Some(token), &report.to_string())
        .await;
    assert_eq!(again.json()["verdict"], "known");
    let bad = server
        .call(
            "POST",
            path,
            Some(token),
            &report.to_string().replace("\"a\"", "\"\""),
        )
        .await;
    assert_eq!(bad.status, 400);
    assert!(
        bad.json()["detail"]
            .as_str()
            .unwrap()
            .contains("incarnation is empty")
    );
    let list = server
        .call("GET", "/api/v1/hypervisors", Some(&reader), "")
        .await
        .json();
    assert_eq!(list[0]["name"], "esx1.example.com");
    assert_eq!(list[0]["running"], 1);
    let swapped = "/api/v1/guests/1f6a3e422c9d8e4b8f3a0123456789ab";
    let places = server.call("GET", swapped, Some(&reader), "").await.json();
    assert_eq!(places[0]["host"]["host_id"], "esx1");
    let shown = server
        .call("GET", "/api/v1/hypervisors/esx1", Some(&reader), "")
        .await
        .json();
    assert_eq!(shown["guest_list"][0]["state"], 1);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_end_and_give_no_more_than_their_maker_has() {
    let server = start().await;
    let reader = server.token("reader").await;
    let wish = r#"{"name":"x","role":"administrator"}"#;
    assert_eq!(
        server
            .call("POST", "/api/v1/tokens", Some(&reader), wish)
            .await
            .status,
        403
    );
    let list = server.admin("GET", "/api/v1/tokens", "").await.json();
    let id = list[0]["id"].as_i64().unwrap();
    assert!(!list.to_string().contains(&reader));
    assert_eq!(
        server
            .call("GET", "/api/v1/channels", Some(&reader), "")
            .await
            .status,
        200
    );
    assert_eq!(
        server
            .admin("DELETE", &format!("/api/v1/tokens/{id}"), "")
            .await
            .status,
        200
    );
    assert_eq!(
        server
            .call("GET", "/api/v1/channels", Some(&reader), "")
            .await
            .status,
        401
    );
    let elsewhere = format!("/api/v1/channels?token={reader}&access_token={reader}");
    assert_eq!(server.call("GET", &elsewhere, None, "").await.status, 401);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn login_gives_a_token_and_guessing_is_slowed() {
    let server = start().await;
    let login =
        |password: &str| serde_json::json!({ "login": "admin", "password": password }).to_string();
    let answer = server
        .call("POST", "/api/v1/login", None, &login(PASSWORD))
        .await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let token = answer.json()["token"].as_str().unwrap().to_owned();
    let who = server
        .call("GET", "/api/v1/whoami", Some(&token), "")
        .await
        .json();
    assert_eq!(who["role"], "administrator");
    for _ in 0..5 {
        assert_eq!(
            server
                .call("POST", "/api/v1/login", None, &login("wrong"))
                .await
                .status,
            401
        );
    }
    let slowed = server
        .call("POST", "/api/v1/login", None, &login("wrong"))
        .await;
    assert_eq!(slowed.status, 429);
    assert!(slowed.header("retry-after").is_some());
    server.stop().await;
}
