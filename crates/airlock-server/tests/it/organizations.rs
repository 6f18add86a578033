//! Two organizations in one server: what an administrator of the one can do to the other is nothing, by every route.

use airlock_server::{Need, RIGHTS};
use airlock_testkit::states::Distribution;
use serde_json::{Value, json};

use crate::client::{Answer, PASSWORD, Server, start};

const OPEN: &str = "meadow-open";
const CLOSED: &str = "meadow-closed";

/// A server with two synced channels of the first organization, and an administrator's token of a second one.
struct Two {
    server: Server,
    task: i64,
    token: i64,
    stranger: String,
    _upstream: Distribution,
}

async fn two() -> Two {
    let server = start().await;
    let upstream = Distribution::at(server.data.path().join("upstream"));
    let mut task = 0;
    for (label, access) in [(OPEN, "public"), (CLOSED, "token")] {
        let channel = json!({ "label": label, "settings": { "access": access, "upstreams": [{ "url": upstream.url() }] } });
        let made = server
            .admin("POST", "/api/v1/channels", &channel.to_string())
            .await;
        assert_eq!(made.status, 201, "{made:?}");
        task = sync(&server, label).await;
    }
    let made = server
        .admin("POST", "/api/v1/tokens", r#"{"name":"planted-token"}"#)
        .await
        .json();
    let stranger = administrator(&server, "research", "ada").await;
    Two {
        task,
        token: made["id"].as_i64().unwrap(),
        stranger,
        server,
        _upstream: upstream,
    }
}

async fn sync(server: &Server, label: &str) -> i64 {
    let wish = json!({ "channels": [label] }).to_string();
    let task = server.admin("POST", "/api/v1/sync", &wish).await.json();
    ended(server, None, task["id"].as_i64().unwrap(), "done").await
}

async fn ended(server: &Server, token: Option<&str>, id: i64, state: &str) -> i64 {
    loop {
        let path = format!("/api/v1/tasks/{id}?wait=60");
        let task = match token {
            Some(token) => server.call("GET", &path, Some(token), "").await,
            None => server.admin("GET", &path, "").await,
        }
        .json();
        if task["finished"].is_null() {
            continue;
        }
        assert_eq!(task["state"], state, "{task}");
        return id;
    }
}

/// Makes an organization with one administrator, and logs that one in.
async fn administrator(server: &Server, org: &str, login: &str) -> String {
    let made = server
        .admin(
            "POST",
            "/api/v1/organizations",
            &json!({ "name": org }).to_string(),
        )
        .await;
    assert_eq!(made.status, 201, "{made:?}");
    let user = json!({ "login": login, "password": PASSWORD, "role": "administrator", "org": org });
    let made = server
        .admin("POST", "/api/v1/users", &user.to_string())
        .await;
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!(made.json()["org"], org);
    log_in(server, login).await
}

async fn log_in(server: &Server, login: &str) -> String {
    let wish = json!({ "login": login, "password": PASSWORD }).to_string();
    let answer = server.call("POST", "/api/v1/login", None, &wish).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json()["token"].as_str().unwrap().to_owned()
}

/// Requests about what belongs to the first organization, for a route of the table, and the status each has to get.
fn attempts(two: &Two, method: &str, path: &str) -> Vec<(String, Value, u16)> {
    let label = path.replace("{label}", CLOSED);
    let on_channel = |body: Value| vec![(label.clone(), body, 404)];
    let same = |body: Value, status: u16| vec![(path.to_owned(), body, status)];
    match (method, path) {
        ("GET", "/api/v1/whoami" | "/api/v1/channels" | "/api/v1/tokens") => same(json!(null), 200),
        ("GET", "/api/v1/tasks") => vec![
            (format!("{path}?all=true"), json!(null), 200),
            (path.to_owned(), json!(null), 200),
        ],
        ("GET", "/api/v1/users" | "/api/v1/audit") => vec![
            (path.to_owned(), json!(null), 200),
            (format!("{path}?org=default"), json!(null), 403),
            (format!("{path}?org=none-such"), json!(null), 403),
        ],
        ("POST", "/api/v1/channels") => vec![
            (path.to_owned(), json!({ "label": CLOSED }), 409),
            (
                path.to_owned(),
                json!({ "label": "own-child", "settings": { "parent": OPEN } }),
                404,
            ),
        ],
        ("POST", "/api/v1/channels/{label}/undelete")
        | (
            "GET" | "DELETE",
            "/api/v1/channels/{label}"
            | "/api/v1/channels/{label}/deletion"
            | "/api/v1/channels/{label}/versions"
            | "/api/v1/channels/{label}/packages"
            | "/api/v1/channels/{label}/errata",
        ) => on_channel(json!(null)),
        ("PATCH", "/api/v1/channels/{label}") => on_channel(json!({ "access": "public" })),
        ("GET", "/api/v1/diff") => vec![
            (
                format!("{path}?from={CLOSED}@1&to={CLOSED}"),
                json!(null),
                404,
            ),
            (
                format!("{path}?from={CLOSED}@1&to={CLOSED}&tree=true"),
                json!(null),
                404,
            ),
        ],
        ("POST", "/api/v1/sync") => vec![
            (path.to_owned(), json!({ "channels": [CLOSED] }), 404),
            (path.to_owned(), json!({ "tree": CLOSED }), 404),
            // All of the own ones, and there is none.
            (path.to_owned(), json!({ "all": true }), 409),
        ],
        ("POST", "/api/v1/channels/{label}/push") => on_channel(json!("multipart")),
        ("POST", "/api/v1/channels/{label}/add" | "/api/v1/channels/{label}/remove") => {
            on_channel(json!({ "items": ["hello-1.0-1.noarch"] }))
        }
        ("POST", "/api/v1/channels/{label}/rollback") => on_channel(json!({ "version": "1" })),
        ("POST", "/api/v1/channels/{label}/promote") => {
            let mut list = on_channel(json!({ "from": OPEN }));
            list.push((
                path.replace("{label}", "own-channel"),
                json!({ "from": OPEN }),
                404,
            ));
            list
        }
        ("POST", "/api/v1/channels/{label}/fetch") => on_channel(json!({})),
        ("POST", "/api/v1/clones/plan") => {
            let own = json!([{ "source": "own-channel", "destination": "own-clone" }]);
            vec![
                (
                    path.to_owned(),
                    json!({ "channels": [{ "source": CLOSED, "destination": "own-clone" }] }),
                    404,
                ),
                (
                    path.to_owned(),
                    json!({ "channels": own, "parents": { "destination": OPEN } }),
                    404,
                ),
                (
                    path.to_owned(),
                    json!({ "channels": own, "parents": { "source": OPEN, "destination": "own-channel" } }),
                    404,
                ),
            ]
        }
        ("POST", "/api/v1/clones/undo") => {
            let plan = json!({ "digest": "a".repeat(64), "channels": [{ "channel": CLOSED }] });
            same(json!({ "plans": [plan] }), 404)
        }
        ("POST", "/api/v1/clones/apply") => {
            vec![(format!("{path}?task={}", two.task), json!(null), 404)]
        }
        ("POST", "/api/v1/channels/{label}/check") => {
            let mut list = on_channel(json!({}));
            for body in [json!({ "with": [OPEN] }), json!({ "baseline": OPEN })] {
                list.push((path.replace("{label}", "own-channel"), body, 404));
            }
            list
        }
        ("GET", "/api/v1/tasks/{id}" | "/api/v1/tasks/{id}/plan")
        | ("POST", "/api/v1/tasks/{id}/cancel") => {
            vec![(
                path.replace("{id}", &two.task.to_string()),
                json!(null),
                404,
            )]
        }
        ("POST", "/api/v1/tokens") => same(json!({ "name": "x", "channels": [CLOSED] }), 404),
        ("DELETE", "/api/v1/tokens/{id}") => {
            vec![(
                path.replace("{id}", &two.token.to_string()),
                json!(null),
                404,
            )]
        }
        ("POST", "/api/v1/users") => same(
            json!({ "login": "eve", "password": PASSWORD, "role": "administrator", "org": "default" }),
            403,
        ),
        ("PATCH", "/api/v1/users/{login}") => vec![(
            path.replace("{login}", "admin"),
            json!({ "role": "reader", "password": PASSWORD }),
            404,
        )],
        ("POST", "/api/v1/organizations") => same(json!({ "name": "third" }), 403),
        ("GET", "/api/v1/organizations") => same(json!(null), 403),
        ("GET", "/api/v1/organizations/{name}") => ["default", "none-such"]
            .map(|name| (path.replace("{name}", name), json!(null), 403))
            .to_vec(),
        ("POST", "/agent/v1/hypervisors") => same(report("esx-own", 1), 200),
        (
            "GET",
            "/api/v1/hypervisors" | "/api/v1/hypervisor-sources" | "/api/v1/hypervisor-events",
        ) => same(json!(null), 200),
        ("GET", "/api/v1/hypervisors/{host}") => ["planted-host", "1"]
            .map(|host| (path.replace("{host}", host), json!(null), 404))
            .to_vec(),
        ("GET", "/api/v1/guests/{uuid}") => {
            vec![(path.replace("{uuid}", "planted-guest"), json!(null), 404)]
        }
        ("DELETE", "/api/v1/hypervisor-sources") => {
            vec![(format!("{path}?name=planted-source"), json!(null), 404)]
        }
        ("POST", "/api/v1/fsck" | "/api/v1/gc") => same(json!({}), 403),
        ("POST", "/api/v1/backup") => same(json!({ "directory": "/nonexistent/backup" }), 403),
        _ => panic!("{method} {path}: what does a stranger get here? Add it to this table"),
    }
}

/// A report of one host with one guest.
fn report(name: &str, sequence: u64) -> Value {
    json!({
        "protocol": 1, "source": format!("{name}-source"), "reporter": "gate1", "kind": "esx", "id_kind": "uuid",
        "incarnation": "a", "sequence": sequence, "interval": 3600,
        "body": { "what": "full", "part": 0, "last": true, "total_hosts": 1, "total_guests": 1,
            "hosts": [{ "id": format!("{name}-host"), "guests": [{ "id": format!("{name}-guest"), "state": 1 }] }] },
    })
}

async fn ask(two: &Two, method: &str, path: &str, body: &Value) -> Answer {
    if body == "multipart" {
        let text = "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x.rpm\"\r\n\r\nx\r\n--b--\r\n";
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\nAuthorization: Bearer {}\r\n\
             Content-Type: multipart/form-data; boundary=b\r\nContent-Length: {}\r\n\r\n{text}",
            two.stranger,
            text.len()
        );
        return two.server.raw(head.as_bytes()).await;
    }
    let text = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    two.server
        .call(method, path, Some(&two.stranger), &text)
        .await
}

/// A channel of a plan that changes nothing else than the label it names.
fn planned(source: &str, destination: &str) -> Value {
    let version = |label: &str| json!({ "label": label, "version": 1, "digest": "0".repeat(64) });
    json!({
        "source": version(source), "destination": version(destination), "create": null, "errata_available": 0,
        "kept": 0, "errata": [], "packages": [], "removals": [], "errata_removed": [], "by_hand": [], "open": [],
        "broken": [], "files": [], "naked": { "all": 0, "first_seen": 0, "build_date": 0 }
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_of_another_organization_gets_nowhere() {
    let two = two().await;
    let own = ask(
        &two,
        "POST",
        "/api/v1/channels",
        &json!({ "label": "own-channel" }),
    )
    .await;
    assert_eq!(own.status, 201, "{own:?}");
    let before = two.server.admin("GET", "/api/v1/channels", "").await.json();
    let reported = two
        .server
        .admin(
            "POST",
            "/agent/v1/hypervisors",
            &report("planted", 1).to_string(),
        )
        .await;
    assert_eq!(reported.status, 200, "{reported:?}");
    let planted = [
        OPEN,
        CLOSED,
        "planted-token",
        "planted-host",
        "planted-guest",
        "planted-source",
        "\"admin\"",
        "default",
    ];
    for right in RIGHTS {
        if right.need == Need::Nobody {
            continue;
        }
        for (path, body, status) in attempts(&two, right.method, right.path) {
            let what = format!("{} {path} {body}", right.method);
            let answer = ask(&two, right.method, &path, &body).await;
            assert_eq!(answer.status, status, "{what}: {answer:?}");
            if status == 200 {
                let text = String::from_utf8(answer.body).unwrap();
                for secret in planted {
                    assert!(!text.contains(secret), "{what}: {secret} in {text}");
                }
            }
        }
    }
    // By name nothing of the other organization is found either, and no task takes it from there.
    for (wish, path) in [
        (json!({ "items": ["hello-1.0-1.noarch"] }), "add"),
        (
            json!({ "items": ["hello-1.0-1.noarch"], "from": OPEN }),
            "add",
        ),
    ] {
        let path = format!("/api/v1/channels/own-channel/{path}");
        let task = ask(&two, "POST", &path, &wish).await.json();
        let id = task["id"].as_i64().unwrap();
        ended(&two.server, Some(&two.stranger), id, "failed").await;
    }
    // Nor can it be cloned, or written to by a plan that names it.
    for (source, destination) in [("own-channel", CLOSED), (CLOSED, "own-clone")] {
        let wish = json!({ "channels": [{ "source": source, "destination": destination }] });
        let plan =
            json!({ "format": 1, "request": wish, "channels": [planned(source, destination)] });
        let plan: airlock_model::Plan = serde_json::from_value(plan).unwrap();
        let plan = airlock_content::write_plan(&plan).unwrap();
        let plan = serde_json::from_slice(&plan).unwrap();
        let task = ask(&two, "POST", "/api/v1/clones/apply", &plan).await;
        assert_eq!(task.status, 202, "{task:?}");
        let id = task.json()["id"].as_i64().unwrap();
        ended(&two.server, Some(&two.stranger), id, "failed").await;
        if source != CLOSED {
            let task = ask(&two, "POST", "/api/v1/clones/plan", &wish).await.json();
            let id = task["id"].as_i64().unwrap();
            ended(&two.server, Some(&two.stranger), id, "failed").await;
        }
    }
    let after = two.server.admin("GET", "/api/v1/channels", "").await.json();
    assert_eq!(before, after);
    let tokens = two.server.admin("GET", "/api/v1/tokens", "").await.json();
    let planted = tokens
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["id"] == two.token)
        .unwrap();
    assert!(planted["revoked"].is_null(), "{planted}");
    log_in(&two.server, "admin").await;
    // It holds the other way round, too: to administer the server is not to own everybody's channels.
    let path = "/api/v1/channels/own-channel";
    assert_eq!(two.server.admin("GET", path, "").await.status, 404);
    assert_eq!(two.server.admin("DELETE", path, "").await.status, 404);
    two.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn repositories_of_another_organization_are_there_when_public_and_unknown_when_not() {
    let two = two().await;
    let get = |path: String, token: Option<&str>| {
        let token = token.map(str::to_owned);
        let server = &two.server;
        async move { server.call("GET", &path, token.as_deref(), "").await }
    };
    let limited = {
        let wish = json!({ "name": "download" }).to_string();
        let made = two
            .server
            .call("POST", "/api/v1/tokens", Some(&two.stranger), &wish)
            .await;
        made.json()["token"].as_str().unwrap().to_owned()
    };
    let forms = [
        "",
        "@1",
        "@current",
        "@$airlock_at",
        "@%24airlock_at",
        "@7",
        "@2000-01-01",
        "@2000-01-01T10:00Z",
        "@2099-01-01",
        "@2099-01-01T10:00:00Z",
    ];
    let paths = ["/", "/repodata/repomd.xml", "/gpg/1", "/none/x.rpm"];
    let mut list: Vec<String> = vec!["LABEL.repo".to_owned()];
    for form in forms {
        list.extend(paths.map(|path| format!("LABEL{form}{path}")));
    }
    let told = |answer: &Answer, label: &str| {
        let problem = answer.json();
        ["title", "detail", "hint"].map(|name| problem[name].to_string().replace(label, "LABEL"))
    };
    for form in &list {
        let path = |label: &str| format!("/repos/{}", form.replace("LABEL", label));
        let anonymous = get(path(CLOSED), None).await;
        assert_eq!(anonymous.status, 401, "{form}: {anonymous:?}");
        let nowhere = get(path("none-such"), Some(&two.stranger)).await;
        assert_eq!(nowhere.status, 404, "{form}");
        for token in [&two.stranger, &limited] {
            let closed = get(path(CLOSED), Some(token)).await;
            assert_eq!(closed.status, 404, "{form}: {closed:?}");
            assert_eq!(
                told(&closed, CLOSED),
                told(&nowhere, "none-such"),
                "{form}: a closed channel is told from none"
            );
            let (public, known) = (
                get(path(OPEN), None).await,
                get(path(OPEN), Some(token)).await,
            );
            assert_eq!(public.status, known.status, "{form}");
            if public.status == 200 {
                assert_eq!(public.body, known.body, "{form}");
            }
        }
    }
    two.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_change_and_the_last_administrator_stays() {
    let server = start().await;
    let ada = administrator(&server, "research", "ada").await;
    let set = |login: &str, patch: Value| {
        let path = format!("/api/v1/users/{login}");
        let (server, ada) = (&server, &ada);
        async move {
            server
                .call("PATCH", &path, Some(ada), &patch.to_string())
                .await
        }
    };
    for patch in [json!({ "role": "reader" }), json!({ "disabled": true })] {
        let refused = set("ada", patch).await;
        assert_eq!(refused.status, 409, "{refused:?}");
        assert!(
            refused.json()["detail"]
                .as_str()
                .unwrap()
                .contains("last administrator"),
            "{refused:?}"
        );
    }
    let bob = json!({ "login": "bob", "password": PASSWORD, "role": "reader" }).to_string();
    let made = server.call("POST", "/api/v1/users", Some(&ada), &bob).await;
    assert_eq!(made.json()["org"], "research", "{made:?}");
    let raised = set("bob", json!({ "role": "administrator" })).await;
    assert_eq!(raised.json()["role"], "administrator", "{raised:?}");
    let bob = log_in(&server, "bob").await;
    assert_eq!(set("ada", json!({ "role": "reader" })).await.status, 200);
    // The login's token could do more than the user may now.
    let old = server.call("GET", "/api/v1/users", Some(&ada), "").await;
    assert_eq!(old.status, 401);
    let again = log_in(&server, "ada").await;
    let users = server.call("GET", "/api/v1/users", Some(&again), "").await;
    assert_eq!(users.status, 403);
    let log = server.call("GET", "/api/v1/audit", Some(&bob), "").await;
    let log = log.json();
    let rows: Vec<&Value> = log
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| row["verb"] == "user.set")
        .collect();
    assert_eq!(rows.len(), 2, "{log}");
    assert!(
        rows[0]["object"] == "ada" && rows[0]["detail"].as_str().unwrap().contains("\"reader\""),
        "{log}"
    );
    // Whoever administers the server may set users of every organization, and reads every log by its name.
    let path = "/api/v1/users/ada";
    let shut = server.admin("PATCH", path, r#"{"disabled":true}"#).await;
    assert_eq!(shut.status, 200, "{shut:?}");
    let log = server.admin("GET", "/api/v1/audit?org=research", "").await;
    assert_eq!(log.json()[0]["verb"], "user.set", "{log:?}");
    let row = server
        .admin("GET", "/api/v1/organizations/research", "")
        .await
        .json();
    assert_eq!((&row["users"], &row["channels"]), (&json!(2), &json!(0)));
    for name in ["", " x", "research", &"x".repeat(129), "a\nb"] {
        let body = json!({ "name": name }).to_string();
        let answer = server.admin("POST", "/api/v1/organizations", &body).await;
        assert!(matches!(answer.status, 400 | 409), "{name:?}: {answer:?}");
    }
    server.stop().await;
}
