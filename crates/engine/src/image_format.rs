//! What an image file is, by its first bytes. Refuses what names another file (QEMU would open it on the
//! host) and formats that can't be used as they are. Field offsets: QEMU's `docs/interop/qcow2.txt`.

use std::io::{self, ErrorKind, Read, Seek, SeekFrom};

use qx_model::vm::ImageFormat;

/// Enough for every signature and for a qcow2 header with its extensions.
const HEAD: usize = 64 * 1024;

const QCOW2_BACKING_OFFSET: usize = 8;
const QCOW2_SIZE: usize = 24;
const QCOW2_ENCRYPTION: usize = 32;
const QCOW2_INCOMPATIBLE: usize = 72;
const QCOW2_HEADER_LENGTH: usize = 100;
const QCOW2_V2_LENGTH: usize = 72;
/// Bit of the incompatible features: the data lies in another file.
const QCOW2_EXTERNAL_DATA: u64 = 1 << 2;
/// Bits that QEMU 10 knows; others could change how the image is read.
const QCOW2_KNOWN: u64 = 0b1_1111;
/// Header extension that names an external data file.
const QCOW2_DATA_FILE: u32 = 0x4441_5441;
/// 64 TiB: what a disk may be at most.
const LARGEST: u64 = 64 << 40;

/// Other hypervisors' formats: signature, offset, name.
const FOREIGN: &[(&[u8], usize, &str)] = &[
    (b"KDMV", 0, "VMDK"),
    (b"COWD", 0, "VMDK"),
    (b"# Disk DescriptorFile", 0, "VMDK"),
    (b"vhdxfile", 0, "VHDX"),
    (b"conectix", 0, "VHD"),
    (b"\x7f\x10\xda\xbe", 64, "VDI"),
    (b"QED\0", 0, "QED"),
    (b"LUKS\xba\xbe", 0, "LUKS"),
    (b"\x1f\x8b", 0, "gzip"),
    (b"\xfd7zXZ\0", 0, "xz"),
    (b"\x28\xb5\x2f\xfd", 0, "zstd"),
    (b"BZh", 0, "bzip2"),
];

/// What is in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Content {
    pub(crate) format: ImageFormat,
    pub(crate) size_bytes: u64,
    pub(crate) virtual_bytes: u64,
}

/// Content of a file, or the sentence that says why it can't be used (it follows "body").
pub(crate) fn examine(file: &mut (impl Read + Seek)) -> io::Result<Result<Content, String>> {
    let size_bytes = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(0))?;
    let mut head = Vec::with_capacity(HEAD);
    file.take(HEAD as u64).read_to_end(&mut head)?;
    Ok(judge(&head, size_bytes))
}

fn judge(head: &[u8], size_bytes: u64) -> Result<Content, String> {
    if size_bytes == 0 {
        return Err("is empty".into());
    }
    if head.starts_with(b"QFI\xfb") {
        let virtual_bytes =
            qcow2(head).map_err(|reason| format!("is a qcow2 image that {reason}"))?;
        return Ok(Content {
            format: ImageFormat::Qcow2,
            size_bytes,
            virtual_bytes,
        });
    }
    for (signature, offset, name) in FOREIGN {
        if head
            .get(*offset..)
            .is_some_and(|rest| rest.starts_with(signature))
        {
            return Err(format!(
                "is {name}: unpack or convert it to qcow2 or raw first"
            ));
        }
    }
    let is_iso = head.get(0x8001..0x8006) == Some(b"CD001");
    let format = if is_iso {
        ImageFormat::Iso
    } else {
        ImageFormat::Raw
    };
    Ok(Content {
        format,
        size_bytes,
        virtual_bytes: size_bytes,
    })
}

/// The virtual size of a qcow2 image that stands alone.
fn qcow2(head: &[u8]) -> Result<u64, String> {
    let short = |_: io::Error| "is cut off in its header".to_owned();
    let version = u32::from_be_bytes(field(head, 4).map_err(short)?);
    let backing = u64::from_be_bytes(field(head, QCOW2_BACKING_OFFSET).map_err(short)?);
    let size = u64::from_be_bytes(field(head, QCOW2_SIZE).map_err(short)?);
    let encryption = u32::from_be_bytes(field(head, QCOW2_ENCRYPTION).map_err(short)?);
    if backing != 0 {
        return Err("needs a backing file: flatten it first (qemu-img convert)".into());
    }
    if encryption != 0 {
        return Err("is encrypted, which is not supported".into());
    }
    if size == 0 || size > LARGEST {
        return Err(format!(
            "claims a size of {size} bytes; it must be 1 to {LARGEST}"
        ));
    }
    let length = match version {
        2 => QCOW2_V2_LENGTH,
        3 => {
            let features = u64::from_be_bytes(field(head, QCOW2_INCOMPATIBLE).map_err(short)?);
            if features & QCOW2_EXTERNAL_DATA != 0 {
                return Err("keeps its data in another file: convert it first".into());
            }
            if features & !QCOW2_KNOWN != 0 {
                return Err("uses features that are not known here".into());
            }
            u32::from_be_bytes(field(head, QCOW2_HEADER_LENGTH).map_err(short)?) as usize
        }
        other => return Err(format!("has version {other}; 2 and 3 can be used")),
    };
    no_data_file(head, length).map(|()| size)
}

/// Walks the header extensions: type, length, data padded to 8 bytes; type 0 ends them.
fn no_data_file(head: &[u8], mut at: usize) -> Result<(), String> {
    let short = |_: io::Error| "has a broken header extension".to_owned();
    loop {
        let kind = u32::from_be_bytes(field(head, at).map_err(short)?);
        let length = u32::from_be_bytes(field(head, at + 4).map_err(short)?) as usize;
        match kind {
            0 => return Ok(()),
            QCOW2_DATA_FILE => return Err("names a data file: convert it first".into()),
            _ => at += 8 + length.next_multiple_of(8),
        }
    }
}

fn field<const N: usize>(head: &[u8], at: usize) -> io::Result<[u8; N]> {
    let bytes = head.get(at..at + N).ok_or(ErrorKind::UnexpectedEof)?;
    bytes
        .try_into()
        .map_err(|_| ErrorKind::UnexpectedEof.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A valid version 3 header of a 1 GiB image.
    fn header() -> Vec<u8> {
        let mut head = vec![0; 512];
        head[..4].copy_from_slice(b"QFI\xfb");
        head[4..8].copy_from_slice(&3_u32.to_be_bytes());
        head[24..32].copy_from_slice(&(1_u64 << 30).to_be_bytes());
        head[100..104].copy_from_slice(&112_u32.to_be_bytes());
        head
    }

    fn refusal(head: &[u8]) -> String {
        judge(head, head.len() as u64).unwrap_err()
    }

    #[test]
    fn a_plain_qcow2_image_tells_its_virtual_size() {
        let content = judge(&header(), 512).unwrap();
        assert_eq!(content.format, ImageFormat::Qcow2);
        assert_eq!(content.virtual_bytes, 1 << 30);
    }

    #[test]
    fn images_that_name_other_files_are_refused() {
        let mut backing = header();
        backing[15] = 112;
        assert!(refusal(&backing).contains("backing file"));

        let mut external = header();
        external[79] = 4;
        assert!(refusal(&external).contains("another file"));

        let mut named = header();
        named[112..116].copy_from_slice(&QCOW2_DATA_FILE.to_be_bytes());
        assert!(refusal(&named).contains("data file"));

        let mut hidden = header();
        hidden[112..116].copy_from_slice(&0x6803_f857_u32.to_be_bytes());
        hidden[116..120].copy_from_slice(&5_u32.to_be_bytes());
        hidden[128..132].copy_from_slice(&QCOW2_DATA_FILE.to_be_bytes());
        assert!(refusal(&hidden).contains("data file"));
    }

    #[test]
    fn broken_and_foreign_images_are_refused_with_their_reason() {
        assert!(refusal(b"QFI\xfb").contains("cut off"));
        assert!(refusal(&[]).contains("empty"));
        assert!(refusal(b"KDMV....").contains("VMDK"));
        let mut endless = header();
        endless[112..116].copy_from_slice(&1_u32.to_be_bytes());
        endless[116..120].copy_from_slice(&u32::MAX.to_be_bytes());
        assert!(refusal(&endless).contains("extension"));
        let mut huge = header();
        huge[24] = 0xff;
        assert!(refusal(&huge).contains("claims a size"));
    }

    #[test]
    fn an_iso_is_known_by_its_volume_descriptor() {
        let mut disc = vec![0; 0x8800];
        disc[0x8001..0x8006].copy_from_slice(b"CD001");
        assert_eq!(judge(&disc, 0x8800).unwrap().format, ImageFormat::Iso);
        assert_eq!(judge(&disc[..512], 512).unwrap().format, ImageFormat::Raw);
    }
}
