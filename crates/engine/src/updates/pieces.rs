//! Bytes on their way between threads that block and tasks that do not.

use std::io::{self, Read};

use bytes::{Buf, Bytes, BytesMut};
use futures_util::{Stream, StreamExt, stream};
use tokio::sync::mpsc;

/// Bytes of a piece on its way to the thread, about: every piece costs a change between threads.
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

/// What a connection brings, a few KiB at a time, as larger pieces. What came before an error goes before it.
pub(super) fn gathered(
    body: impl Stream<Item = io::Result<Bytes>> + Send,
) -> impl Stream<Item = io::Result<Bytes>> + Send {
    let body = Box::pin(body.fuse());
    stream::unfold((body, None), |(mut body, broken)| async {
        if let Some(error) = broken {
            return Some((Err(error), (body, None)));
        }
        let mut piece = BytesMut::new();
        while piece.len() < PIECE {
            match body.next().await {
                Some(Ok(bytes)) => piece.extend_from_slice(&bytes),
                Some(Err(error)) if piece.is_empty() => return Some((Err(error), (body, None))),
                Some(Err(error)) => return Some((Ok(piece.freeze()), (body, Some(error)))),
                None if piece.is_empty() => return None,
                None => break,
            }
        }
        Some((Ok(piece.freeze()), (body, None)))
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
    async fn crumbs_are_gathered_and_none_is_lost_before_an_error() {
        let crumbs = (0..PIECE).map(|i| Ok(Bytes::from(vec![i as u8; 3])));
        let broken = || io::Error::other("the line is gone");
        let body = stream::iter(crumbs.chain([Err(broken())]));
        let gathered: Vec<_> = gathered(body).collect().await;
        let (last, pieces) = gathered.split_last().unwrap();
        assert_eq!(last.as_ref().unwrap_err().to_string(), "the line is gone");
        let whole: Vec<u8> = pieces
            .iter()
            .flat_map(|piece| piece.as_ref().unwrap().to_vec())
            .collect();
        assert!(
            whole
                .iter()
                .enumerate()
                .all(|(i, byte)| *byte == (i / 3) as u8)
        );
        assert_eq!((whole.len(), pieces.len()), (3 * PIECE, 3));
        let none: Vec<_> = super::gathered(stream::iter([])).collect().await;
        assert!(none.is_empty());
    }

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
