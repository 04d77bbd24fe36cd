//! The configuration on disk through edits, torn files and lost files.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use qx_host::config::{Config, Source, Store};

fn named(hostname: &str) -> Config {
    let mut config = Config::default();
    config.system.hostname = hostname.parse().unwrap();
    config
}

fn hostname(store: &Store) -> String {
    store.peek().config.system.hostname.to_string()
}

fn generation(dir: &Path, number: u64) -> std::path::PathBuf {
    dir.join(format!("config.d/{number:08}.toml"))
}

#[test]
fn a_first_boot_has_defaults_and_no_problem() {
    let dir = tempfile::tempdir().unwrap();
    let loaded = Store::new(dir.path()).load();
    assert_eq!(loaded.config, Config::default());
    assert_eq!(loaded.status.source, Source::Defaults);
    assert!(loaded.status.problems.is_empty());
    assert_eq!(
        fs::read_dir(dir.path()).unwrap().count(),
        0,
        "defaults are not written down"
    );
}

#[test]
fn a_save_is_current_and_private() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::new(dir.path());
    assert_eq!(store.save(&named("one")).unwrap(), 1);
    assert_eq!(store.save(&named("two")).unwrap(), 2);
    let loaded = store.load();
    assert_eq!(loaded.config, named("two"));
    assert_eq!(
        (loaded.status.source, loaded.status.generation),
        (Source::Current, Some(2))
    );
    for file in [dir.path().join("config.toml"), generation(dir.path(), 2)] {
        assert_eq!(
            fs::metadata(file).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
}

#[test]
fn a_bad_edit_falls_back_to_the_last_good_generation_and_is_kept_for_repair() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::new(dir.path());
    store.save(&named("good")).unwrap();
    let edited = "version = 1\n[system]\nhostnam = \"bad\"\n";
    fs::write(dir.path().join("config.toml"), edited).unwrap();
    let loaded = store.load();
    assert_eq!(loaded.config, named("good"));
    assert_eq!(
        (loaded.status.source, loaded.status.generation),
        (Source::Generation, Some(1))
    );
    assert_eq!(
        loaded.status.problems,
        [
            "config.toml line 3: unknown key `hostnam` in [system]; did you mean `hostname`?",
            "using generation 1 of the configuration instead",
        ]
    );
    assert_eq!(
        fs::read_to_string(dir.path().join("config.toml")).unwrap(),
        edited
    );
}

#[test]
fn a_bad_file_on_first_boot_gives_defaults_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("config.toml"), [0xff, 0xfe, b'\n']).unwrap();
    let loaded = Store::new(dir.path()).load();
    assert_eq!(
        (loaded.config, loaded.status.source),
        (Config::default(), Source::Defaults)
    );
    assert!(
        loaded.status.problems[0].contains("line 1: not UTF-8"),
        "{:?}",
        loaded.status
    );
}

#[test]
fn a_good_edit_becomes_a_generation_once() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::new(dir.path());
    store.save(&named("one")).unwrap();
    let edited = "# by hand\nversion = 1\n[system]\nhostname = \"edited\"\n";
    fs::write(dir.path().join("config.toml"), edited).unwrap();
    assert_eq!(store.load().status.generation, Some(2));
    assert_eq!(store.load().status.generation, Some(2));
    assert_eq!(
        fs::read_to_string(generation(dir.path(), 2)).unwrap(),
        edited
    );
}

#[test]
fn a_plain_password_is_hashed_and_leaves_the_disk_comments_stay() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::new(dir.path());
    let text =
        "version = 1\n[system]\nroot_password = \"streng geheim\" # mine\nhostname = \"a\"\n";
    fs::write(dir.path().join("config.toml"), text).unwrap();
    assert!(store.load().config.system.root_password_hash.is_some());
    let rewritten = fs::read_to_string(dir.path().join("config.toml")).unwrap();
    assert!(rewritten.contains("root_password_hash = \"$y$") && rewritten.contains("# mine"));
    for entry in [dir.path().to_owned(), dir.path().join("config.d")] {
        for file in fs::read_dir(entry)
            .unwrap()
            .flatten()
            .filter(|e| e.path().is_file())
        {
            let content = fs::read_to_string(file.path()).unwrap();
            assert!(!content.contains("geheim"), "{:?}", file.path());
        }
    }
    let again = store.load();
    assert_eq!(again.status.generation, Some(1), "{:?}", again.status);
}

#[test]
fn ten_generations_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::new(dir.path());
    for number in 1..=15 {
        store.save(&named(&format!("h{number}"))).unwrap();
    }
    assert_eq!(
        fs::read_dir(dir.path().join("config.d")).unwrap().count(),
        20
    );
    assert!(!generation(dir.path(), 5).exists() && generation(dir.path(), 6).exists());
}

#[test]
fn a_generation_torn_at_any_byte_is_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::new(dir.path());
    store.save(&named("one")).unwrap();
    store.save(&named("two")).unwrap();
    fs::remove_file(dir.path().join("config.toml")).unwrap();
    let whole = fs::read(generation(dir.path(), 2)).unwrap();
    for length in 0..whole.len() {
        fs::write(generation(dir.path(), 2), &whole[..length]).unwrap();
        let loaded = store.load();
        assert_eq!(loaded.config, named("one"), "torn at {length}");
        assert_eq!(loaded.status.generation, Some(1));
    }
    fs::write(generation(dir.path(), 2), &whole).unwrap();
    assert_eq!(hostname(&store), "two");
}

/// The states that a power cut in `save` can leave, one per completed step.
#[test]
fn a_power_cut_in_a_save_leaves_the_old_or_the_new_configuration() {
    let reference = tempfile::tempdir().unwrap();
    let store = Store::new(reference.path());
    store.save(&named("old")).unwrap();
    let old_current = fs::read(reference.path().join("config.toml")).unwrap();
    store.save(&named("new")).unwrap();
    let hash = reference.path().join("config.d/00000002.blake3");

    // All but the last step: the current file is still the old one.
    fs::write(reference.path().join("config.toml"), &old_current).unwrap();
    assert_eq!(hostname(&store), "old");
    // And the generation's hash is missing, torn, or the generation is only a temporary file.
    let whole = fs::read(&hash).unwrap();
    fs::write(&hash, &whole[..10]).unwrap();
    assert_eq!(hostname(&store), "old");
    fs::remove_file(&hash).unwrap();
    assert_eq!(hostname(&store), "old");
    fs::rename(
        generation(reference.path(), 2),
        reference.path().join("config.d/00000002.toml.new"),
    )
    .unwrap();
    assert_eq!(hostname(&store), "old");
    // Whatever was left behind, the next save works.
    store.save(&named("next")).unwrap();
    assert_eq!(store.load().config, named("next"));
}

#[test]
fn a_read_only_disk_still_gives_the_configuration() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::new(dir.path());
    fs::write(
        dir.path().join("config.toml"),
        "version = 1\nsystem.hostname = \"ro\"\n",
    )
    .unwrap();
    // A file where the directory should be: nothing can be written, also for root.
    fs::write(dir.path().join("config.d"), "").unwrap();
    let loaded = store.load();
    assert_eq!(loaded.config.system.hostname.as_str(), "ro");
    assert_eq!(
        (loaded.status.source, loaded.status.generation),
        (Source::Current, None)
    );
    assert!(
        loaded.status.problems[0].contains("config.d"),
        "{:?}",
        loaded.status
    );
}
