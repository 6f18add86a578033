//! The rights table walked over a running server: every route without a token, with a wrong one, with too low a role.

use airlock_server::{Need, RIGHTS};

use crate::client::{PASSWORD, start};

fn concrete(path: &str) -> String {
    path.replace("{label}", "no-such-channel")
        .replace("{login}", "nobody")
        .replace("{id}", "4711")
        .replace("{name}", "nowhere")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_by_everybody() {
    let server = start().await;
    let roles = ["download", "reader", "content-manager", "administrator"];
    let mut tokens = Vec::new();
    for role in roles {
        tokens.push(server.token(role).await);
    }
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
