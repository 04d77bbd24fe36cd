//! Files on their way to the host.

use std::io::IsTerminal;
use std::path::Path;

use anyhow::{Context, Result};
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, stream};
use indicatif::{ProgressBar, ProgressStyle};
use tokio::fs::File;
use tokio::io::AsyncReadExt;

const PIECE: usize = 256 * 1024;

/// The file and its length.
pub(crate) async fn open(path: &Path) -> Result<(File, u64)> {
    let shown = path.display();
    let file = File::open(path)
        .await
        .with_context(|| format!("can't open {shown}"))?;
    let facts = file
        .metadata()
        .await
        .with_context(|| format!("can't read {shown}"))?;
    Ok((file, facts.len()))
}

/// A progress bar for so many bytes; hidden where no terminal shows it.
pub(crate) fn bar(size: u64) -> ProgressBar {
    shown(
        size,
        "{bar:30} {percent}%  {bytes} of {total_bytes}  {bytes_per_sec}  {eta} left",
    )
}

/// The same for percents.
pub(crate) fn percent_bar() -> ProgressBar {
    shown(100, "{bar:30} {percent}%  {eta} left")
}

fn shown(size: u64, template: &str) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(size);
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// The rest of the file, piece by piece; the bar follows.
pub(crate) fn pieces(
    file: File,
    bar: ProgressBar,
) -> impl Stream<Item = std::io::Result<Bytes>> + Send {
    stream::try_unfold((file, bar), |(mut file, bar)| async move {
        let mut piece = BytesMut::with_capacity(PIECE);
        let length = file.read_buf(&mut piece).await?;
        bar.inc(length as u64);
        Ok((length > 0).then(|| (piece.freeze(), (file, bar))))
    })
}
