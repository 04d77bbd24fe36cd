//! Bytes on their way between threads that block and tasks that do not.

use std::io::{self, Read};

use bytes::{Buf, Bytes};
use futures_util::{Stream, stream};
use tokio::sync::mpsc;

/// Bytes of a piece that is read on this host.
const PIECE: usize = 256 << 10;

/// What a file or a server of this host's choice says, as pieces. It is read on a thread of its own, which ends
/// soon after nobody wants the next piece.
pub(super) fn pieces_of(
    mut reader: impl Read + Send + 'static,
) -> impl Stream<Item = io::Result<Bytes>> + Send {
    let (sender, pieces) = mpsc::channel(2);
    tokio::task::spawn_blocking(move || {
        loop {
            let mut piece = vec![0; PIECE];
            let read = match reader.read(&mut piece) {
                Ok(0) => return,
                Ok(count) => {
                    piece.truncate(count);
                    Ok(Bytes::from(piece))
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => Err(error),
            };
            let failed = read.is_err();
            if sender.blocking_send(read).is_err() || failed {
                return;
            }
        }
    });
    stream::unfold(pieces, |mut pieces| async {
        pieces.recv().await.map(|piece| (piece, pieces))
    })
}

/// The bundle as the thread reads it: pieces as they arrive, ending when nobody can send any more.
pub(super) struct Pieces {
    pieces: mpsc::Receiver<io::Result<Bytes>>,
    piece: Bytes,
}

impl Pieces {
    pub(super) const fn new(pieces: mpsc::Receiver<io::Result<Bytes>>) -> Self {
        Self {
            pieces,
            piece: Bytes::new(),
        }
    }
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while !self.piece.has_remaining() {
            match self.pieces.blocking_recv() {
                Some(piece) => self.piece = piece?,
                None => return Ok(0),
            }
        }
        let count = buffer.len().min(self.piece.remaining());
        let (filled, _) = buffer.split_at_mut(count);
        self.piece.copy_to_slice(filled);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt;

    use super::*;

    #[tokio::test]
    async fn a_file_comes_in_pieces_and_an_error_is_the_last_of_them() {
        struct Failing;
        impl Read for Failing {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("the disk is gone"))
            }
        }
        let whole = vec![7; PIECE + 1];
        let reader = Read::chain(io::Cursor::new(whole.clone()), Failing);
        let mut pieces = Box::pin(pieces_of(reader));
        let mut read = Vec::new();
        let error = loop {
            match pieces.next().await.unwrap() {
                Ok(piece) => read.extend_from_slice(&piece),
                Err(error) => break error,
            }
        };
        assert!(read == whole && error.to_string() == "the disk is gone");
        assert!(pieces.next().await.is_none());
    }

    #[test]
    fn pieces_are_read_to_the_last_byte_and_end_when_nobody_sends_any_more() {
        let (sender, pieces) = mpsc::channel(4);
        for piece in ["ab", "", "cde"] {
            sender.blocking_send(Ok(Bytes::from(piece))).unwrap();
        }
        drop(sender);
        let mut reader = Pieces::new(pieces);
        let mut one = [0];
        assert_eq!(reader.read(&mut one).unwrap(), 1);
        let mut rest = String::new();
        reader.read_to_string(&mut rest).unwrap();
        assert_eq!((&one, rest.as_str()), (b"a", "bcde"));
    }
}
