//! What a file that somebody brings is, by its first bytes, other hypervisors' formats included. Refuses what would make
//! QEMU open another file of the host. Field offsets: VMware's "Virtual Disk Format 1.1", QEMU's `block/vmdk.c`.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use qx_model::vm::ImageFormat;

use crate::image_format;

/// Enough of a VMDK's embedded descriptor: QEMU reads no more than 20 sectors of it.
const DESCRIPTOR: u64 = 64 * 1024;
const SECTOR: u64 = 512;

/// What can be made a volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// Bytes of a disk or a disc as they are.
    Raw,
    /// Ours.
    Qcow2,
    /// VMware's, in one file.
    Vmdk,
    /// VirtualBox's.
    Vdi,
    /// Hyper-V's.
    Vhdx,
}

impl Format {
    /// As QEMU calls it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Qcow2 => "qcow2",
            Self::Vmdk => "vmdk",
            Self::Vdi => "vdi",
            Self::Vhdx => "vhdx",
        }
    }
}

/// The format, or the sentence that says why it can't be used (it follows "body").
pub(crate) fn identify(file: &mut File) -> io::Result<Result<Format, String>> {
    let mut head = [0; 512];
    let length = read_some(file, 0, &mut head)?;
    let head = &head[..length];
    if head.starts_with(b"KDMV") {
        return Ok(sparse_vmdk(file, head)?.map(|()| Format::Vmdk));
    }
    if head.starts_with(b"COWD") || head.starts_with(b"# Disk DescriptorFile") {
        let reason = "is a part of a VMDK of several files: make one file of it first (VMware's vmkfstools -i, or export \
                      the VM as OVA and unpack it)";
        return Ok(Err(reason.into()));
    }
    if head.starts_with(b"vhdxfile") {
        return Ok(Ok(Format::Vhdx));
    }
    if head.get(64..68) == Some(b"\x7f\x10\xda\xbe") {
        return Ok(Ok(Format::Vdi));
    }
    let examined = image_format::examine(file)?;
    Ok(examined.map(|content| match content.format {
        ImageFormat::Qcow2 => Format::Qcow2,
        ImageFormat::Raw | ImageFormat::Iso => Format::Raw,
    }))
}

/// One that says itself where its data is names files in its descriptor, and QEMU opens these. So does one without a
/// capacity, whatever else its header says.
fn sparse_vmdk(file: &mut File, head: &[u8]) -> io::Result<Result<(), String>> {
    let number = |at: usize| {
        let bytes = head.get(at..at + 8)?;
        Some(u64::from_le_bytes(bytes.try_into().ok()?))
    };
    let (Some(capacity), Some(offset), Some(size)) = (number(12), number(28), number(36)) else {
        return Ok(Err("is a VMDK that is cut off in its header".into()));
    };
    if capacity == 0 {
        return Ok(Err("is a VMDK that names other files".into()));
    }
    if offset == 0 || size == 0 {
        return Ok(Ok(()));
    }
    let length = size.saturating_mul(SECTOR).min(DESCRIPTOR);
    let mut text = vec![0; usize::try_from(length).unwrap_or_default()];
    let read = read_some(file, offset.saturating_mul(SECTOR), &mut text)?;
    let text = String::from_utf8_lossy(&text[..read]);
    let value = |key: &str| {
        let mut lines = text.lines().filter_map(|line| line.split_once('='));
        let found = lines.find(|(name, _)| name.trim().eq_ignore_ascii_case(key));
        found.map(|(_, value)| value.trim().trim_matches(['"', '\0', ' ']).to_owned())
    };
    let parent = value("parentCID").unwrap_or_else(|| "ffffffff".into());
    if !parent.eq_ignore_ascii_case("ffffffff") || value("parentFileNameHint").is_some() {
        return Ok(Err(
            "is a VMDK that needs another one: flatten it first".into()
        ));
    }
    match value("createType").as_deref() {
        None | Some("monolithicSparse" | "streamOptimized") => Ok(Ok(())),
        Some(_) => Ok(Err(
            "is a VMDK of several files: make one file of it first".into()
        )),
    }
}

fn read_some(file: &mut File, at: u64, into: &mut [u8]) -> io::Result<usize> {
    file.seek(SeekFrom::Start(at))?;
    let mut read = 0;
    while read < into.len() {
        match file.read(&mut into[read..])? {
            0 => break,
            length => read += length,
        }
    }
    Ok(read)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn judged(content: &[u8]) -> Result<Format, String> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(content).unwrap();
        identify(&mut file).unwrap()
    }

    fn vmdk(capacity: u64, descriptor: &str) -> Vec<u8> {
        let mut content = vec![0; 1024];
        content[..4].copy_from_slice(b"KDMV");
        content[12..20].copy_from_slice(&capacity.to_le_bytes());
        content[28..36].copy_from_slice(&1_u64.to_le_bytes());
        content[36..44].copy_from_slice(&1_u64.to_le_bytes());
        content[512..512 + descriptor.len()].copy_from_slice(descriptor.as_bytes());
        content
    }

    #[test]
    fn formats_are_told_by_content() {
        assert_eq!(judged(b"anything"), Ok(Format::Raw));
        assert_eq!(judged(b"vhdxfile"), Ok(Format::Vhdx));
        let mut vdi = vec![0; 512];
        vdi[64..68].copy_from_slice(b"\x7f\x10\xda\xbe");
        assert_eq!(judged(&vdi), Ok(Format::Vdi));
        let plain = "createType=\"monolithicSparse\"\nparentCID=ffffffff\n";
        assert_eq!(judged(&vmdk(2048, plain)), Ok(Format::Vmdk));
        assert!(judged(b"").unwrap_err().contains("is empty"));
        assert!(judged(b"\x1f\x8b").unwrap_err().contains("gzip"));
    }

    #[test]
    fn images_that_name_other_files_are_refused() {
        let extent = "createType=\"monolithicFlat\"\nRW 2048 FLAT \"/etc/shadow\" 0\n";
        for hostile in [
            vmdk(0, extent),
            vmdk(2048, extent),
            vmdk(
                2048,
                "createType=\"monolithicSparse\"\nparentCID=0badcafe\n",
            ),
            vmdk(2048, "parentFileNameHint=\"/etc/shadow\"\n"),
            b"# Disk DescriptorFile\nRW 1 FLAT \"/etc/shadow\" 0\n".to_vec(),
            b"KDMV".to_vec(),
        ] {
            let reason = judged(&hostile).unwrap_err();
            assert!(reason.contains("VMDK"), "{reason}");
        }
        let mut qcow2 = vec![0; 512];
        qcow2[..8].copy_from_slice(b"QFI\xfb\0\0\0\x03");
        qcow2[15] = 112;
        qcow2[24..32].copy_from_slice(&(1_u64 << 30).to_be_bytes());
        assert!(judged(&qcow2).unwrap_err().contains("backing file"));
    }
}
