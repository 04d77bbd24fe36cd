//! Holds `grub/disk.cfg` to the model: the real file runs in the real GRUB (grub-emu, GRUB as a program) on a
//! disk with a partition table and an EFI partition, for every combination that the environment can have.
//!
//! grub-emu has no machine to start, and GRUB prefers its commands to functions of the same name: in the copy
//! that is run, `linux`, `initrd`, `boot`, `sleep` and `reboot` are replaced by functions that say what they
//! were given.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use gpt::GptConfig;
use gpt::disk::LogicalBlockSize;
use gpt::mbr::ProtectiveMBR;
use gpt::partition_types::LINUX_FS;
use qx_slots::{
    Because, BlockIo, BootEnv, Copies, CopyName, ENV_BYTES, ENV_FILES, KernelArgs, Reason,
    SlotName, SlotState, Stage, TransitionError, boot, fat,
};

const MIB: u64 = 1 << 20;
const EFI_START: u64 = MIB;
const EFI_MIB: u64 = 40;

/// Which slots' kernels the loader refuses.
type Refused = [bool; 2];

struct Disk {
    dir: tempfile::TempDir,
    image: File,
    env: [u64; 2],
    uuids: [String; 2],
}

struct Efi<'a>(&'a File);

impl BlockIo for Efi<'_> {
    fn sector_bytes(&self) -> usize {
        512
    }
    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> std::io::Result<()> {
        self.0.read_exact_at(bytes, EFI_START + offset)
    }
    fn write_at(&self, offset: u64, bytes: &[u8]) -> std::io::Result<()> {
        self.0.write_all_at(bytes, EFI_START + offset)
    }
}

fn sh(program: &str, arguments: &[&str]) {
    let output = Command::new(program).args(arguments).output().unwrap();
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {output:?}"
    );
}

impl Disk {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name).display().to_string();
        fs::write(at("block"), [b'#'; ENV_BYTES]).unwrap();
        let kib = (EFI_MIB * 1024).to_string();
        sh("mkfs.vfat", &["-F", "32", "-C", &at("efi"), &kib]);
        sh("mmd", &["-i", &at("efi"), "::/quantix"]);
        for name in ["env1", "env2"] {
            sh(
                "mcopy",
                &[
                    "-i",
                    &at("efi"),
                    &at("block"),
                    &format!("::/quantix/{name}"),
                ],
            );
        }
        let mut image = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(at("disk"))
            .unwrap();
        image.set_len((EFI_MIB + 8) * MIB).unwrap();
        let uuids = partition(&mut image);
        image
            .write_all_at(&fs::read(at("efi")).unwrap(), EFI_START)
            .unwrap();
        let env = ENV_FILES.map(|path| {
            let found = fat::locate(&Efi(&image), &path).unwrap().unwrap();
            assert_eq!(found.size as usize, ENV_BYTES);
            EFI_START + found.offset
        });
        fs::create_dir(at("cfg")).unwrap();
        fs::write(at("map"), format!("(hd0) {}\n", at("disk"))).unwrap();
        Self {
            dir,
            image,
            env,
            uuids,
        }
    }

    /// Starts GRUB with these blocks; what it did, and the blocks that it left.
    fn start(&self, blocks: &[Vec<u8>; 2], refused: Refused) -> (Vec<String>, [Vec<u8>; 2]) {
        for (offset, block) in self.env.iter().zip(blocks) {
            self.image.write_all_at(block, *offset).unwrap();
        }
        fs::write(self.path("cfg/grub.cfg"), script(refused)).unwrap();
        let output = Command::new("grub-emu")
            .arg("-m")
            .arg(self.path("map"))
            .arg("-d")
            .arg(self.path("cfg"))
            .args(["-r", "host"])
            .env("TERM", "vt100")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let words: Vec<String> = said
            .split('@')
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .collect();
        assert!(!words.is_empty(), "grub-emu said: {output:?}");
        let left = self.env.map(|offset| {
            let mut block = vec![0; ENV_BYTES];
            self.image.read_exact_at(&mut block, offset).unwrap();
            block
        });
        (words, left)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
}

fn partition(image: &mut File) -> [String; 2] {
    ProtectiveMBR::with_lb_size(u32::try_from((EFI_MIB + 8) * MIB / 512 - 1).unwrap())
        .overwrite_lba0(image)
        .unwrap();
    let mut disk = GptConfig::new()
        .writable(true)
        .logical_block_size(LogicalBlockSize::Lb512)
        .create_from_device(image, None)
        .unwrap();
    let mut start = EFI_START / 512;
    for (number, mib) in [(1, EFI_MIB), (2, 1), (3, 1)] {
        let sectors = mib * MIB / 512;
        disk.add_partition_at("p", number, start, sectors, LINUX_FS, 0)
            .unwrap();
        start += sectors;
    }
    let uuids = [2, 3].map(|number| {
        let id = disk.partitions()[&number].part_guid.to_string();
        id.to_lowercase()
    });
    disk.write().unwrap();
    uuids
}

fn script(refused: Refused) -> String {
    let config =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../grub/disk.cfg"))
            .unwrap();
    let mut body = String::new();
    for line in config.lines() {
        let indent = line.len() - line.trim_start().len();
        let (space, code) = line.split_at(indent);
        let code = match code {
            "boot" => "@start",
            "reboot" => "@restart",
            "sleep 15" => "",
            code if code.starts_with("serial ") || code.starts_with("terminal_") => "",
            code => code,
        };
        body += &format!("{space}{code}\n");
    }
    for (command, stand_in) in [
        ("if linux ", "if try_linux "),
        ("if initrd ", "if try_initrd "),
    ] {
        assert_eq!(body.matches(command).count(), 1, "{command}");
        body = body.replace(command, stand_in);
    }
    assert_eq!(body.matches("@start").count(), 1);
    assert_eq!(body.matches("@restart").count(), 1);
    let body = body
        .replace("@start", "tell started; exit")
        .replace("@restart", "tell restarted; exit");
    let deny = |slot: usize| if refused[slot] { "yes" } else { "no" };
    format!(
        "set root=hd0,gpt1\nset deny2={}\nset deny3={}\n\
         function tell {{\n    for word in \"$@\"; do\n        echo \"@$word@\"\n    done\n}}\n\
         function try_linux {{\n    tell linux $@\n    if [ \"$1\" = \"(hd0,gpt2)/vmlinuz\" ]; then\n        \
         [ \"$deny2\" = no ]\n    else\n        [ \"$deny3\" = no ]\n    fi\n}}\n\
         function try_initrd {{\n    tell initrd $@\n}}\n{body}\nstart\n",
        deny(0),
        deny(1)
    )
}

/// What the model says that GRUB does.
fn expected(disk: &Disk, copies: &Copies, refused: Refused) -> Vec<String> {
    let plan = boot(copies);
    let mut words = Vec::new();
    let mut last_refused = None;
    for attempt in &plan.attempts {
        let (index, number) = match attempt.slot {
            SlotName::A => (0, 2),
            SlotName::B => (1, 3),
        };
        words.extend(["linux".to_owned(), format!("(hd0,gpt{number})/vmlinuz")]);
        words.push(format!("quantix.slot={}", attempt.slot));
        words.push(format!("quantix.partuuid={}", disk.uuids[index]));
        let fixed = "cryptomgr.notests initcall_blacklist=jent_mod_init panic=10 oops=panic \
            softlockup_panic=1 quiet loglevel=3";
        words.extend(fixed.split_whitespace().map(str::to_owned));
        let args = copies.in_use().map_or("", |(_, env)| env.args.as_str());
        let args = if args.is_empty() {
            "console=tty0 console=ttyS0,115200"
        } else {
            args
        };
        words.extend(args.split(' ').map(str::to_owned));
        let because = match attempt.because {
            Because::Pending => Some("quantix.try=1"),
            Because::Good => None,
            Because::LastResort => Some("quantix.last=1"),
            Because::EnvLost => Some("quantix.env=lost"),
        };
        words.extend(because.map(str::to_owned));
        words.extend(
            last_refused.map(|slot: SlotName| format!("quantix.refused={}", slot.letter())),
        );
        if refused[index] {
            last_refused = Some(attempt.slot);
            continue;
        }
        words.extend([
            "initrd".to_owned(),
            format!("(hd0,gpt{number})/initramfs.img"),
        ]);
        words.push("started".to_owned());
        return words;
    }
    words.push("restarted".to_owned());
    words
}

/// Runs one case and compares everything.
fn check(disk: &Disk, blocks: &[Vec<u8>; 2], refused: Refused) {
    let [first, second] = [0, 1].map(|index| BootEnv::decode(&blocks[index]).ok());
    let copies = Copies { first, second };
    let (did, left) = disk.start(blocks, refused);
    let texts = blocks
        .each_ref()
        .map(|block| String::from_utf8_lossy(block).into_owned());
    let case = || format!("{copies:?}, refused {refused:?}, blocks {texts:?}");
    assert_eq!(did, expected(disk, &copies, refused), "{}", case());

    let mut wanted = blocks.clone();
    if let (Some(counted), Some((in_use, env))) = (boot(&copies).counted, copies.in_use()) {
        let index = usize::from(in_use == CopyName::Second);
        wanted[index] = counted.encode().to_vec();
        let other = if index == 0 {
            &copies.second
        } else {
            &copies.first
        };
        if other.as_ref().is_some_and(|other| other.is_as_new_as(env)) {
            let mut other = other.clone().unwrap();
            other.pending = counted.pending;
            wanted[1 - index] = other.encode().to_vec();
        }
    }
    assert!(left == wanted, "the blocks differ after {}", case());
}

/// Every environment that our programs and GRUB can leave: confirmed slot, trial with its tries, states.
fn environments() -> Vec<BootEnv> {
    let mut all = Vec::new();
    for confirmed in SlotName::BOTH {
        for state in [SlotState::Good, SlotState::Empty, SlotState::Failed] {
            for confirmed_is_good in [true, false] {
                for tries in [None, Some(0), Some(1), Some(2), Some(3)] {
                    if let Ok(env) = environment(confirmed, state, confirmed_is_good, tries) {
                        all.push(env);
                    }
                }
            }
        }
    }
    all
}

fn environment(
    confirmed: SlotName,
    state: SlotState,
    confirmed_is_good: bool,
    tries: Option<u8>,
) -> Result<BootEnv, TransitionError> {
    let mut env = BootEnv::installed(KernelArgs::default());
    env.confirm(confirmed)?;
    let other = confirmed.other();
    if let Some(left) = tries {
        env.make_pending(other)?;
        env.reached(other, Stage::System);
        if let Some(pending) = &mut env.pending {
            pending.left = left;
        }
    }
    let slot = match other {
        SlotName::A => &mut env.a,
        SlotName::B => &mut env.b,
    };
    slot.state = state;
    if !confirmed_is_good {
        env.mark_failed(confirmed, Reason::Verify);
    }
    Ok(env)
}

#[test]
fn grub_does_what_the_model_says_for_every_environment_and_refusal() {
    let disk = Disk::new();
    let environments = environments();
    assert_eq!(environments.len(), 60);
    for env in environments {
        for refused in [[false, false], [true, false], [false, true], [true, true]] {
            check(
                &disk,
                &[env.encode().to_vec(), env.encode().to_vec()],
                refused,
            );
        }
    }
}

#[test]
fn grub_believes_the_copy_that_the_model_believes() {
    let disk = Disk::new();
    let old = environment(SlotName::A, SlotState::Good, true, None).unwrap();
    let new = old.followed_by(environment(SlotName::B, SlotState::Good, true, Some(3)).unwrap());
    let (old, new) = (old.encode().to_vec(), new.encode().to_vec());
    let torn_at = |at: usize| [&new[..at], &old[at..]].concat();
    let mut second_torn: Vec<Vec<u8>> = (0..=180).step_by(4).map(torn_at).collect();
    second_torn.extend([
        vec![0; ENV_BYTES],
        vec![b'#'; ENV_BYTES],
        [&new[..120], &[0; 392]].concat(),
    ]);
    let mut seen = [0, 0];
    for block in &second_torn {
        check(&disk, &[old.clone(), block.clone()], [false, false]);
        check(&disk, &[block.clone(), old.clone()], [false, false]);
        check(&disk, &[block.clone(), vec![0; ENV_BYTES]], [false, false]);
        seen[usize::from(BootEnv::decode(block).is_ok())] += 1;
    }
    assert!(
        seen[0] > 20 && seen[1] > 2,
        "torn and whole blocks: {seen:?}"
    );
    check(&disk, &[new.clone(), old.clone()], [false, false]);
    check(&disk, &[old, new], [true, false]);
}

#[test]
fn arguments_of_the_configuration_reach_the_kernel() {
    let disk = Disk::new();
    let mut env = BootEnv::installed("console=ttyS1,9600 intel_iommu=on".parse().unwrap());
    env.make_pending(SlotName::B).unwrap();
    check(
        &disk,
        &[env.encode().to_vec(), env.encode().to_vec()],
        [false, false],
    );
}
