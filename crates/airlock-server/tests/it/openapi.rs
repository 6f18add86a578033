//! The OpenAPI document: complete against the table of rights, and changed only on purpose.

use std::collections::BTreeSet;

use airlock_server::RIGHTS;

fn routes() -> BTreeSet<(String, String)> {
    let document = serde_json::to_value(airlock_server::openapi()).unwrap();
    let mut routes = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            routes.insert((method.to_uppercase(), path.clone()));
        }
    }
    routes
}

#[test]
fn every_route_is_in_the_table_and_the_other_way_round() {
    let table: BTreeSet<(String, String)> = RIGHTS
        .iter()
        .filter(|right| right.path != "/api/v1/openapi.json")
        .map(|right| (right.method.to_owned(), right.path.to_owned()))
        .collect();
    assert_eq!(table, routes());
}

#[test]
fn the_document_changes_only_on_purpose() {
    let mut document = serde_json::to_value(airlock_server::openapi()).unwrap();
    document["info"]["version"] = "VERSION".into();
    insta::assert_snapshot!("openapi", serde_json::to_string_pretty(&document).unwrap());
}

#[test]
fn every_body_refuses_unknown_fields() {
    let document = serde_json::to_value(airlock_server::openapi()).unwrap();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, route) in methods.as_object().unwrap() {
            let Some(reference) =
                route["requestBody"]["content"]["application/json"]["schema"]["$ref"].as_str()
            else {
                continue;
            };
            let name = reference.rsplit('/').next().unwrap();
            let schema = &document["components"]["schemas"][name];
            assert_eq!(
                schema["additionalProperties"], false,
                "{method} {path}: {name}"
            );
        }
    }
}
