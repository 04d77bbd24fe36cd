//! The files of the certificate that HTTPS and gRPC are served with: `tls/key.pem` and `tls/cert.pem` below the
//! state directory. They change together: a boot after a power cut finds the old pair or the new one.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::durable;

const KEY: &str = "key.pem";
const CHAIN: &str = "cert.pem";

/// A certificate and its key.
#[derive(Clone, PartialEq, Eq)]
pub struct PemPair {
    /// The private key, PEM.
    pub key: String,
    /// The certificate, and those that lead from it to its authority, PEM.
    pub chain: String,
}

/// Where the pair lies.
#[derive(Debug, Clone)]
pub struct CertificateFiles {
    directory: PathBuf,
}

impl CertificateFiles {
    /// Below `state`, which is `/quantix` on the product.
    #[must_use]
    pub fn new(state: &Path) -> Self {
        Self {
            directory: state.join("tls"),
        }
    }

    /// The directory, for messages.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The pair; `None` when there is neither file. A replacement that a power cut broke off is finished first, or
    /// forgotten.
    ///
    /// # Errors
    /// When one of the two is missing or can't be read.
    pub fn read(&self) -> io::Result<Option<PemPair>> {
        self.settle()?;
        let (key, chain) = (self.directory.join(KEY), self.directory.join(CHAIN));
        if !key.exists() && !chain.exists() {
            return Ok(None);
        }
        Ok(Some(PemPair {
            key: text(&key)?,
            chain: text(&chain)?,
        }))
    }

    /// Puts a pair in the place of the one that is there, if there is one. From the moment on that the key is in its
    /// place, [`CertificateFiles::read`] finds the new pair, before that the old one.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn replace(&self, pair: &PemPair) -> io::Result<()> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.directory)?;
        let [next_key, next_chain] = [KEY, CHAIN].map(|name| self.next(name));
        durable::replace(&next_key, pair.key.as_bytes(), 0o600)?;
        durable::replace(&next_chain, pair.chain.as_bytes(), 0o644)?;
        self.take(&next_key, KEY)?;
        self.take(&next_chain, CHAIN)
    }

    /// Keeps a pair that can't be used beside the one that takes its place.
    ///
    /// # Errors
    /// When a file can't be renamed.
    pub fn set_aside(&self) -> io::Result<()> {
        for name in [KEY, CHAIN] {
            let path = self.directory.join(name);
            match fs::rename(&path, path.with_extension("pem.unusable")) {
                // One of them may be missing.
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        durable::sync_parent(&self.directory.join(KEY))
    }

    /// See [`CertificateFiles::replace`]: the key goes first.
    fn settle(&self) -> io::Result<()> {
        let [next_key, next_chain] = [KEY, CHAIN].map(|name| self.next(name));
        if next_key.exists() {
            // It was not decided.
            for path in [next_chain, next_key] {
                match fs::remove_file(path) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    _ => {}
                }
            }
        } else if next_chain.exists() {
            self.take(&next_chain, CHAIN)?;
        }
        Ok(())
    }

    fn next(&self, name: &str) -> PathBuf {
        self.directory.join(format!("{name}.next"))
    }

    fn take(&self, next: &Path, name: &str) -> io::Result<()> {
        let path = self.directory.join(name);
        fs::rename(next, &path)?;
        durable::sync_parent(&path)
    }
}

fn text(path: &Path) -> io::Result<String> {
    fs::read_to_string(path)
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn pair(text: &str) -> PemPair {
        PemPair {
            key: format!("key {text}"),
            chain: format!("chain {text}"),
        }
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_pair_is_replaced_whole_and_its_key_is_private() {
        let state = tempfile::tempdir().unwrap();
        let files = CertificateFiles::new(state.path());
        assert!(files.read().unwrap().is_none());
        for text in ["one", "two"] {
            files.replace(&pair(text)).unwrap();
            assert!(files.read().unwrap() == Some(pair(text)));
        }
        assert_eq!(mode(&state.path().join("tls/key.pem")), 0o600);
        assert_eq!(mode(&state.path().join("tls")), 0o700);
        assert_eq!(fs::read_dir(state.path().join("tls")).unwrap().count(), 2);
    }

    #[test]
    fn a_power_cut_leaves_the_old_pair_or_the_new_one() {
        let state = tempfile::tempdir().unwrap();
        let files = CertificateFiles::new(state.path());
        let tls = state.path().join("tls");
        // What is on the disk after each step of `replace`, and the pair that is found then.
        let steps: [(&[(&str, &str)], &str); 4] = [
            (&[("key.pem.next", "key two")], "one"),
            (
                &[("key.pem.next", "key two"), ("cert.pem.next", "chain two")],
                "one",
            ),
            (
                &[("key.pem", "key two"), ("cert.pem.next", "chain two")],
                "two",
            ),
            (&[("key.pem", "key two"), ("cert.pem", "chain two")], "two"),
        ];
        for (written, found) in steps {
            files.replace(&pair("one")).unwrap();
            for (name, text) in written {
                fs::write(tls.join(name), text).unwrap();
            }
            assert!(files.read().unwrap() == Some(pair(found)), "{written:?}");
            assert_eq!(fs::read_dir(&tls).unwrap().count(), 2, "{written:?}");
        }
    }

    #[test]
    fn half_a_pair_is_told_and_kept_aside() {
        let state = tempfile::tempdir().unwrap();
        let files = CertificateFiles::new(state.path());
        files.replace(&pair("one")).unwrap();
        fs::remove_file(state.path().join("tls/cert.pem")).unwrap();
        let Err(error) = files.read() else {
            panic!("half a pair was read")
        };
        assert!(error.to_string().contains("tls/cert.pem"), "{error}");
        files.set_aside().unwrap();
        assert!(files.read().unwrap().is_none());
        let kept = fs::read_to_string(state.path().join("tls/key.pem.unusable"));
        assert_eq!(kept.unwrap(), "key one");
    }
}
