//! `docs/openapi.json` is what the code says. Run with `QUANTIX_UPDATE=1` to write it anew.

use std::collections::HashSet;
use std::path::Path;

use qx_api::endpoints::{ALL, Input, Output};

#[test]
fn drift_the_checked_in_document_is_what_the_code_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
    let document = qx_api::openapi::document().unwrap();
    if std::env::var_os("QUANTIX_UPDATE").is_some() {
        let text = serde_json::to_string_pretty(&document).unwrap();
        std::fs::write(&path, text + "\n").unwrap();
    }
    let text = std::fs::read_to_string(&path).unwrap();
    let checked_in: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert!(
        checked_in == document,
        "docs/openapi.json is stale: run QUANTIX_UPDATE=1 cargo test -p qx-api --test openapi"
    );
}

#[test]
fn operation_ids_and_routes_are_unique() {
    let mut ids = HashSet::new();
    let mut routes = HashSet::new();
    for endpoint in ALL {
        assert!(ids.insert(endpoint.id), "{} twice", endpoint.id);
        assert!(
            routes.insert((endpoint.method, endpoint.path)),
            "{} twice",
            endpoint.path
        );
    }
}

#[test]
fn every_reference_points_at_a_schema() {
    let document = qx_api::openapi::document().unwrap();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    for endpoint in ALL {
        let named = match (endpoint.input, endpoint.output) {
            (Input::Json(a), Output::Json(b) | Output::Events(b)) => vec![a, b],
            (Input::Json(a), _) | (_, Output::Json(a) | Output::Events(a)) => vec![a],
            _ => vec![],
        };
        for name in named {
            assert!(
                schemas.contains_key(name),
                "{}: no schema {name}",
                endpoint.id
            );
        }
    }
    let text = document.to_string();
    for part in text.split("#/components/schemas/").skip(1) {
        let name = part.split('"').next().unwrap();
        assert!(schemas.contains_key(name), "no schema {name}");
    }
}
