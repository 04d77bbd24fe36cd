//! Holds the workspace to the dependency table of ARCHITECTURE.md: an edge that is not in the table
//! fails, and so does a row of the table that names a crate that is gone.

#![expect(clippy::expect_used, reason = "a helper of tests fails its test")]

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

/// Every crate of the workspace with the workspace crates that its product code may use.
const TABLE: &[(&str, &[&str])] = &[
    ("qx", &["qx-api"]),
    ("qx-api", &["qx-model"]),
    ("qx-architecture-tests", &[]),
    ("qx-console", &["qx-api", "qx-host", "qx-slots"]),
    (
        "qx-e2e",
        &["qx-api", "qx-fetch", "qx-hypervisor", "qx-slots"],
    ),
    (
        "qx-engine",
        &[
            "qx-fetch",
            "qx-host",
            "qx-hypervisor",
            "qx-model",
            "qx-slots",
        ],
    ),
    ("qx-fetch", &[]),
    ("qx-host", &["qx-model", "qx-slots"]),
    ("qx-hypervisor", &["qx-model"]),
    ("qx-image", &["qx-slots"]),
    ("qx-image-tests", &["qx-slots"]),
    ("qx-init", &["qx-host", "qx-slots"]),
    ("qx-install", &["qx-host", "qx-slots"]),
    ("qx-libvirt", &["qx-hypervisor", "qx-model"]),
    ("qx-model", &[]),
    (
        "qx-node",
        &[
            "qx-api",
            "qx-engine",
            "qx-host",
            "qx-hypervisor",
            "qx-libvirt",
            "qx-model",
            "qx-slots",
        ],
    ),
    ("qx-power-tests", &["qx-host", "qx-slots"]),
    ("qx-slots", &[]),
    ("qx-trial", &["qx-host", "qx-slots"]),
];

/// Crates from outside that only these workspace crates may use directly.
const OWNED: &[(&str, &[&str])] = &[
    ("axum", &["qx-node"]),
    ("ratatui", &["qx-console"]),
    ("rusqlite", &["qx-engine"]),
    ("tonic", &["qx-api", "qx-e2e", "qx-node"]),
    ("virt", &["qx-libvirt"]),
    ("virt-sys", &["qx-libvirt"]),
];

/// Workspace crates that stay free of an asynchronous runtime.
const WITHOUT_TOKIO: &[&str] = &[
    "qx-fetch",
    "qx-host",
    "qx-hypervisor",
    "qx-init",
    "qx-install",
    "qx-model",
    "qx-slots",
    "qx-trial",
];

/// Product dependencies (not those of tests) of each workspace crate, by name.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--no-deps",
            "--locked",
            "--offline",
        ])
        .output()
        .expect("cargo metadata runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    packages
        .iter()
        .map(|package| {
            let names = package["dependencies"].as_array().expect("dependencies");
            let product = names
                .iter()
                .filter(|dependency| dependency["kind"] != "dev")
                .map(|dependency| dependency["name"].as_str().expect("name").to_owned());
            (
                package["name"].as_str().expect("name").to_owned(),
                product.collect(),
            )
        })
        .collect()
}

#[test]
fn edges_between_workspace_crates_are_in_the_table() {
    let found = dependencies();
    let table: BTreeMap<&str, &[&str]> = TABLE.iter().copied().collect();
    let known: Vec<&str> = table.keys().copied().collect();
    let members: Vec<&str> = found.keys().map(String::as_str).collect();
    assert_eq!(
        members, known,
        "the table and the workspace name different crates"
    );

    for (name, dependencies) in &found {
        for dependency in dependencies
            .iter()
            .filter(|d| table.contains_key(d.as_str()))
        {
            assert!(
                table[name.as_str()].contains(&dependency.as_str()),
                "{name} depends on {dependency}, which ARCHITECTURE.md does not allow"
            );
        }
    }
}

#[test]
fn owned_libraries_are_used_by_their_owners_alone() {
    let found = dependencies();
    for (library, owners) in OWNED {
        let users: Vec<&str> = found
            .iter()
            .filter(|(_, dependencies)| dependencies.contains(*library))
            .map(|(name, _)| name.as_str())
            .collect();
        assert!(!users.is_empty(), "nobody uses {library}: remove its row");
        for user in users {
            assert!(
                owners.contains(&user),
                "{user} uses {library}, which belongs to {owners:?}"
            );
        }
    }
}

#[test]
fn lower_layers_have_no_runtime() {
    let found = dependencies();
    for name in WITHOUT_TOKIO {
        assert!(!found[*name].contains("tokio"), "{name} uses tokio");
    }
}
