//! What looks like a secret is taken out of a text: private keys, password hashes, API tokens, passwords in URLs and
//! in `name=value`. A second line of defence: files that hold nothing but secrets are not read in the first place.

use std::sync::LazyLock;

use regex::{Captures, Regex};

const LEFT_OUT: &str = "[left out]";

/// Group 1 is kept in front, group 2 behind.
const PATTERNS: [&str; 5] = [
    // PEM, also inside of JSON.
    r"(?s)()-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|\z)()",
    // crypt(5).
    r"()\$(?:[1-9][a-z]?|g?y|argon2[a-z]*)\$[./A-Za-z0-9$=,+-]{8,}()",
    // API tokens of this product, and private keys of age.
    r"()(?:qxt_[A-Za-z0-9]+|AGE-SECRET-KEY-[A-Z0-9-]+)()",
    // RFC 3986, section 3.2.1.
    r#"(://)[^\s/@"'<>]+(@)"#,
    r#"(?i)((?:password|passwd|passphrase|secret)"?[=:]\s?"?)[^\s"',;&\[]+()"#,
];

static COMPILED: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    let compile = |pattern: &&str| Regex::new(pattern).ok();
    PATTERNS.iter().filter_map(compile).collect()
});

/// The text without what looks like a secret.
#[must_use]
pub fn redact(text: &str) -> String {
    COMPILED.iter().fold(text.to_owned(), |text, pattern| {
        let replace = |found: &Captures<'_>| format!("{}{LEFT_OUT}{}", &found[1], &found[2]);
        pattern.replace_all(&text, replace).into_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_is_one() {
        assert_eq!(COMPILED.len(), PATTERNS.len());
    }

    #[test]
    fn secrets_go_and_the_rest_stays() {
        for (text, left) in [
            (
                "a\n-----BEGIN EC PRIVATE KEY-----\nMII\n-----END EC PRIVATE KEY-----\nb",
                "a\n[left out]\nb",
            ),
            ("-----BEGIN PRIVATE KEY-----\nMII, cut off", "[left out]"),
            (
                r#"{"key":"-----BEGIN PRIVATE KEY-----\nMII\n-----END PRIVATE KEY-----\n"}"#,
                r#"{"key":"[left out]\n"}"#,
            ),
            (
                "root:$6$saltsalt$DLp8rqDDHzc62TRL.:20000",
                "root:[left out]:20000",
            ),
            ("x $y$j9T$abc$defghijk y", "x [left out] y"),
            ("bearer qxt_0123456789abcdef.", "bearer [left out]."),
            ("AGE-SECRET-KEY-1QQPQ", "[left out]"),
            (
                "proxy http://me:pass@proxy:3128/ ok",
                "proxy http://[left out]@proxy:3128/ ok",
            ),
            (
                "login password=hunter2 user=me",
                "login password=[left out] user=me",
            ),
            (
                r#""passphrase": "correct","x":1"#,
                r#""passphrase": "[left out]","x":1"#,
            ),
        ] {
            assert_eq!(redact(text), left);
        }
        for harmless in [
            "-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n",
            "mail me@example.org, see https://example.org/a@b",
            "the password was changed; costs $5 and $10",
            "password: [left out]",
        ] {
            assert_eq!(redact(harmless), harmless);
        }
    }
}
