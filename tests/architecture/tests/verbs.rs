//! `make help` and the script that runs every verb name the same ones.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails its test")]

use std::fs;
use std::path::Path;

fn read(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    fs::read_to_string(root.join(path)).unwrap()
}

#[test]
fn every_verb_of_make_help_is_tried_by_the_script() {
    let makefile = read("Makefile");
    let verbs: Vec<&str> = makefile
        .lines()
        .filter(|line| !line.starts_with('\t') && line.contains("## "))
        .filter_map(|line| line.split_once(':').map(|(verb, _)| verb))
        .collect();
    assert!(verbs.len() > 15, "{verbs:?}");
    let script = read("tests/verbs.sh");
    let labels: Vec<&str> = script
        .lines()
        .filter_map(|line| line.trim().split_once(')'))
        .flat_map(|(labels, _)| labels.split('|').map(str::trim))
        .collect();
    for verb in &verbs {
        assert!(
            labels.contains(verb),
            "tests/verbs.sh does not try make {verb}"
        );
    }
    let phony = makefile
        .split_once(".PHONY:")
        .map(|(_, rest)| rest)
        .unwrap();
    for verb in verbs {
        assert!(
            phony.split_whitespace().any(|word| word == verb),
            "{verb} is not .PHONY"
        );
    }
}
