//! Sequences of writes on a small disk: those of the product pass, and each known way to get them wrong is
//! caught.

use std::ops::Range;

use qx_power_tests::check::Violation;
use qx_power_tests::phase::Report;
use qx_slots::{
    BlockIo, BootEnv, Copies, ENV_BYTES, ENV_FILES, EnvStore, PartitionNumber, Reason, SlotName,
    Stage, boot, fat,
};

use crate::bench::{Bench, DISK, bench, config_partition, range};
use crate::recorder::{Partition, Recorder, change};

const MIB: u64 = 1 << 20;

fn efi(recorder: &Recorder) -> Partition<'_> {
    recorder.partition(range(PartitionNumber::Efi))
}

fn slot_b() -> Range<u64> {
    range(PartitionNumber::SystemB)
}

/// Where a file of the EFI partition starts, on the disk.
fn place(recorder: &Recorder, path: &[&str]) -> u64 {
    let efi = efi(recorder);
    range(PartitionNumber::Efi).start + fat::locate(&efi, path).unwrap().unwrap().offset
}

fn copies(recorder: &Recorder) -> Copies {
    let efi = efi(recorder);
    EnvStore::open(&efi).unwrap().read().unwrap()
}

/// Both copies, one right after the other: GRUB flushes nothing.
fn write_both(recorder: &Recorder, block: &[u8; ENV_BYTES]) {
    for path in ENV_FILES {
        recorder.write(place(recorder, &path), block);
    }
}

/// GRUB at a power-on: counts in both copies.
fn grub_counts(recorder: &Recorder) {
    let counted = boot(&copies(recorder)).counted.unwrap();
    write_both(recorder, &counted.encode());
}

fn begin_and_write(bench: &Bench, recorder: &Recorder, missing: &str) {
    change(&efi(recorder), |env| env.begin_write(SlotName::B).unwrap());
    recorder.write_image(slot_b().start, &bench.second.partition(missing));
}

fn call_good_and_try(recorder: &Recorder) {
    change(&efi(recorder), |env| env.written(SlotName::B).unwrap());
    change(&efi(recorder), |env| env.make_pending(SlotName::B).unwrap());
}

fn classes(report: &Report) -> Vec<&str> {
    report.classes.keys().map(String::as_str).collect()
}

fn caught(report: &Report, violation: Violation) {
    assert!(
        report.has(violation),
        "{violation:?} was not found: {report}"
    );
}

fn install_but_efi(bench: &Bench, recorder: &Recorder) {
    recorder.write_image(0, &bench.installed(0..MIB));
    recorder.write_image(DISK - MIB, &bench.installed(DISK - MIB..DISK));
    recorder.flush();
    for number in [
        PartitionNumber::SystemA,
        PartitionNumber::SystemB,
        PartitionNumber::Config,
    ] {
        let range = range(number);
        recorder.write_image(range.start, &bench.installed(range));
        recorder.flush();
    }
}

/// The program that firmware starts is whole only when everything that it needs is.
#[test]
fn an_installation_in_the_right_order_passes() {
    let report = bench().replay_on_blank(|bench, recorder| {
        install_but_efi(bench, recorder);
        let efi = range(PartitionNumber::Efi);
        let mut content = bench.installed(efi.clone());
        let mark = b"shimx64.efishimx64.efi";
        let mut places = content.windows(mark.len());
        let shim = places.position(|bytes| bytes == mark).unwrap();
        let first = content[shim..shim + 512].to_vec();
        content[shim..shim + 512].fill(0);
        recorder.write_image(efi.start, &content);
        recorder.flush();
        recorder.write(efi.start + shim as u64, &first);
        recorder.flush();
    });
    assert!(report.failures.is_empty(), "{report}");
    assert_eq!(classes(&report), ["boots A (Good)", "nothing installed"]);
    assert!(report.outcomes.len() > 500, "{report}");
}

#[test]
fn the_efi_partition_is_written_without_an_order() {
    let report = bench().replay_on_blank(|bench, recorder| {
        install_but_efi(bench, recorder);
        let efi = range(PartitionNumber::Efi);
        recorder.write_image(efi.start, &bench.installed(efi));
        recorder.flush();
    });
    caught(&report, Violation::Unbootable);
    assert!(
        classes(&report).contains(&"unbootable (NoMenu)"),
        "{report}"
    );
}

#[test]
fn an_update_in_the_right_order_passes() {
    let report = bench().replay(|bench, recorder| {
        begin_and_write(bench, recorder, "");
        recorder.flush();
        call_good_and_try(recorder);
        grub_counts(recorder);
        for stage in [Stage::Init, Stage::Verified, Stage::System] {
            change(&efi(recorder), |env| env.reached(SlotName::B, stage));
        }
        change(&efi(recorder), |env| env.confirm(SlotName::B).unwrap());
    });
    assert!(report.failures.is_empty(), "{report}");
    assert_eq!(
        classes(&report),
        ["boots A (Good)", "boots B (Good)", "boots B (Pending)"]
    );
    assert!(report.outcomes.len() > 500, "{report}");
}

#[test]
fn a_slot_is_called_good_before_it_is_flushed() {
    let report = bench().replay(|bench, recorder| {
        begin_and_write(bench, recorder, "");
        call_good_and_try(recorder);
    });
    caught(&report, Violation::NotWhole(SlotName::B));
}

#[test]
fn a_slot_is_called_good_that_was_not_read_back_and_lacks_a_part() {
    let report = bench().replay(|bench, recorder| {
        begin_and_write(bench, recorder, "rootfs.squashfs");
        recorder.flush();
        call_good_and_try(recorder);
    });
    caught(&report, Violation::NotWhole(SlotName::B));
    let refused = "boots A (Good) after B did not start";
    assert!(classes(&report).contains(&refused), "{report}");
}

#[test]
fn a_slot_is_confirmed_before_it_is_written() {
    let report = bench().replay(|bench, recorder| {
        change(&efi(recorder), |env| {
            env.begin_write(SlotName::B).unwrap();
            env.confirmed = SlotName::B;
        });
        recorder.write_image(slot_b().start, &bench.second.partition(""));
        recorder.flush();
    });
    caught(&report, Violation::NotWhole(SlotName::B));
    caught(&report, Violation::GivenUp(SlotName::B));
}

#[test]
fn a_slot_is_written_that_was_never_called_empty() {
    let report = bench().replay(|bench, recorder| {
        recorder.write_image(slot_b().start, &bench.second.partition(""));
        recorder.flush();
    });
    caught(&report, Violation::NotWhole(SlotName::B));
}

#[test]
fn the_running_slot_is_overwritten() {
    let report = bench().replay(|bench, recorder| {
        let slot = range(PartitionNumber::SystemA);
        recorder.write_image(slot.start, &bench.second.partition(""));
        recorder.flush();
    });
    caught(&report, Violation::NotWhole(SlotName::A));
    // Kernel and initramfs of two versions: nothing comes after the panic of a slot that is called good.
    caught(&report, Violation::Unbootable);
}

#[test]
fn both_copies_of_the_environment_are_written_without_a_flush_between() {
    let report = bench().replay(|_, recorder| {
        let copies = copies(recorder);
        let (_, env) = copies.in_use().unwrap();
        let mut next = env.clone();
        next.begin_write(SlotName::B).unwrap();
        write_both(recorder, &env.followed_by(next).encode());
        recorder.flush();
    });
    caught(&report, Violation::EnvironmentLost);
}

/// As `grub-editenv` does: the file is emptied, then written again. The other copy is never touched.
#[test]
fn one_copy_of_the_environment_is_emptied_and_rewritten() {
    let report = bench().replay(|bench, recorder| {
        let first = place(recorder, &ENV_FILES[0]);
        let rewrite = |env: &BootEnv| {
            recorder.write(first, &[0; ENV_BYTES]);
            recorder.flush();
            recorder.write(first, &env.encode());
            recorder.flush();
        };
        let copies = copies(recorder);
        let mut env = copies.in_use().unwrap().1.clone();
        for step in [
            |env: &mut BootEnv| env.confirm(SlotName::B),
            |env: &mut BootEnv| env.begin_write(SlotName::A),
        ] {
            let mut next = env.clone();
            step(&mut next).unwrap();
            env = env.followed_by(next);
            rewrite(&env);
        }
        // Slot A is half written when the next change empties the copy that says so.
        let slot = range(PartitionNumber::SystemA);
        let partition = bench.second.partition("");
        recorder.write_image(slot.start, &partition[..partition.len() / 8]);
        recorder.flush();
        rewrite(&env.followed_by(env.clone()));
    });
    caught(&report, Violation::NotWhole(SlotName::A));
}

#[test]
fn a_boot_loader_counts_a_confirmed_slot() {
    let report = bench().replay(|_, recorder| {
        let copies = copies(recorder);
        let block = copies.in_use().unwrap().1.encode();
        let text = String::from_utf8(block.to_vec()).unwrap();
        let counted = text.replace("qx_left=0", "qx_left=2");
        assert_ne!(counted, text);
        write_both(recorder, counted.as_bytes().first_chunk().unwrap());
        recorder.flush();
    });
    caught(&report, Violation::EnvironmentLost);
}

#[test]
fn power_cuts_push_a_host_off_its_confirmed_slot() {
    let report = bench().replay(|_, recorder| {
        change(&efi(recorder), |env| {
            env.mark_failed(SlotName::A, Reason::Kernel);
        });
    });
    caught(&report, Violation::GivenUp(SlotName::A));
}

#[test]
fn the_boot_programs_are_rewritten_in_place() {
    let replay = |path: [&str; 3], sector: u64| {
        bench().replay(|_, recorder| {
            let place = place(recorder, &path) + sector * 512;
            let content = recorder.read(place..place + 1024);
            recorder.write(place, &[0; 1024]);
            recorder.write(place, &content);
            recorder.flush();
        })
    };
    caught(&replay(["EFI", "BOOT", "GRUBX64.EFI"], 9), Violation::Gone);
    let menu = replay(["EFI", "DEBIAN", "GRUB.CFG"], 1);
    caught(&menu, Violation::Unbootable);
}

/// One copy after the other may be rewritten; both may not be gone at once.
#[test]
fn both_copies_of_the_partition_table_are_erased_before_they_are_rewritten() {
    let headers = [512, DISK - 512];
    let replay = |order: [usize; 4]| {
        bench().replay(|_, recorder| {
            let content = headers.map(|header| recorder.read(header..header + 512));
            let mut erased = [false; 2];
            for copy in order {
                let new = if erased[copy] {
                    &content[copy]
                } else {
                    &vec![0; 512]
                };
                recorder.write(headers[copy], new);
                recorder.flush();
                erased[copy] = true;
            }
        })
    };
    caught(&replay([0, 1, 0, 1]), Violation::Gone);
    let report = replay([0, 0, 1, 1]);
    assert!(report.failures.is_empty(), "{report}");
}

#[test]
fn a_configuration_without_generations_is_rewritten_in_place() {
    let rewrite = |generations: bool, journal: bool| {
        let config = config_partition(&["one"], generations, journal);
        Bench::with_config(&config).replay(|_, recorder| {
            let at = range(PartitionNumber::Config);
            let content = recorder.read(at.clone());
            let text = b"hostname = \"one\"";
            let found: Vec<u64> = (0..content.len() / 512)
                .filter(|sector| {
                    let sector = &content[sector * 512..][..512];
                    sector.windows(text.len()).any(|words| words == text)
                })
                .map(|sector| at.start + sector as u64 * 512)
                .collect();
            // The file itself and, if there are any, its generation.
            assert_eq!(found.len(), 1 + usize::from(generations));
            let file = recorder.read(found[0]..found[0] + 512);
            recorder.write(found[0], &[0; 512]);
            recorder.write(found[0], &file);
            recorder.flush();
        })
    };
    // Two readers: one in memory and, for a journal that it does not know, e2fsprogs.
    for journal in [false, true] {
        caught(&rewrite(false, journal), Violation::ConfigurationLost);
        let report = rewrite(true, journal);
        assert!(report.failures.is_empty(), "{report}");
    }
}

#[test]
fn an_older_configuration_comes_back() {
    let report = bench().replay(|_, recorder| {
        let at = range(PartitionNumber::Config);
        let older = recorder.read(at.clone());
        recorder.write_image(at.start, &config_partition(&["one", "two"], true, false));
        recorder.flush();
        recorder.write_image(at.start, &older);
        recorder.flush();
    });
    caught(&report, Violation::ConfigurationOlder);
}

#[test]
fn an_init_that_trusts_everything_starts_what_was_not_verified() {
    let report = bench().replay_trusting(|bench, recorder| {
        begin_and_write(bench, recorder, "manifest.sig");
        recorder.flush();
        call_good_and_try(recorder);
    });
    caught(&report, Violation::Unverified);
}

/// What goes past the cache is on the medium before what follows: no flush is missing here.
#[test]
fn writes_past_the_cache_need_no_flush() {
    let report = bench().replay(|_, recorder| {
        let mut io = copies(recorder).in_use().unwrap().1.clone();
        let mut next = io.clone();
        next.begin_write(SlotName::B).unwrap();
        io = io.followed_by(next);
        for path in [ENV_FILES[1], ENV_FILES[0]] {
            recorder.write_through(place(recorder, &path), &io.encode());
        }
        assert_eq!(efi(recorder).sector_bytes(), 512);
    });
    assert!(report.failures.is_empty(), "{report}");
}
