//! Plans over REST: who gets which, what is refused before a task begins. What plans hold is the domain's.

use airlock_content::write_plan;
use airlock_model::Plan;
use serde_json::{Value, json};

use crate::client::{Answer, Server, request, start};

async fn task(server: &Server, answer: &Answer) -> Value {
    assert_eq!(answer.status, 202, "{answer:?}");
    let path = format!("/api/v1/tasks/{}?wait=60", answer.json()["id"]);
    loop {
        let task = server.admin("GET", &path, "").await.json();
        if !matches!(task["state"].as_str(), Some("queued" | "running")) {
            return task;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_request_and_what_is_no_plan_is_refused_at_once() {
    let server = start().await;
    let made = server
        .admin("POST", "/api/v1/channels", r#"{"label":"el9-base"}"#)
        .await;
    assert_eq!(made.status, 201);
    let pair = json!({ "source": "el9-base", "destination": "el9-2026q1" });
    let plan = "/api/v1/clones/plan";
    let apply = "/api/v1/clones/apply";
    for (path, body, status, said) in [
        (plan, json!({ "channels": [] }), 400, "1 to 200 pairs"),
        (
            plan,
            json!({ "channels": [pair], "to_data": "2026-03-31" }),
            400,
            "unknown field `to_data`",
        ),
        (
            plan,
            json!({ "channels": [pair], "to_date": "2026-02-30" }),
            400,
            "to_date",
        ),
        (
            plan,
            json!({ "channels": [{ "source": "el9-base", "destination": "BAD" }] }),
            400,
            "only a-z",
        ),
        (
            plan,
            json!({ "channels": [{ "source": "no-such-one", "destination": "el9-2026q1" }] }),
            404,
            "no-such-one",
        ),
        (
            plan,
            json!({ "channels": [pair], "parents": { "destination": "no-such-one" } }),
            404,
            "no-such-one",
        ),
        (apply, json!({}), 400, "this is no plan: missing field"),
        (
            apply,
            json!({ "format": 2, "request": {}, "channels": [] }),
            400,
            "format 2",
        ),
        (
            apply,
            json!({ "format": 1, "request": { "channels": [pair] }, "channels": [] }),
            400,
            "stands in its request and not in its channels",
        ),
        (
            "/api/v1/clones/apply?task=4711",
            json!(null),
            404,
            "no task 4711",
        ),
        (
            "/api/v1/clones/apply?task=4711",
            json!({}),
            400,
            "given twice",
        ),
        (
            "/api/v1/clones/apply?rebase=perhaps",
            json!({}),
            400,
            "rebase",
        ),
    ] {
        let text = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let answer = server.admin("POST", path, &text).await;
        assert_eq!(answer.status, status, "{path} {body}: {answer:?}");
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(said), "{path} {body}: {detail}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_kept_applied_by_a_task_and_asked_for_by_its_number() {
    let server = start().await;
    // Its channel does not exist, so that applying it fails.
    let version = |label: &str| json!({ "label": label, "version": 1, "digest": "0".repeat(64) });
    let plan = json!({
        "format": 1,
        "request": { "channels": [{ "source": "no-such-one", "destination": "no-such-two" }] },
        "channels": [{
            "source": version("no-such-one"), "destination": version("no-such-two"), "create": null,
            "errata_available": 0, "kept": 0, "errata": [], "packages": [], "removals": [], "errata_removed": [],
            "by_hand": [], "open": [], "broken": [], "files": [],
            "naked": { "all": 0, "first_seen": 0, "build_date": 0 }
        }]
    });
    let path = "/api/v1/clones/apply?rebase=true";
    // Nobody knows whether that is as it was made.
    let answer = server.admin("POST", path, &plan.to_string()).await;
    assert_eq!(answer.status, 400, "{answer:?}");
    let detail = answer.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.starts_with("the plan has no digest"), "{detail}");
    let plan: Plan = serde_json::from_value(plan).unwrap();
    let plan = String::from_utf8(write_plan(&plan).unwrap()).unwrap();
    let token = server.token("content-manager").await;
    let key = "Idempotency-Key: once\r\n";
    let ask = request("POST", path, Some(&token), &plan, key);
    let first = server.raw(&ask).await;
    let again = server.raw(&ask).await;
    assert_eq!(first.json()["id"], again.json()["id"]);
    let ended = task(&server, &first).await;
    assert_eq!(
        (&ended["kind"], &ended["subject"], &ended["state"]),
        (&json!("clone"), &json!("no-such-two"), &json!("failed")),
        "{ended}"
    );
    let of_task = |id: &Value| format!("/api/v1/tasks/{id}/plan");
    let answer = server.admin("GET", &of_task(&ended["id"]), "").await;
    assert_eq!(answer.status, 409, "{answer:?}");
    let detail = answer.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.ends_with("has no plan: it is failed"), "{detail}");
    // A task of another kind never had one.
    let gc = server.admin("POST", "/api/v1/gc", "{}").await;
    let gc = task(&server, &gc).await;
    let answer = server.admin("GET", &of_task(&gc["id"]), "").await;
    assert_eq!(answer.status, 404, "{answer:?}");
    let path = format!("/api/v1/clones/apply?task={}", gc["id"]);
    let answer = server.admin("POST", &path, "").await;
    assert_eq!(answer.status, 404, "{answer:?}");
    server.stop().await;
}
