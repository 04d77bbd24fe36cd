//! Values of the configuration. Each is checked where it is made, so that what is generated from it
//! needs no quoting: none can hold white space, a quote or a control character (an SSH key's comment may
//! hold single spaces).

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Why a value was refused; the sentence says what a good one looks like.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ValueError(&'static str);

impl ValueError {
    pub(crate) const fn new(wanted: &'static str) -> Self {
        Self(wanted)
    }
}

macro_rules! text_type {
    ($(#[$doc:meta])* $type:ident, $check:ident, $wanted:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq)]
        pub struct $type(String);

        impl $type {
            /// The value as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $type {
            type Err = ValueError;

            fn from_str(text: &str) -> Result<Self, ValueError> {
                if $check(text) { Ok(Self(text.to_owned())) } else { Err(ValueError::new($wanted)) }
            }
        }
    };
}

macro_rules! shown_as_text {
    ($($type:ident),*) => {$(
        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", self.0)
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

pub(super) use {shown_as_text, text_type};

shown_as_text!(HostName, TimeZone, ServerName, SshPublicKey, InterfaceName);

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(hidden)")
    }
}

text_type!(
    /// A host name or fully qualified domain name (RFC 1123), at most 64 characters as the kernel has it.
    HostName, is_host_name,
    "must be labels of 1 to 63 letters, digits or '-' joined by '.', at most 64 characters in all"
);
text_type!(
    /// A time zone by its name in the tz database.
    TimeZone, is_time_zone,
    "must be a time zone's name, for instance \"UTC\" or \"Europe/Berlin\""
);
text_type!(
    /// A crypt(3) hash: SHA-512 (`$6$`), SHA-256 (`$5$`) or yescrypt (`$y$`).
    PasswordHash, is_password_hash,
    "must be a crypt hash that starts with $y$, $6$ or $5$, at usual cost (made for instance by 'openssl passwd -6')"
);
text_type!(
    /// A server by host name or address.
    ServerName, is_server_name,
    "must be a host name or an IP address"
);
text_type!(
    /// One line of `authorized_keys` without options.
    SshPublicKey, is_ssh_public_key,
    "must be one public key as in a .pub file: type, base64 and, if you like, a comment"
);
text_type!(
    /// A network interface's name in the kernel.
    InterfaceName, is_interface_name,
    "must be an interface name of 1 to 15 letters, digits, '_' or '-'"
);

impl Default for HostName {
    fn default() -> Self {
        Self("quantix".to_owned())
    }
}

impl Default for TimeZone {
    fn default() -> Self {
        Self("UTC".to_owned())
    }
}

impl Default for ServerName {
    fn default() -> Self {
        Self("pool.ntp.org".to_owned())
    }
}

fn is_host_name(text: &str) -> bool {
    text.len() <= 64 && text.split('.').all(is_label)
}

fn is_label(label: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    (1..=63).contains(&label.len())
        && label.bytes().all(good)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

fn is_time_zone(text: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'+');
    text.len() <= 64
        && text
            .split('/')
            .all(|part| !part.is_empty() && part.bytes().all(good))
}

fn is_password_hash(text: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'$' | b'.' | b'/' | b'=');
    text.len() <= 256 && text.bytes().all(good) && crate::accounts::is_affordable_hash(text)
}

fn is_server_name(text: &str) -> bool {
    text.parse::<IpAddr>().is_ok() || (text.len() <= 253 && text.split('.').all(is_label))
}

fn is_ssh_public_key(text: &str) -> bool {
    const TYPES: [&str; 7] = [
        "ssh-ed25519",
        "ssh-rsa",
        "ecdsa-sha2-nistp256",
        "ecdsa-sha2-nistp384",
        "ecdsa-sha2-nistp521",
        "sk-ssh-ed25519@openssh.com",
        "sk-ecdsa-sha2-nistp256@openssh.com",
    ];
    if text.len() > 4096 || text.chars().any(char::is_control) {
        return false;
    }
    let mut words = text.split(' ');
    let (Some(kind), Some(blob)) = (words.next(), words.next()) else {
        return false;
    };
    TYPES.contains(&kind)
        && STANDARD
            .decode(blob)
            .is_ok_and(|bytes| names_its_type(&bytes, kind))
        && words.all(|word| !word.is_empty())
}

/// The blob repeats the type behind a 32-bit length (RFC 4253, section 6.6).
fn names_its_type(blob: &[u8], kind: &str) -> bool {
    let Some((length, rest)) = blob.split_first_chunk::<4>() else {
        return false;
    };
    u32::from_be_bytes(*length) as usize == kind.len() && rest.starts_with(kind.as_bytes())
}

fn is_interface_name(text: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    (1..=15).contains(&text.len())
        && text.bytes().all(good)
        && text.starts_with(|first: char| first.is_ascii_alphanumeric())
        && !matches!(text, "lo" | "br0" | "bond0" | "auto")
}

/// A network card's hardware address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MacAddress([u8; 6]);

impl FromStr for MacAddress {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let wanted = ValueError("must be a MAC address like 52:54:00:12:34:56");
        let mut bytes = [0; 6];
        let mut parts = text.split([':', '-']);
        for byte in &mut bytes {
            let part = parts
                .next()
                .filter(|part| part.len() == 2)
                .ok_or(wanted.clone())?;
            *byte = hex::decode(part)
                .ok()
                .and_then(|b| b.first().copied())
                .ok_or(wanted.clone())?;
        }
        if parts.next().is_some() {
            Err(wanted)
        } else {
            Ok(Self(bytes))
        }
    }
}

impl fmt::Display for MacAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

/// How the file names a network card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InterfaceSelector {
    /// The first card with a link, or the first of all.
    Auto,
    /// By the kernel's name.
    Name(InterfaceName),
    /// By hardware address.
    Mac(MacAddress),
}

impl FromStr for InterfaceSelector {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        if text == "auto" {
            return Ok(Self::Auto);
        }
        if let Ok(mac) = text.parse() {
            return Ok(Self::Mac(mac));
        }
        text.parse().map(Self::Name).map_err(|_| {
            ValueError("must be \"auto\", a MAC address, or the name of a network card (1 to 15 letters, digits, '_' or '-')")
        })
    }
}

impl fmt::Display for InterfaceSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Name(name) => name.fmt(f),
            Self::Mac(mac) => mac.fmt(f),
        }
    }
}

/// An 802.1Q VLAN number, 1 to 4094.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VlanId(u16);

impl VlanId {
    /// The number.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl TryFrom<u16> for VlanId {
    type Error = ValueError;

    fn try_from(id: u16) -> Result<Self, ValueError> {
        if (1..=4094).contains(&id) {
            Ok(Self(id))
        } else {
            Err(ValueError(
                "must be 0 (none) or a VLAN number from 1 to 4094",
            ))
        }
    }
}

macro_rules! cidr_type {
    ($(#[$doc:meta])* $type:ident, $address:ty, $number:ty, $bits:literal, $wanted:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub struct $type {
            address: $address,
            prefix: u8,
        }

        impl $type {
            /// The host's address.
            #[must_use]
            pub const fn address(self) -> $address {
                self.address
            }

            /// The length of its network's prefix.
            #[must_use]
            pub const fn prefix(self) -> u8 {
                self.prefix
            }

            /// Whether `other` is in the same network.
            #[must_use]
            pub fn contains(self, other: $address) -> bool {
                let mask = <$number>::MAX.checked_shl(u32::from($bits - self.prefix)).unwrap_or(0);
                self.address.to_bits() & mask == other.to_bits() & mask
            }
        }

        impl FromStr for $type {
            type Err = ValueError;

            fn from_str(text: &str) -> Result<Self, ValueError> {
                let wanted = ValueError($wanted);
                let (address, prefix) = text.split_once('/').ok_or(wanted.clone())?;
                let address: $address = address.parse().map_err(|_| wanted.clone())?;
                let digits = (1..=3).contains(&prefix.len())
                    && prefix.bytes().all(|byte| byte.is_ascii_digit());
                let prefix: u8 = prefix.parse().map_err(|_| wanted.clone())?;
                let usable = !address.is_unspecified() && !address.is_multicast()
                    && !address.is_loopback();
                if digits && (1..=$bits).contains(&prefix) && usable {
                    Ok(Self { address, prefix })
                } else {
                    Err(wanted)
                }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}/{}", self.address, self.prefix)
            }
        }
    };
}

cidr_type!(
    /// An IPv4 address with the length of its network's prefix.
    Ipv4Cidr, Ipv4Addr, u32, 32,
    "must be an IPv4 address with its prefix length, for instance \"192.168.1.10/24\""
);
cidr_type!(
    /// An IPv6 address with the length of its network's prefix.
    Ipv6Cidr, Ipv6Addr, u128, 128,
    "must be an IPv6 address with its prefix length, for instance \"2001:db8::10/64\""
);
