//! A partition as `fatfs` wants it: it reads and writes a few bytes at a time, all over the place. What it touches is kept
//! in memory until it is to be on the medium: a few MiB of a partition with boot programs.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;

const BLOCK: usize = 64 << 10;

pub(super) struct Blocks {
    file: File,
    position: u64,
    /// By where they begin.
    blocks: BTreeMap<u64, Block>,
}

struct Block {
    /// Shorter at the end of the partition.
    bytes: Vec<u8>,
    changed: bool,
}

impl Blocks {
    pub(super) const fn new(file: File) -> Self {
        Self {
            file,
            position: 0,
            blocks: BTreeMap::new(),
        }
    }

    /// Returns when everything is on the medium. What is read afterwards is read anew.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        self.store()?;
        self.blocks.clear();
        self.file.sync_all()
    }

    fn store(&mut self) -> io::Result<()> {
        for (start, block) in &mut self.blocks {
            if block.changed {
                self.file.write_all_at(&block.bytes, *start)?;
                block.changed = false;
            }
        }
        Ok(())
    }

    /// The block that the position lies in, and where in it.
    fn here(&mut self) -> io::Result<(&mut Block, usize)> {
        let within = self.position % BLOCK as u64;
        let start = self.position - within;
        let block = match self.blocks.entry(start) {
            Entry::Occupied(block) => block.into_mut(),
            Entry::Vacant(place) => {
                let mut bytes = vec![0; BLOCK];
                let length = read_block(&self.file, start, &mut bytes)?;
                bytes.truncate(length);
                let changed = false;
                place.insert(Block { bytes, changed })
            }
        };
        Ok((block, usize::try_from(within).unwrap_or(BLOCK)))
    }
}

/// How much there was.
fn read_block(file: &File, start: u64, block: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while let Some(rest @ [_, ..]) = block.get_mut(length..) {
        match file.read_at(rest, start + length as u64) {
            Ok(0) => break,
            Ok(count) => length += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}

impl Read for Blocks {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let (block, within) = self.here()?;
        let count = block.bytes.get(within..).unwrap_or_default().read(bytes)?;
        self.position += count as u64;
        Ok(count)
    }
}

impl Write for Blocks {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let (block, within) = self.here()?;
        let mut rest = block.bytes.get_mut(within..).unwrap_or_default();
        let count = rest.write(bytes)?;
        block.changed |= count > 0;
        self.position += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.store()
    }
}

impl Seek for Blocks {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.position = match to {
            SeekFrom::Current(by) => self
                .position
                .checked_add_signed(by)
                .ok_or(io::ErrorKind::InvalidInput)?,
            SeekFrom::Start(at) => at,
            SeekFrom::End(_) => self.file.seek(to)?,
        };
        Ok(self.position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::OpenOptions;
    use std::io::Cursor;

    use proptest::prelude::*;

    const LENGTH: usize = 2 * BLOCK + 1000;

    #[derive(Debug, Clone)]
    enum Does {
        Reads(usize, usize),
        Writes(usize, Vec<u8>),
        Syncs,
    }

    fn does() -> impl Strategy<Value = Does> {
        // Around the ends of blocks and of the file.
        let at = prop_oneof![0..LENGTH, BLOCK - 20..BLOCK + 20, LENGTH - 20..LENGTH];
        prop_oneof![
            (at.clone(), 1..2000usize).prop_map(|(at, count)| Does::Reads(at, count)),
            (at, prop::collection::vec(any::<u8>(), 1..2000))
                .prop_map(|(at, bytes)| Does::Writes(at, bytes)),
            Just(Does::Syncs),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn it_reads_and_writes_like_memory_of_the_same_length(
            steps in prop::collection::vec(does(), 1..40),
        ) {
            let path = tempfile::NamedTempFile::new().unwrap();
            path.as_file().set_len(LENGTH as u64).unwrap();
            let file = OpenOptions::new().read(true).write(true).open(path.path()).unwrap();
            let mut blocks = Blocks::new(file);
            let mut memory = vec![0; LENGTH];
            for step in steps {
                match step {
                    Does::Reads(at, count) => {
                        let end = LENGTH.min(at + count);
                        let mut found = vec![0; end - at];
                        blocks.seek(SeekFrom::Start(at as u64)).unwrap();
                        blocks.read_exact(&mut found).unwrap();
                        prop_assert_eq!(&found, &memory[at..end]);
                    }
                    Does::Writes(at, bytes) => {
                        let mut expected = Cursor::new(memory.as_mut_slice());
                        expected.set_position(at as u64);
                        let fits = expected.write_all(&bytes).is_ok();
                        blocks.seek(SeekFrom::Start(at as u64)).unwrap();
                        prop_assert_eq!(blocks.write_all(&bytes).is_ok(), fits);
                    }
                    Does::Syncs => blocks.sync().unwrap(),
                }
            }
            blocks.flush().unwrap();
            prop_assert!(std::fs::read(path.path()).unwrap() == memory);
        }
    }

    #[test]
    fn it_ends_where_the_file_does() {
        let file = tempfile::tempfile().unwrap();
        file.set_len(10).unwrap();
        let mut blocks = Blocks::new(file);
        assert_eq!(blocks.seek(SeekFrom::End(-3)).unwrap(), 7);
        let mut rest = Vec::new();
        assert_eq!(blocks.read_to_end(&mut rest).unwrap(), 3);
        assert_eq!(blocks.write(b"x").unwrap(), 0);
        blocks.seek(SeekFrom::Current(-11)).unwrap_err();
    }
}
