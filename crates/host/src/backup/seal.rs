//! Encryption with a passphrase: the file format age (age-encryption.org/v1), so that any age program opens a backup
//! too.

use std::fmt;
use std::io::Read;
use std::str::FromStr;

use age::secrecy::SecretString;
use age::{DecryptError, Decryptor, scrypt};

use super::{MOST_BYTES, OpenError};
use crate::config::ValueError;

/// How every age file begins.
const MAGIC: &[u8] = b"age-encryption.org/v1\n";
/// scrypt with N = 2^16 and blocks of 1 KiB takes 64 MiB of memory: what the smallest host can spare.
const WORK: u8 = 16;
/// What is accepted at most, 256 MiB: a backup that the age program encrypted takes it on usual machines.
const MOST_WORK: u8 = 18;
/// Whoever has the file can try passphrases without end.
const LEAST_CHARS: usize = 12;
const MOST_CHARS: usize = 256;

/// What a backup is encrypted with: 12 to 256 characters.
#[derive(Clone)]
pub struct Passphrase(String);

impl FromStr for Passphrase {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let length = text.chars().count();
        if (LEAST_CHARS..=MOST_CHARS).contains(&length) && !text.chars().any(char::is_control) {
            Ok(Self(text.to_owned()))
        } else {
            Err(ValueError::new(
                "must be 12 to 256 characters without control characters",
            ))
        }
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(hidden)")
    }
}

impl Passphrase {
    fn secret(&self) -> SecretString {
        SecretString::from(self.0.clone())
    }
}

pub(super) fn is_sealed(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

pub(super) fn encrypt(content: &[u8], passphrase: &Passphrase) -> std::io::Result<Vec<u8>> {
    let mut recipient = scrypt::Recipient::new(passphrase.secret());
    recipient.set_work_factor(WORK);
    age::encrypt(&recipient, content).map_err(std::io::Error::other)
}

pub(super) fn decrypt(sealed: &[u8], passphrase: &Passphrase) -> Result<Vec<u8>, OpenError> {
    let mut identity = scrypt::Identity::new(passphrase.secret());
    identity.set_max_work_factor(MOST_WORK);
    let decryptor = Decryptor::new_buffered(sealed).map_err(refused)?;
    let reader = decryptor
        .decrypt(std::iter::once(&identity as &dyn age::Identity))
        .map_err(refused)?;
    let mut content = Vec::new();
    reader
        .take(MOST_BYTES as u64 + 1)
        .read_to_end(&mut content)
        .map_err(|error| OpenError::Damaged(error.to_string()))?;
    if content.len() > MOST_BYTES {
        return Err(OpenError::TooLarge);
    }
    Ok(content)
}

fn refused(error: DecryptError) -> OpenError {
    match error {
        DecryptError::ExcessiveWork { .. } => OpenError::TooMuchWork,
        DecryptError::NoMatchingKeys
        | DecryptError::DecryptionFailed
        | DecryptError::KeyDecryptionFailed => OpenError::WrongPassphrase,
        other => OpenError::Damaged(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passphrase(text: &str) -> Passphrase {
        text.parse().unwrap()
    }

    #[test]
    fn only_the_passphrase_opens_it() {
        let sealed = encrypt(b"content", &passphrase("correct horse 42")).unwrap();
        assert!(is_sealed(&sealed));
        assert!(!sealed.windows(7).any(|found| found == b"content"));
        let opened = decrypt(&sealed, &passphrase("correct horse 42")).unwrap();
        assert_eq!(opened, b"content");
        let wrong = decrypt(&sealed, &passphrase("correct house 42")).unwrap_err();
        assert!(matches!(wrong, OpenError::WrongPassphrase), "{wrong}");
    }

    #[test]
    fn a_changed_or_cut_file_is_refused_whatever_byte_it_is() {
        let right = passphrase("correct horse 42");
        let sealed = encrypt(b"content", &right).unwrap();
        // Each costs the work of a passphrase.
        for position in (0..sealed.len()).step_by(43) {
            let mut changed = sealed.clone();
            changed[position] ^= 1;
            assert!(decrypt(&changed, &right).is_err(), "byte {position}");
        }
        assert!(decrypt(&sealed[..sealed.len() - 1], &right).is_err());
    }

    #[test]
    fn work_that_would_take_all_memory_is_not_begun() {
        let mut recipient = scrypt::Recipient::new(passphrase("correct horse 42").secret());
        recipient.set_work_factor(10);
        let sealed = age::encrypt(&recipient, b"content").unwrap();
        let text = String::from_utf8_lossy(&sealed[..100]).into_owned();
        let line = text.lines().nth(1).unwrap();
        let dear = line.strip_suffix(" 10").unwrap().to_owned() + " 30";
        let at = MAGIC.len();
        let changed = [MAGIC, dear.as_bytes(), &sealed[at + line.len()..]].concat();
        let refused = decrypt(&changed, &passphrase("correct horse 42")).unwrap_err();
        assert!(matches!(refused, OpenError::TooMuchWork), "{refused}");
    }

    #[test]
    fn a_short_passphrase_is_refused_and_none_is_ever_shown() {
        assert!("eleven char".parse::<Passphrase>().is_err());
        assert!("twelve\nchars".parse::<Passphrase>().is_err());
        assert_eq!(
            format!("{:?}", passphrase("correct horse 42")),
            "Passphrase(hidden)"
        );
    }
}
