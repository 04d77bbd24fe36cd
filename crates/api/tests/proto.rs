//! `src/generated` is what the .proto files say. Run with `QUANTIX_UPDATE=1` to write it anew.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::path::{Path, PathBuf};

use prost::Message;

/// Their names, and the directory that they are in.
fn files() -> (Vec<PathBuf>, PathBuf) {
    let proto = Path::new(env!("CARGO_MANIFEST_DIR")).join("proto");
    let names = [
        "access",
        "guest",
        "host",
        "host_config",
        "host_network",
        "metrics",
        "network",
        "snapshot",
        "storage",
        "task",
        "update",
        "vm",
    ];
    let path = |name| proto.join(format!("quantix/v1/{name}.proto"));
    (names.map(path).into(), proto)
}

fn generate(into: &Path) {
    let (files, proto) = files();
    let set = protox::compile(files, [proto]).unwrap();
    let mut bare = set.clone();
    for file in &mut bare.file {
        file.source_code_info = None;
    }
    std::fs::write(into.join("quantix.v1.bin"), bare.encode_to_vec()).unwrap();
    tonic_prost_build::configure()
        .build_transport(false)
        .bytes(".quantix.v1")
        .out_dir(into)
        .compile_fds(set)
        .unwrap();
}

/// A method without a row could not be called; a row without a method would be a promise that nobody keeps.
#[test]
fn each_method_has_its_row_in_the_table_of_operations_and_each_row_its_method() {
    let (files, proto) = files();
    let set = protox::compile(files, [proto]).unwrap();
    let mut methods: Vec<String> = Vec::new();
    for file in &set.file {
        for service in &file.service {
            let path = |method| format!("/{}.{}/{method}", file.package(), service.name());
            methods.extend(service.method.iter().map(|method| path(method.name())));
        }
    }
    let mut rows: Vec<&str> = qx_api::rpcs::ALL.iter().map(|rpc| rpc.path).collect();
    methods.sort();
    rows.sort_unstable();
    assert_eq!(rows, methods);
}

#[test]
fn drift_the_checked_in_code_is_what_the_proto_files_say() {
    let checked_in: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/generated");
    if std::env::var_os("QUANTIX_UPDATE").is_some() {
        std::fs::create_dir_all(&checked_in).unwrap();
        generate(&checked_in);
    }
    let fresh = tempfile::tempdir().unwrap();
    generate(fresh.path());
    for name in ["quantix.v1.bin", "quantix.v1.rs"] {
        let stale = std::fs::read(checked_in.join(name)).unwrap()
            != std::fs::read(fresh.path().join(name)).unwrap();
        assert!(
            !stale,
            "src/generated/{name} is stale: run QUANTIX_UPDATE=1 cargo test -p qx-api --test proto"
        );
    }
}
