//! What more than one file of tests needs.

use std::io::Read;

use qx_slots::{Part, PartError, PartVerifier};

/// The verdict on a part that is read to its end, or until it is longer than it may be.
pub(crate) fn verify_part(part: &Part, mut reader: impl Read) -> Result<(), PartError> {
    let mut verifier = PartVerifier::new(part);
    let mut buffer = [0; 4096];
    while verifier.seen() <= part.size {
        match reader.read(&mut buffer).expect("test data can be read") {
            0 => break,
            count => verifier.update(&buffer[..count]),
        }
    }
    verifier.finish()
}
