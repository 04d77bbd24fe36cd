//! The smallest guests there are: boot sectors of a few bytes, padded to 1 MiB (QEMU's firmware reads no
//! disk smaller than one cylinder). One answers the accelerator probe, one is the VM inside the VM. The slow
//! tests have a whole Debian kernel besides.

pub mod debian;

/// The byte that the probe guest writes to QEMU's debug-exit port.
pub const PROBE_CODE: u8 = 0x10;

/// What the marker guest writes to its first serial port, again and again.
pub const MARKER: &str = "QUANTIX-GUEST-OK";

/// Size of the disk images.
const IMAGE_BYTES: usize = 1 << 20;

/// A disk whose boot sector writes `PROBE_CODE` to port 0xf4 and halts.
pub fn probe_image() -> Vec<u8> {
    image(&[
        0xfa, // cli
        0xba, 0xf4, 0x00, // mov dx, 0xf4
        0xb0, PROBE_CODE, // mov al, PROBE_CODE
        0xee,       // out dx, al
        0xf4,       // hlt
        0xeb, 0xfd, // jmp to hlt
    ])
}

/// A disk whose boot sector writes `MARKER` and a line end to COM1 about once a second for ever, so that
/// a console opened late sees it too. It asks BIOS firmware for the delay, hence boots with BIOS only.
pub fn marker_image() -> Vec<u8> {
    let mut code = vec![
        0xfa, // cli
        0x31, 0xc0, // xor ax, ax
        0x8e, 0xd8, // mov ds, ax
        0xfb, // sti
        0xfc, // cld
        // again:
        0xbe, 0x00, 0x00, // mov si, text (patched below)
        // next:
        0xac, // lodsb
        0x84, 0xc0, // test al, al
        0x74, 0x11, // jz rest
        0x88, 0xc3, // mov bl, al
        0xba, 0xfd, 0x03, // mov dx, 0x3fd
        // busy:
        0xec, // in al, dx
        0xa8, 0x20, // test al, 0x20 (transmitter empty)
        0x74, 0xfb, // jz busy
        0x88, 0xd8, // mov al, bl
        0xb2, 0xf8, // mov dl, 0xf8
        0xee, // out dx, al
        0xeb, 0xea, // jmp next
        // rest: BIOS wait, cx:dx microseconds (1,000,000)
        0xb4, 0x86, // mov ah, 0x86
        0xb9, 0x0f, 0x00, // mov cx, 0x0f
        0xba, 0x40, 0x42, // mov dx, 0x4240
        0xcd, 0x15, // int 0x15
        0xeb, 0xdb, // jmp again
    ];
    let text = 0x7c00 + code.len();
    code[8..10].copy_from_slice(&(text as u16).to_le_bytes());
    code.extend_from_slice(MARKER.as_bytes());
    code.extend_from_slice(b"\r\n\0");
    image(&code)
}

fn image(code: &[u8]) -> Vec<u8> {
    let mut image = vec![0; IMAGE_BYTES];
    image[..code.len()].copy_from_slice(code);
    image[510..512].copy_from_slice(&[0x55, 0xaa]);
    image
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_bootable_and_one_mebibyte() {
        for image in [probe_image(), marker_image()] {
            assert_eq!(image.len(), 1 << 20);
            assert_eq!(image[510..512], [0x55, 0xaa]);
        }
    }

    /// The jumps of the marker guest are written by hand: each must land on the instruction it names.
    #[test]
    fn jumps_of_the_marker_guest_land_where_they_should() {
        let image = marker_image();
        let target = |at: usize| (at as i64 + 2 + i64::from(image[at + 1] as i8)) as usize;
        let (again, next, busy, rest) = (7, 10, 20, 32);
        assert_eq!((image[13], target(13)), (0x74, rest));
        assert_eq!((image[23], target(23)), (0x74, busy));
        assert_eq!((image[30], target(30)), (0xeb, next));
        assert_eq!((image[42], target(42)), (0xeb, again));
        let text = usize::from(u16::from_le_bytes([image[8], image[9]])) - 0x7c00;
        assert!(image[text..].starts_with(MARKER.as_bytes()));
    }
}
