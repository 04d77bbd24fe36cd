//! Files in a guest, piece by piece: each piece opens the file and closes it, so that nothing stays open in the
//! guest when nobody asks for more.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use qx_model::access::{Actor, Operation};
use qx_model::guest::{FilePiece, LARGEST_PIECE, check_path, check_piece};
use qx_model::vm::VmId;
use serde_json::{Value, json};

use super::answers::{Nothing, Piece, Written};
use super::talk::Talk;
use super::{LARGEST, LATER, SOON, refuse};
use crate::error::{Error, Result};
use crate::vms::Vms;

/// Most bytes that the agent is asked for or given at once.
const CHUNK: usize = 64 << 10;

impl Vms {
    /// Bytes of a file, from `offset` on, at most `length` and [`LARGEST_PIECE`].
    pub async fn read_guest_file(
        &self,
        actor: &Actor,
        id: VmId,
        path: String,
        offset: u64,
        length: Option<usize>,
    ) -> Result<FilePiece> {
        self.guest_change(actor, Operation::GuestFileRead, id, async {
            let mut broken = Vec::new();
            check_path(&path, &mut broken);
            let length = length.unwrap_or(LARGEST_PIECE);
            check_piece(length, "length", &mut broken);
            refuse(broken)?;
            let offset = i64::try_from(offset);
            let offset = offset.map_err(|_| Error::field("offset", "is too large"))?;
            let talk = self.talk(id, SOON).await?;
            let file = talk.open(&path, "rb").await?;
            let read = talk.read_from(file, offset, length).await;
            talk.closed(file, read).await
        })
        .await
    }

    /// Writes a file anew, or what comes after its present end.
    pub async fn write_guest_file(
        &self,
        actor: &Actor,
        id: VmId,
        path: String,
        data: Vec<u8>,
        append: bool,
    ) -> Result<()> {
        self.guest_change(actor, Operation::GuestFileWrite, id, async {
            let mut broken = Vec::new();
            check_path(&path, &mut broken);
            check_piece(data.len(), "data", &mut broken);
            refuse(broken)?;
            let talk = self.talk(id, SOON).await?;
            let file = talk.open(&path, if append { "ab" } else { "wb" }).await?;
            let written = talk.write_all(file, &data).await;
            talk.closed(file, written).await
        })
        .await
    }
}

impl Talk<'_> {
    async fn open(&self, path: &str, mode: &str) -> Result<i64> {
        let wish = json!({ "path": path, "mode": mode });
        self.ask("guest-file-open", wish, LATER, LARGEST).await
    }

    /// What was done with a file, which is closed now in any case.
    async fn closed<T>(&self, file: i64, done: Result<T>) -> Result<T> {
        let wish = json!({ "handle": file });
        let closed: Result<Nothing> = self.ask("guest-file-close", wish, LATER, LARGEST).await;
        let done = done?;
        closed.map(|Nothing {}| done)
    }

    async fn read_from(&self, file: i64, offset: i64, length: usize) -> Result<FilePiece> {
        if offset > 0 {
            let wish = json!({ "handle": file, "offset": offset, "whence": "set" });
            // Where it is now.
            let _: Value = self.ask("guest-file-seek", wish, LATER, LARGEST).await?;
        }
        let mut whole = FilePiece {
            data: Vec::new(),
            eof: false,
        };
        while whole.data.len() < length && !whole.eof {
            let count = CHUNK.min(length - whole.data.len());
            let wish = json!({ "handle": file, "count": count });
            let piece: Piece = self.ask("guest-file-read", wish, LATER, LARGEST).await?;
            let piece = self.read(piece.read(count))?;
            if piece.data.is_empty() && !piece.eof {
                return Err(self.garbled("nothing of a file that goes on".into()));
            }
            whole.data.extend(piece.data);
            whole.eof = piece.eof;
        }
        Ok(whole)
    }

    async fn write_all(&self, file: i64, data: &[u8]) -> Result<()> {
        let mut rest = data;
        while !rest.is_empty() {
            let chunk = &rest[..rest.len().min(CHUNK)];
            let wish = json!({ "handle": file, "buf-b64": STANDARD.encode(chunk) });
            let written: Written = self.ask("guest-file-write", wish, LATER, LARGEST).await?;
            if written.count == 0 || written.count > chunk.len() {
                let what = format!("{} of {} bytes written", written.count, chunk.len());
                return Err(self.garbled(what));
            }
            rest = &rest[written.count..];
        }
        // Where a full disk is learned of.
        let wish = json!({ "handle": file });
        let Nothing {} = self.ask("guest-file-flush", wish, LATER, LARGEST).await?;
        Ok(())
    }
}
