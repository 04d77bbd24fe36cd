//! `src/generated` is what the .proto files say. Run with `QUANTIX_UPDATE=1` to write it anew.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::path::{Path, PathBuf};

use prost::Message;

fn generate(into: &Path) {
    let proto = Path::new(env!("CARGO_MANIFEST_DIR")).join("proto");
    let files = [
        "quantix/v1/host.proto",
        "quantix/v1/metrics.proto",
        "quantix/v1/network.proto",
        "quantix/v1/update.proto",
        "quantix/v1/vm.proto",
    ];
    let set = protox::compile(files.map(|file| proto.join(file)), [&proto]).unwrap();
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
