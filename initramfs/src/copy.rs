//! Copies a part and judges it in the same pass, in constant memory: one thread reads ahead while the
//! other hashes and writes.

use std::io::{self, Read, Write};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use qx_slots::{Part, PartError, PartVerifier};
use thiserror::Error;

use crate::source::ALIGNMENT;

const BUFFERS: usize = 4;
const BUFFER_BYTES: usize = 512 * 1024;

/// Why a part could not be copied.
#[derive(Debug, Error)]
pub(crate) enum CopyError {
    #[error(transparent)]
    Part(#[from] PartError),
    #[error("{name} cannot be written to memory")]
    Write { name: String, source: io::Error },
}

/// Copies `source` to `target`. Calls `progress` with the length of every piece. Stops soon after the
/// expected length when the source is longer.
pub(crate) fn copy_verified(
    part: &Part,
    source: impl Read + Send,
    mut target: impl Write,
    mut progress: impl FnMut(u64),
) -> Result<(), CopyError> {
    let (full_sender, full) = sync_channel(BUFFERS);
    let (empty, empty_receiver) = sync_channel(BUFFERS);
    for _ in 0..BUFFERS {
        // Cannot fail: the receiver is right here.
        let _ = empty.send(Buffer::new());
    }
    thread::scope(|scope| {
        scope.spawn(move || read_ahead(source, &empty_receiver, &full_sender));
        let mut verifier = PartVerifier::new(part);
        for piece in full {
            let (mut buffer, length) = piece.map_err(|source| PartError::Read {
                name: part.name.clone(),
                offset: verifier.seen(),
                source,
            })?;
            let bytes = buffer.bytes().get(..length).unwrap_or_default();
            verifier.update(bytes);
            if verifier.seen() > part.size {
                break;
            }
            target.write_all(bytes).map_err(|source| CopyError::Write {
                name: part.name.clone(),
                source,
            })?;
            progress(length as u64);
            // The reader may be done already.
            let _ = empty.send(buffer);
        }
        drop(empty);
        Ok(verifier.finish()?)
    })
}

type Piece = io::Result<(Buffer, usize)>;

/// Memory that a disk can be read into directly: it begins at a multiple of [`ALIGNMENT`].
struct Buffer {
    memory: Vec<u8>,
    start: usize,
}

impl Buffer {
    fn new() -> Self {
        let memory = vec![0; BUFFER_BYTES + ALIGNMENT];
        let start = memory.as_ptr().align_offset(ALIGNMENT).min(ALIGNMENT);
        Self { memory, start }
    }

    fn bytes(&mut self) -> &mut [u8] {
        self.memory
            .get_mut(self.start..self.start + BUFFER_BYTES)
            .unwrap_or_default()
    }
}

/// Fills buffers until the end of the source, its first error, or nobody takes them any more.
fn read_ahead(mut source: impl Read, empty: &Receiver<Buffer>, full: &SyncSender<Piece>) {
    for mut buffer in empty {
        let piece = match fill(&mut source, buffer.bytes()) {
            Ok(0) => return,
            Ok(length) => Ok((buffer, length)),
            Err(error) => Err(error),
        };
        let failed = piece.is_err();
        if full.send(piece).is_err() || failed {
            return;
        }
    }
}

/// Reads until the buffer is full or the source ends.
fn fill(source: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while let Some(rest) = buffer.get_mut(length..).filter(|rest| !rest.is_empty()) {
        match source.read(rest) {
            Ok(0) => break,
            Ok(n) => length += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use qx_slots::{Hash, ROOT_PART};

    fn part_of(bytes: &[u8]) -> Part {
        Part {
            name: ROOT_PART.to_owned(),
            size: bytes.len() as u64,
            blake3: Hash::of(bytes),
        }
    }

    fn content(length: usize) -> Vec<u8> {
        (0..length).map(|i| (i ^ (i >> 9)) as u8).collect()
    }

    #[test]
    fn what_arrives_is_what_was_signed() {
        for length in [1, BUFFER_BYTES - 1, BUFFER_BYTES, 7 * BUFFER_BYTES + 3] {
            let bytes = content(length);
            let (mut target, mut seen) = (Vec::new(), 0);
            copy_verified(&part_of(&bytes), bytes.as_slice(), &mut target, |n| {
                seen += n
            })
            .unwrap();
            assert_eq!(target, bytes);
            assert_eq!(seen, length as u64);
        }
    }

    #[test]
    fn fifty_byte_flips_are_refused() {
        let bytes = content(3 * BUFFER_BYTES + 77);
        let part = part_of(&bytes);
        for i in 0..50 {
            let mut changed = bytes.clone();
            let offset = i * (bytes.len() - 1) / 49;
            changed[offset] ^= 0x10;
            let verdict = copy_verified(&part, changed.as_slice(), io::sink(), |_| {});
            let refused = matches!(verdict, Err(CopyError::Part(PartError::Hash { .. })));
            assert!(refused, "flip at {offset}");
        }
    }

    #[test]
    fn an_endless_source_ends() {
        let bytes = content(10);
        let source = bytes.chain(io::repeat(0));
        let mut target = Vec::new();
        let verdict = copy_verified(&part_of(&bytes), source, &mut target, |_| {});
        assert!(matches!(
            verdict,
            Err(CopyError::Part(PartError::Length { .. }))
        ));
        assert!(target.len() <= BUFFER_BYTES);
    }

    #[test]
    fn a_bad_sector_is_reported_with_its_place() {
        struct Bad;
        impl Read for Bad {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::from_raw_os_error(5))
            }
        }
        let bytes = content(4 * BUFFER_BYTES);
        let source = bytes[..2 * BUFFER_BYTES].chain(Bad);
        let verdict = copy_verified(&part_of(&bytes), source, io::sink(), |_| {});
        let Err(CopyError::Part(PartError::Read { offset, .. })) = verdict else {
            panic!("{verdict:?}")
        };
        assert_eq!(offset, 2 * BUFFER_BYTES as u64);
    }

    #[test]
    fn full_memory_is_told_apart_from_a_bad_source() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let bytes = content(9 * BUFFER_BYTES);
        let verdict = copy_verified(&part_of(&bytes), bytes.as_slice(), Full, |_| {});
        assert!(matches!(verdict, Err(CopyError::Write { .. })));
    }
}
