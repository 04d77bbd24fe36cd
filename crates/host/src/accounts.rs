//! Root's password: checking it, hashing a new one, putting a hash into the text of `/etc/shadow`.
//! Passwords are never logged and never part of an error.

use std::fs;
use std::path::{Path, PathBuf};

use sha_crypt::{PasswordHasher as _, PasswordVerifier as _, ShaCrypt};
use yescrypt::Yescrypt;

use crate::config::ValueError;

/// Longest password that is looked at, in bytes: more is no safer and costs time.
const MOST_PASSWORD_BYTES: usize = 256;
/// Shortest password that may be set, in characters.
const LEAST_PASSWORD_CHARS: usize = 8;
/// Most rounds of SHA-crypt; some seconds on slow hardware.
const MOST_ROUNDS: u32 = 1_000_000;
/// Rounds for a password that is random already: the fewest that crypt(5) allows. Every boot pays for them.
const ONE_TIME_ROUNDS: u32 = 1000;
/// Most memory that a yescrypt hash may ask for; the usual ones take 16 MiB.
const MOST_YESCRYPT_BYTES: u64 = 64 << 20;
/// Characters of a one-time password: none that look alike.
const UNAMBIGUOUS: &[u8] = b"abcdefghjkmnpqrstuvwxyz23456789";

/// Why an operation on the root account failed.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// The shadow file could not be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Root's hash is of a kind that is not supported.
    #[error("root's password hash in {path} is not SHA-crypt or yescrypt; set the password again")]
    Unsupported {
        /// The file.
        path: PathBuf,
    },
    /// Hashing failed.
    #[error("cannot hash the password: {0}")]
    Hash(String),
    /// The system gave no random numbers.
    #[error("the system gives no random numbers: {0}")]
    Random(getrandom::Error),
}

/// Whether `password` is root's, by the shadow file at `shadow` (`/etc/shadow` on the product). A locked
/// or empty entry matches nothing. Takes the time of one hash; the comparison is constant-time.
///
/// # Errors
/// When the file cannot be read or holds a hash of an unknown kind.
pub fn verify_root_password(shadow: &Path, password: &str) -> Result<bool, AccountError> {
    let text = fs::read_to_string(shadow).map_err(|source| AccountError::Read {
        path: shadow.to_owned(),
        source,
    })?;
    let Some(hash) = root_hash(&text) else {
        return Ok(false);
    };
    if hash.is_empty() || hash.starts_with(['!', '*']) || password.len() > MOST_PASSWORD_BYTES {
        return Ok(false);
    }
    if !is_affordable_hash(hash) {
        return Err(AccountError::Unsupported {
            path: shadow.to_owned(),
        });
    }
    Ok(verify(password, hash))
}

/// Whether root has a password by the shadow file at `shadow`; not when it is locked, empty or unreadable.
#[must_use]
pub fn root_can_log_in(shadow: &Path) -> bool {
    let text = fs::read_to_string(shadow).unwrap_or_default();
    root_hash(&text).is_some_and(|hash| !hash.is_empty() && !hash.starts_with(['!', '*']))
}

/// Whether `password` belongs to `hash`, which [`hash_password`] made. Without a hash it takes as long, and
/// is false: so its time does not tell which accounts exist.
#[must_use]
pub fn verify_password(password: &str, hash: Option<&str>) -> bool {
    /// Of a password that nobody has.
    const NOBODY: &str = "$y$j9T$saltsaltsaltsalt$VnU4pN6WzZTHef2UI1V5FowldPXscAxGG2sWw7pQgY8";
    let checked = hash.unwrap_or(NOBODY);
    let fits = password.len() <= MOST_PASSWORD_BYTES && verify(password, checked);
    fits && hash.is_some_and(is_affordable_hash)
}

fn root_hash(shadow: &str) -> Option<&str> {
    shadow
        .lines()
        .find_map(|line| line.strip_prefix("root:"))
        .and_then(|rest| rest.split(':').next())
}

fn verify(password: &str, hash: &str) -> bool {
    if hash.starts_with("$y$") {
        Yescrypt::default()
            .verify_password(password.as_bytes(), hash)
            .is_ok()
    } else {
        ShaCrypt::default()
            .verify_password(password.as_bytes(), hash)
            .is_ok()
    }
}

/// Whether a hash is of a known kind and checking a password against it takes bounded time and memory.
pub(crate) fn is_affordable_hash(hash: &str) -> bool {
    let mut fields = hash.split('$');
    let (Some(""), Some(kind)) = (fields.next(), fields.next()) else {
        return false;
    };
    let fields: Vec<&str> = fields.collect();
    match (kind, fields.as_slice()) {
        ("5" | "6", [salt, digest]) => !salt.is_empty() && digest.len() == sha_digits(kind),
        ("5" | "6", [rounds, salt, digest]) => {
            let rounds = rounds
                .strip_prefix("rounds=")
                .and_then(|n| n.parse::<u32>().ok());
            rounds.is_some_and(|n| (1000..=MOST_ROUNDS).contains(&n))
                && !salt.is_empty()
                && digest.len() == sha_digits(kind)
        }
        ("y", [params, salt, digest]) => {
            let cost = params.parse::<yescrypt::Params>().ok().and_then(|params| {
                params
                    .n()
                    .checked_mul(u64::from(params.r()))?
                    .checked_mul(128)
            });
            cost.is_some_and(|bytes| bytes <= MOST_YESCRYPT_BYTES)
                && !salt.is_empty()
                && digest.len() == 43
        }
        _ => false,
    }
}

fn sha_digits(kind: &str) -> usize {
    if kind == "5" { 43 } else { 86 }
}

/// Whether a password may be set.
///
/// # Errors
/// A sentence that says what a good one looks like.
pub fn check_password(password: &str) -> Result<(), ValueError> {
    let long_enough = password.chars().count() >= LEAST_PASSWORD_CHARS;
    let short_enough = password.len() <= MOST_PASSWORD_BYTES;
    if long_enough && short_enough && !password.chars().any(char::is_control) {
        Ok(())
    } else {
        Err(ValueError::new(
            "must be 8 to 256 characters without control characters",
        ))
    }
}

/// A yescrypt hash of a password that a person chose.
///
/// # Errors
/// When the system gives no random numbers for the salt.
pub fn hash_password(password: &str) -> Result<String, AccountError> {
    let mut salt = [0; 16];
    getrandom::fill(&mut salt).map_err(AccountError::Random)?;
    let hash = Yescrypt::default().hash_password_with_salt(password.as_bytes(), &salt);
    hash.map(|hash| hash.as_str().to_owned())
        .map_err(|error| AccountError::Hash(error.to_string()))
}

/// A SHA-512-crypt hash, which every Linux guest knows. The same for the same password and salt.
///
/// # Errors
/// None that is known of: what the library may answer is passed on.
pub fn guest_hash(password: &str, salt: [u8; 12]) -> Result<String, AccountError> {
    let hash = ShaCrypt::new(
        sha_crypt::Algorithm::Sha512Crypt,
        sha_crypt::Params::default(),
    )
    .hash_password_with_salt(password.as_bytes(), &salt);
    hash.map(|hash| hash.as_str().to_owned())
        .map_err(|error| AccountError::Hash(error.to_string()))
}

/// A password for one boot and its SHA-512-crypt hash (quicker than yescrypt, and enough for 79 random
/// bits): four groups of four unambiguous characters.
///
/// # Errors
/// When the system gives no random numbers.
pub fn one_time_password() -> Result<(String, String), AccountError> {
    let mut password = String::with_capacity(19);
    for position in 0..16 {
        if position > 0 && position % 4 == 0 {
            password.push('-');
        }
        password.push(random_character()?);
    }
    let mut salt = [0; 12];
    getrandom::fill(&mut salt).map_err(AccountError::Random)?;
    let rounds = sha_crypt::Params::new(ONE_TIME_ROUNDS)
        .map_err(|error| AccountError::Hash(error.to_string()))?;
    let hash = ShaCrypt::new(sha_crypt::Algorithm::Sha512Crypt, rounds)
        .hash_password_with_salt(password.as_bytes(), &salt)
        .map_err(|error| AccountError::Hash(error.to_string()))?;
    Ok((password, hash.as_str().to_owned()))
}

fn random_character() -> Result<char, AccountError> {
    loop {
        let mut byte = [0];
        getrandom::fill(&mut byte).map_err(AccountError::Random)?;
        // Five bits, those beyond the alphabet drawn again: every character is equally likely.
        if let Some(character) = UNAMBIGUOUS.get(usize::from(byte[0] & 31)) {
            return Ok(char::from(*character));
        }
    }
}

/// The text of a shadow file with root's hash replaced, or root's line added.
#[must_use]
pub fn with_root_hash(shadow: &str, hash: &str) -> String {
    let mut out = String::with_capacity(shadow.len() + hash.len());
    let mut found = false;
    for line in shadow.lines() {
        match line.strip_prefix("root:") {
            Some(_) if found => continue,
            Some(rest) => {
                found = true;
                let after = rest
                    .split_once(':')
                    .map_or("0:0:99999:7:::", |(_, after)| after);
                out.push_str(&format!("root:{hash}:{after}"));
            }
            None => out.push_str(line),
        }
        out.push('\n');
    }
    if !found {
        out.insert_str(0, &format!("root:{hash}:0:0:99999:7:::\n"));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made with `openssl passwd -6 -salt saltsalt pleaseletmein` and `-5`, and by libxcrypt.
    const SHA512: &str = "$6$saltsalt$DLp8rqDDHzc62TRLuxE5lcA2jU4ooYgB5qhgj93CCSodCdlvlztlsC7G9KOBGply41pz2hdr1kPFUxI9lc1F91";
    const SHA256: &str = "$5$saltsalt$yUdLSqlVpW6VnN.cxyOKylX27BiDGmQgXoEaST5kgR1";

    const YESCRYPT: &str = "$y$j9T$saltsaltsaltsalt$VnU4pN6WzZTHef2UI1V5FowldPXscAxGG2sWw7pQgY8";

    fn shadow_of(hash: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        let text = format!("daemon:*:1:0:99999:7:::\nroot:{hash}:20000:0:99999:7:::\n");
        fs::write(file.path(), text).unwrap();
        file
    }

    #[test]
    fn hashes_of_other_programs_verify() {
        for hash in [SHA512, SHA256, YESCRYPT] {
            let file = shadow_of(hash);
            assert!(
                verify_root_password(file.path(), "pleaseletmein").unwrap(),
                "{hash}"
            );
            assert!(
                !verify_root_password(file.path(), "pleaseletmeim").unwrap(),
                "{hash}"
            );
            assert!(!verify_root_password(file.path(), "").unwrap(), "{hash}");
        }
    }

    #[test]
    fn our_own_hashes_verify() {
        let yescrypt = hash_password("correct horse").unwrap();
        assert!(yescrypt.starts_with("$y$"));
        assert!(verify_root_password(shadow_of(&yescrypt).path(), "correct horse").unwrap());
        assert!(!verify_root_password(shadow_of(&yescrypt).path(), "correct house").unwrap());
        assert!(verify_password("correct horse", Some(&yescrypt)));
        assert!(!verify_password("correct house", Some(&yescrypt)));
        assert!(!verify_password("pleaseletmein", None));
        let (password, hash) = one_time_password().unwrap();
        assert!(hash.starts_with("$6$"));
        assert!(verify_root_password(shadow_of(&hash).path(), &password).unwrap());
    }

    #[test]
    fn a_locked_empty_or_absent_entry_matches_nothing() {
        for hash in ["", "!", "*", "!*", &format!("!{SHA512}")] {
            let file = shadow_of(hash);
            assert!(!verify_root_password(file.path(), "").unwrap(), "{hash:?}");
            assert!(
                !verify_root_password(file.path(), "pleaseletmein").unwrap(),
                "{hash:?}"
            );
            assert!(!root_can_log_in(file.path()), "{hash:?}");
        }
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "toor:x:::::::\n").unwrap();
        assert!(!verify_root_password(file.path(), "").unwrap());
    }

    #[test]
    fn a_hash_that_would_cost_too_much_is_refused() {
        let dear = SHA512.replace("$6$", "$6$rounds=900000000$");
        assert!(verify_root_password(shadow_of(&dear).path(), "x").is_err());
        let parameters = yescrypt::Params::new(yescrypt::Mode::default(), 1 << 40, 32, 1).unwrap();
        let hash = format!("$y${parameters}$saltsalt${}", "a".repeat(43));
        assert!(verify_root_password(shadow_of(&hash).path(), "x").is_err());
        assert!(!is_affordable_hash("$1$salt$x") && !is_affordable_hash("plain"));
    }

    #[test]
    fn one_time_passwords_are_four_unambiguous_groups_and_differ() {
        let (first, _) = one_time_password().unwrap();
        let (second, _) = one_time_password().unwrap();
        assert_ne!(first, second);
        let groups: Vec<&str> = first.split('-').collect();
        assert!(groups.len() == 4 && groups.iter().all(|group| group.len() == 4));
        assert!(first.bytes().all(|b| b == b'-' || UNAMBIGUOUS.contains(&b)));
    }

    #[test]
    fn only_roots_hash_changes_in_the_shadow_file() {
        let before = "root:*:20000:0:99999:7:::\nbin:!:1::::::\nroot:x:::::::\n";
        let after = with_root_hash(before, "$6$s$h");
        assert_eq!(after, "root:$6$s$h:20000:0:99999:7:::\nbin:!:1::::::\n");
        assert_eq!(with_root_hash("", "h"), "root:h:0:0:99999:7:::\n");
        assert_eq!(
            with_root_hash("root\n", "h"),
            "root:h:0:0:99999:7:::\nroot\n"
        );
    }
}
