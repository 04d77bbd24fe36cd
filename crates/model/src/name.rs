//! Names that people choose: checked once, here, so that nothing below has to quote or escape them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a name was refused; the text says what a good one looks like.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to {max} letters, digits, '.', '_' or '-', and start with a letter or a digit")]
pub struct NameError {
    max: usize,
}

fn check(max: usize, text: &str) -> Result<(), NameError> {
    let mut bytes = text.bytes();
    let first_ok = bytes.next().is_some_and(|b| b.is_ascii_alphanumeric());
    let rest_ok = bytes.all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
    if first_ok && rest_ok && text.len() <= max {
        Ok(())
    } else {
        Err(NameError { max })
    }
}

/// Names of volumes that servers choose have colons (`unit:0:0:1`), and some have '+' or '@'.
fn check_volume(max: usize, text: &str) -> Result<(), NameError> {
    let plain: String = text
        .chars()
        .map(|c| if matches!(c, ':' | '+' | '@') { '-' } else { c })
        .collect();
    check(max, &plain)
}

macro_rules! name_type {
    ($(#[$doc:meta])* $type:ident, $max:literal) => {
        name_type!($(#[$doc])* $type, $max, check);
    };
    ($(#[$doc:meta])* $type:ident, $max:literal, $check:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $type(String);

        impl $type {
            /// The name as text: ASCII, no separator, never empty.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $type {
            type Error = NameError;

            fn try_from(text: String) -> Result<Self, NameError> {
                $check($max, &text)?;
                Ok(Self(text))
            }
        }

        impl std::str::FromStr for $type {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                Self::try_from(text.to_owned())
            }
        }

        impl From<$type> for String {
            fn from(name: $type) -> Self {
                name.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name_type!(
    /// A VM's name, unique on its host: at most 63 bytes, as in a host name.
    VmName, 63
);
name_type!(
    /// A file in the image library: at most 128 bytes, no path separator, never hidden.
    ImageName, 128
);
name_type!(
    /// A storage pool, unique on its host.
    PoolName, 63
);
name_type!(
    /// A snapshot, unique among those of its VM.
    SnapshotName, 63
);
name_type!(
    /// A word that groups VMs.
    Tag, 32
);
name_type!(
    /// A processor model as QEMU calls it, or `host` for all that the host's processor can do.
    CpuModel, 64
);
name_type!(
    /// A user of the host: at most 32 bytes, as for accounts of the system.
    UserName, 32
);
name_type!(
    /// A volume in its pool: at most 128 bytes, no path separator, never hidden; beside what other names may have,
    /// also ':', '+' and '@'.
    VolumeName, 128, check_volume
);
name_type!(
    /// A network or a bridge: at most 15 bytes, the kernel's limit for an interface name.
    NetworkName, 15
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_could_escape_are_refused() {
        for bad in [
            "", ".", "..", "../x", "a/b", "-a", ".a", "a b", "a\n", "ü", "a'", "a<",
        ] {
            assert!(
                VmName::try_from(bad.to_owned()).is_err(),
                "{bad:?} was accepted"
            );
        }
    }

    #[test]
    fn a_name_is_accepted_up_to_its_limit() {
        assert!(VmName::try_from("a".repeat(63)).is_ok());
        assert!(VmName::try_from("a".repeat(64)).is_err());
        assert!("debian-13.iso".parse::<ImageName>().is_ok());
    }

    #[test]
    fn a_volume_has_a_servers_name_and_never_a_path() {
        for good in ["unit:0:0:1", "disk.qcow2", "a+b@c"] {
            assert!(good.parse::<VolumeName>().is_ok(), "{good:?} was refused");
        }
        for bad in ["", ":a", "..", "a/b", "../a", ".a", "a b", "a\n"] {
            assert!(bad.parse::<VolumeName>().is_err(), "{bad:?} was accepted");
        }
    }
}
