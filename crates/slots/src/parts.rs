//! Holds a part's bytes against the manifest while they stream by.

use std::io::{self, Read};
use std::thread;

use rayon::ThreadPoolBuilder;
use thiserror::Error;

use crate::{Hash, Part};

/// Why a part was refused.
#[derive(Debug, Error)]
pub enum PartError {
    /// The file ends early or goes on too long.
    #[error("{name} is {actual} bytes long, the manifest says {expected}")]
    Length {
        /// The part.
        name: String,
        /// What the manifest says.
        expected: u64,
        /// What was read; counting stops soon after the expected length.
        actual: u64,
    },
    /// The content is not what was signed.
    #[error("{name} was changed: its hash is {actual}, the manifest says {expected}")]
    Hash {
        /// The part.
        name: String,
        /// What the manifest says.
        expected: Hash,
        /// What was read.
        actual: Hash,
    },
    /// The bytes could not be read.
    #[error("{name} cannot be read after {offset} bytes")]
    Read {
        /// The part.
        name: String,
        /// How much was read before.
        offset: u64,
        /// What the reader said.
        source: io::Error,
    },
}

/// Hashes a part's bytes as they come and judges them at the end.
#[derive(Debug)]
pub struct PartVerifier<'a> {
    part: &'a Part,
    hasher: blake3::Hasher,
    seen: u64,
}

impl<'a> PartVerifier<'a> {
    /// Starts with nothing seen.
    #[must_use]
    pub fn new(part: &'a Part) -> Self {
        Self {
            part,
            hasher: blake3::Hasher::new(),
            seen: 0,
        }
    }

    /// Takes the next bytes of the file. What follows the expected length is counted, not hashed.
    pub fn update(&mut self, bytes: &[u8]) {
        self.seen += bytes.len() as u64;
        if self.seen <= self.part.size {
            self.hasher.update(bytes);
        }
    }

    /// As [`update`](Self::update), by all threads of the pool that this runs in.
    fn update_together(&mut self, bytes: &[u8]) {
        self.seen += bytes.len() as u64;
        if self.seen <= self.part.size {
            self.hasher.update_rayon(bytes);
        }
    }

    /// How many bytes were seen.
    #[must_use]
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// The verdict, once the file has ended.
    ///
    /// # Errors
    /// When length or hash differ from the manifest.
    pub fn finish(self) -> Result<(), PartError> {
        let name = || self.part.name.clone();
        if self.seen != self.part.size {
            return Err(PartError::Length {
                name: name(),
                expected: self.part.size,
                actual: self.seen,
            });
        }
        let actual = Hash::from(self.hasher.finalize());
        if actual != self.part.blake3 {
            return Err(PartError::Hash {
                name: name(),
                expected: self.part.blake3,
                actual,
            });
        }
        Ok(())
    }
}

/// Bytes that are hashed at once by several threads: fewer are not worth waking them.
const BLOCK: usize = 1 << 20;
/// Threads that hash, at most: a host has other things to do.
const THREADS: usize = 4;

/// Reads a part to its end, in constant memory, and judges it. Reading stops as soon as the part is
/// longer than it may be.
///
/// # Errors
/// When it cannot be read, or differs from the manifest.
pub fn verify_part(part: &Part, mut reader: impl Read) -> Result<(), PartError> {
    let threads = thread::available_parallelism().map_or(1, |count| count.get().min(THREADS));
    // They end with this function. Without them, this thread hashes.
    let pool = ThreadPoolBuilder::new().num_threads(threads).build().ok();
    let mut verifier = PartVerifier::new(part);
    let mut buffer = vec![0; BLOCK];
    while verifier.seen() <= part.size {
        match reader.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => {
                let block = buffer.get(..n).unwrap_or_default();
                match &pool {
                    Some(pool) => pool.install(|| verifier.update_together(block)),
                    None => verifier.update(block),
                }
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(source) => {
                let (name, offset) = (part.name.clone(), verifier.seen());
                return Err(PartError::Read {
                    name,
                    offset,
                    source,
                });
            }
        }
    }
    verifier.finish()
}
