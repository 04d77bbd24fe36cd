//! The boot environment: one small record that GRUB and our programs share, in GRUB's environment block
//! format (GRUB manual, "The GRUB environment block").
//!
//! ```text
//! # GRUB Environment Block
//! qx_gen=1000000001    generation; starts with 1 because GRUB reads a leading 0 as octal
//! qx_boot=a            the confirmed slot
//! qx_try=b             the pending slot, n: none
//! qx_left=3            its tries left
//! qx_stage=0           how far its last try came
//! qx_a=g               slot A: g good, e empty or being written, x failed
//! qx_b=g               slot B
//! qx_why_a=-           why slot A failed
//! qx_why_b=-           why slot B failed
//! qx_args=             more arguments for the kernel
//! qx_end=1000000001    the end mark, the generation once more: without it, or with another, a copy is torn
//! ####…                up to 512 bytes
//! ```
//!
//! GRUB changes `qx_left` and `qx_stage`, one character each, so that the block keeps its layout.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::layout::PartitionNumber;

/// Length of a block in bytes.
pub const ENV_BYTES: usize = 512;
/// Tries that a pending slot has.
pub const TRIES: u8 = 3;
/// Longest text of [`KernelArgs`], in bytes.
pub const MOST_ARGS: usize = 160;

const HEADER: &str = "# GRUB Environment Block\n";
const KEYS: [&str; 11] = [
    "qx_gen", "qx_boot", "qx_try", "qx_left", "qx_stage", "qx_a", "qx_b", "qx_why_a", "qx_why_b",
    "qx_args", "qx_end",
];
const FIRST_GENERATION: u32 = 1_000_000_001;
const LAST_GENERATION: u32 = 1_999_999_999;

/// One of the two system partitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SlotName {
    /// Partition 2.
    A,
    /// Partition 3.
    B,
}

impl SlotName {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::A, Self::B];

    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }

    /// As people read it: `A` or `B`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::B => "B",
        }
    }

    /// As it stands in the environment block: `a` or `b`.
    #[must_use]
    pub const fn letter(self) -> &'static str {
        match self {
            Self::A => "a",
            Self::B => "b",
        }
    }

    /// The system partition that it is.
    #[must_use]
    pub const fn partition(self) -> PartitionNumber {
        match self {
            Self::A => PartitionNumber::SystemA,
            Self::B => PartitionNumber::SystemB,
        }
    }

    /// The slot that people call this.
    #[must_use]
    pub fn of_name(text: &str) -> Option<Self> {
        Self::BOTH.into_iter().find(|slot| slot.name() == text)
    }

    /// The slot with this letter.
    #[must_use]
    pub fn of_letter(text: &str) -> Option<Self> {
        Self::BOTH.into_iter().find(|slot| slot.letter() == text)
    }
}

impl fmt::Display for SlotName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Closed lists of words, as the block has them.
macro_rules! words {
    ($(#[$doc:meta])* $type:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $type { $($(#[$variant_doc])* $variant),+ }

        impl $type {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// As it stands in the environment block.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// The one with this word.
            #[must_use]
            pub fn of_word(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|known| known.word() == text)
            }
        }
    };
}

words! {
    /// What a slot holds.
    SlotState {
        /// An image that was read back after it was written.
        Good = "g",
        /// Nothing, or an image that is being written.
        Empty = "e",
        /// An image that was tried and failed.
        Failed = "x",
    }
}

words! {
    /// How far the last try of a pending slot came.
    Stage {
        /// It was not tried yet.
        Untried = "0",
        /// GRUB started its kernel.
        Kernel = "k",
        /// qx-init ran.
        Init = "i",
        /// The image was verified.
        Verified = "v",
        /// The system's own init was started.
        System = "s",
    }
}

words! {
    /// Why a slot failed.
    Reason {
        /// The boot loader would not start its kernel.
        Refused = "refused",
        /// Its kernel never reached qx-init.
        Kernel = "kernel",
        /// qx-init hung or crashed.
        Init = "init",
        /// The image is damaged or was changed.
        Verify = "verify",
        /// The system started, then hung or was reset.
        System = "system",
        /// The node daemon did not come up.
        Daemon = "daemon",
        /// The management network did not come up.
        Network = "network",
        /// libvirt or another service of the host did not come up.
        Services = "services",
        /// A person went back.
        User = "user",
        /// A newer version wrote a word that this one does not know.
        Unknown = "unknown",
    }
}

impl Reason {
    /// Why the slot failed, for people: the end of a sentence such as "it was given up because …".
    #[must_use]
    pub const fn because(self) -> &'static str {
        match self {
            Self::Refused => {
                "the boot loader would not start its kernel: it is damaged, or not signed for Secure Boot"
            }
            Self::Kernel => "its kernel crashed or hung before the image was found",
            Self::Init => "its boot program crashed or hung",
            Self::Verify => "its image on the disk is damaged or was changed",
            Self::System => "the system crashed or hung while it started",
            Self::Daemon => "its node daemon did not come up",
            Self::Network => "the management network did not come up",
            Self::Services => "libvirt, or the place for VM disks, did not come up",
            Self::User => "somebody went back by hand",
            Self::Unknown => "a newer version gave a reason that this one does not know",
        }
    }
}

/// What can be a reason, known here or not: a system that a host went back to reads what a newer one wrote.
fn is_reason(word: &str) -> bool {
    (1..=12).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_lowercase())
}

/// A slot that is on trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pending {
    /// Which.
    pub slot: SlotName,
    /// Tries left, 0 to [`TRIES`].
    pub left: u8,
    /// How far the last try came.
    pub stage: Stage,
}

/// What is known of one slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotRecord {
    /// What it holds.
    pub state: SlotState,
    /// Why it failed, if it did.
    pub reason: Option<Reason>,
}

/// Arguments for the kernel beyond those of grub.cfg: words of letters, digits and `_.,:=/@+-`, joined by
/// single spaces, at most [`MOST_ARGS`] bytes. GRUB splits them at the spaces; nothing in them means
/// anything to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KernelArgs(String);

impl KernelArgs {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for KernelArgs {
    type Err = EnvError;

    fn from_str(text: &str) -> Result<Self, EnvError> {
        let good = |byte: u8| byte.is_ascii_alphanumeric() || b"_.,:=/@+-".contains(&byte);
        let word = |word: &str| !word.is_empty() && word.bytes().all(good);
        if text.is_empty() || text.len() <= MOST_ARGS && text.split(' ').all(word) {
            Ok(Self(text.to_owned()))
        } else {
            Err(EnvError::Value("qx_args", text.to_owned()))
        }
    }
}

/// The content of an environment block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BootEnv {
    pub(crate) generation: u32,
    /// The slot that is known to work.
    pub confirmed: SlotName,
    /// The slot on trial.
    pub pending: Option<Pending>,
    /// Slot A.
    pub a: SlotRecord,
    /// Slot B.
    pub b: SlotRecord,
    /// More arguments for the kernel.
    pub args: KernelArgs,
}

/// Why a block was not believed.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum EnvError {
    /// Not 512 bytes with GRUB's header.
    #[error("it is no GRUB environment block")]
    NotABlock,
    /// Keys are missing, more than once there, unknown or in another order; or the end mark is not there.
    #[error("{0} is not where it must be")]
    Key(&'static str),
    /// A value that this key can't have.
    #[error("{0} cannot be {1:?}")]
    Value(&'static str, String),
}

impl BootEnv {
    /// Of a new installation: both slots hold the same verified image, A is started.
    #[must_use]
    pub fn installed(args: KernelArgs) -> Self {
        let good = SlotRecord {
            state: SlotState::Good,
            reason: None,
        };
        Self {
            generation: FIRST_GENERATION,
            confirmed: SlotName::A,
            pending: None,
            a: good,
            b: good,
            args,
        }
    }

    /// In place of one that is lost: this slot is all that is known of.
    #[must_use]
    pub fn renewed(confirmed: SlotName, args: KernelArgs) -> Self {
        let mut env = Self::installed(args);
        env.confirmed = confirmed;
        env.slot_mut(confirmed.other()).state = SlotState::Empty;
        env
    }

    /// What is known of a slot.
    #[must_use]
    pub const fn slot(&self, slot: SlotName) -> SlotRecord {
        match slot {
            SlotName::A => self.a,
            SlotName::B => self.b,
        }
    }

    pub(crate) const fn slot_mut(&mut self, slot: SlotName) -> &mut SlotRecord {
        match slot {
            SlotName::A => &mut self.a,
            SlotName::B => &mut self.b,
        }
    }

    /// The environment `next`, as it is written after this one.
    #[must_use]
    pub fn followed_by(&self, next: Self) -> Self {
        Self {
            generation: self.next_generation(),
            ..next
        }
    }

    /// Whether both were written by one change.
    #[must_use]
    pub const fn is_as_new_as(&self, other: &Self) -> bool {
        self.generation == other.generation
    }

    /// The generation after this one; the first again after the last, which no disk lives to see.
    const fn next_generation(&self) -> u32 {
        if self.generation < LAST_GENERATION {
            self.generation + 1
        } else {
            FIRST_GENERATION
        }
    }

    /// The block's bytes.
    #[must_use]
    pub fn encode(&self) -> [u8; ENV_BYTES] {
        let (slot, left, stage) = match self.pending {
            None => ("n", 0, Stage::Untried),
            Some(pending) => (pending.slot.letter(), pending.left, pending.stage),
        };
        let why = |slot: SlotRecord| slot.reason.map_or("-", Reason::word);
        let values = [
            self.generation.to_string(),
            self.confirmed.letter().to_owned(),
            slot.to_owned(),
            left.min(TRIES).to_string(),
            stage.word().to_owned(),
            self.a.state.word().to_owned(),
            self.b.state.word().to_owned(),
            why(self.a).to_owned(),
            why(self.b).to_owned(),
            self.args.0.clone(),
            self.generation.to_string(),
        ];
        let mut text = HEADER.to_owned();
        for (key, value) in KEYS.iter().zip(values) {
            text.extend([key, "=", &value, "\n"]);
        }
        let mut block = [b'#'; ENV_BYTES];
        // The longest values make 322 bytes.
        for (byte, of_text) in block.iter_mut().zip(text.bytes()) {
            *byte = of_text;
        }
        block
    }

    /// Reads a block.
    ///
    /// # Errors
    /// When it is torn or says anything that [`Self::encode`] would not.
    pub fn decode(block: &[u8]) -> Result<Self, EnvError> {
        let mut rest = block
            .strip_prefix(HEADER.as_bytes())
            .filter(|_| block.len() == ENV_BYTES)
            .ok_or(EnvError::NotABlock)?;
        let mut values = [""; KEYS.len()];
        for (key, value) in KEYS.iter().zip(&mut values) {
            let end = rest.iter().position(|byte| *byte == b'\n');
            let (line, after) = end
                .and_then(|end| rest.split_at_checked(end))
                .ok_or(EnvError::Key(key))?;
            *value = std::str::from_utf8(line)
                .ok()
                .and_then(|line| line.strip_prefix(key)?.strip_prefix('='))
                .ok_or(EnvError::Key(key))?;
            rest = after.get(1..).unwrap_or_default();
        }
        // What follows the end mark is padding, and nobody's, torn or not.
        Self::of_values(values)
    }

    fn of_values(values: [&str; KEYS.len()]) -> Result<Self, EnvError> {
        let [
            generation,
            confirmed,
            slot,
            left,
            stage,
            a,
            b,
            why_a,
            why_b,
            args,
            end,
        ] = values;
        let bad = |key: &'static str, value: &str| EnvError::Value(key, value.to_owned());
        let number: u32 = generation
            .parse()
            .ok()
            .filter(|number| (FIRST_GENERATION..=LAST_GENERATION).contains(number))
            .filter(|_| generation.len() == 10)
            .ok_or_else(|| bad("qx_gen", generation))?;
        let confirmed = SlotName::of_letter(confirmed).ok_or_else(|| bad("qx_boot", confirmed))?;
        let tries = match left.as_bytes() {
            [digit @ b'0'..=b'3'] => digit - b'0',
            _ => return Err(bad("qx_left", left)),
        };
        let stage = Stage::of_word(stage).ok_or_else(|| bad("qx_stage", stage))?;
        let pending = match slot {
            "n" if tries == 0 && stage == Stage::Untried => None,
            _ => Some(Pending {
                slot: SlotName::of_letter(slot)
                    .filter(|slot| *slot != confirmed)
                    .ok_or_else(|| bad("qx_try", slot))?,
                left: tries,
                stage,
            }),
        };
        let record = |keys: [&'static str; 2], state: &str, why: &str| {
            let state = SlotState::of_word(state).ok_or_else(|| bad(keys[0], state))?;
            let reason = match why {
                "-" => None,
                word if is_reason(word) => Some(Reason::of_word(word).unwrap_or(Reason::Unknown)),
                word => return Err(bad(keys[1], word)),
            };
            Ok(SlotRecord { state, reason })
        };
        let (a, b) = (
            record(["qx_a", "qx_why_a"], a, why_a)?,
            record(["qx_b", "qx_why_b"], b, why_b)?,
        );
        if end != generation {
            return Err(bad("qx_end", end));
        }
        Ok(Self {
            generation: number,
            confirmed,
            pending,
            a,
            b,
            args: args.parse()?,
        })
    }
}
