//! What the kernel is told beyond the product's own arguments: consoles and arguments for odd hardware.
//! The boot loader keeps them in its environment block (`qx_args`), which is small and has no quoting.

use std::fmt;
use std::str::FromStr;

use super::decode::Section;
use super::schema::Config;
use super::types::ValueError;

/// Longest text that the environment block holds, in bytes.
pub const MOST_ARGUMENT_BYTES: usize = 160;

const SCREEN: &str = "tty1";
const SERIAL: [&str; 4] = ["ttyS0", "ttyS1", "ttyS2", "ttyS3"];
const USUAL_SPEED: u32 = 115_200;
const SPEEDS: [u32; 5] = [9_600, 19_200, 38_400, 57_600, USUAL_SPEED];

/// Arguments that the boot loader sets itself; the kernel and qx-init believe the last one given.
const RESERVED: [&str; 7] = [
    "quantix.env",
    "quantix.last",
    "quantix.media",
    "quantix.partuuid",
    "quantix.refused",
    "quantix.slot",
    "quantix.try",
];

/// A terminal that the kernel writes to: the screen or a serial line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Console {
    device: &'static str,
    speed: Option<u32>,
}

impl Console {
    /// The screen.
    pub const SCREEN: Self = Self {
        device: SCREEN,
        speed: None,
    };
    /// The first serial line at the usual speed.
    pub const FIRST_SERIAL: Self = Self {
        device: SERIAL[0],
        speed: Some(USUAL_SPEED),
    };

    /// The device's name below `/dev`.
    #[must_use]
    pub const fn device(self) -> &'static str {
        self.device
    }

    /// Bits per second of a serial line; `None` for the screen.
    #[must_use]
    pub const fn speed(self) -> Option<u32> {
        self.speed
    }
}

impl FromStr for Console {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let wanted = ValueError::new(
            "must be \"tty1\", or \"ttyS0\" to \"ttyS3\" with or without a speed, such as \"ttyS1,115200\" \
             (9600, 19200, 38400, 57600 or 115200)",
        );
        if text == SCREEN {
            return Ok(Self::SCREEN);
        }
        let (name, speed) = text
            .split_once(',')
            .map_or((text, None), |(name, speed)| (name, Some(speed)));
        let device = SERIAL.into_iter().find(|device| *device == name);
        let speed = match speed {
            None => Some(USUAL_SPEED),
            Some(digits) => SPEEDS.into_iter().find(|speed| speed.to_string() == digits),
        };
        match (device, speed) {
            (Some(device), Some(speed)) => Ok(Self {
                device,
                speed: Some(speed),
            }),
            _ => Err(wanted),
        }
    }
}

impl fmt::Display for Console {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.device)?;
        match self.speed {
            None | Some(USUAL_SPEED) => Ok(()),
            Some(speed) => write!(f, ",{speed}"),
        }
    }
}

/// One extra argument of the kernel, such as `nomodeset` or `intel_iommu=on`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KernelArgument(String);

impl FromStr for KernelArgument {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let good = |byte: u8| byte.is_ascii_alphanumeric() || b"_.,:=/@+-".contains(&byte);
        if text.is_empty() || text.len() > MOST_ARGUMENT_BYTES || !text.bytes().all(good) {
            return Err(ValueError::new(
                "must be one kernel argument of at most 160 letters, digits or _ . , : = / @ + - \
                 (no spaces: each argument is an entry of its own)",
            ));
        }
        // The kernel takes '-' and '_' for the same in names.
        let name = text.split('=').next().unwrap_or(text).replace('-', "_");
        if name == "console" {
            return Err(ValueError::new(
                "sets a console: name it in `system.console` instead",
            ));
        }
        if RESERVED.contains(&name.as_str()) {
            return Err(ValueError::new(
                "is set by the boot loader at every boot: remove it",
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for KernelArgument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The arguments do not fit the boot loader's environment block.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`system.kernel_args` {}", self.reason())]
pub struct TooLongError {
    /// Bytes of the whole text.
    pub bytes: usize,
}

impl TooLongError {
    fn reason(&self) -> String {
        format!(
            "and `system.console` together make {} bytes of kernel arguments; the boot loader has room for \
             {MOST_ARGUMENT_BYTES}: leave some out",
            self.bytes
        )
    }
}

/// The text of `qx_args` in the boot loader's environment block: consoles in the order of the file (the
/// last one is the kernel's `/dev/console`), then the extra arguments, joined by single spaces.
///
/// # Errors
/// When the text is longer than [`MOST_ARGUMENT_BYTES`].
pub fn kernel_arguments(config: &Config) -> Result<String, TooLongError> {
    let consoles = config.system.console.iter().map(|console| {
        let speed = console.speed.map(|speed| format!(",{speed}"));
        format!("console={}{}", console.device, speed.unwrap_or_default())
    });
    let extra = config.system.kernel_args.iter().map(ToString::to_string);
    let words: Vec<String> = consoles.chain(extra).collect();
    let text = words.join(" ");
    if text.len() > MOST_ARGUMENT_BYTES {
        return Err(TooLongError { bytes: text.len() });
    }
    Ok(text)
}

/// Notes what is wrong with consoles and arguments together.
pub(super) fn check_kernel(section: &mut Section<'_, '_, '_>, config: &Config) {
    let console = &config.system.console;
    if console.is_empty() {
        section.fault("console", "must name a terminal, such as \"tty1\"");
    }
    let repeated = |i: usize| {
        console[..i]
            .iter()
            .any(|c| c.device() == console[i].device())
    };
    if (1..console.len()).any(repeated) {
        section.fault("console", "names a terminal twice");
    }
    if let Err(error) = kernel_arguments(config) {
        section.fault("kernel_args", error.reason());
    }
}
