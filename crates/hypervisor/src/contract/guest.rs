//! A guest of one sector: proof that a VM runs, in a second even without KVM.

/// A disk of 1 MiB (SeaBIOS finds no geometry for much smaller ones) whose boot sector writes `marker` to the
/// first serial port, then echoes what it reads there (up to 18 times a second, halted in between). To Enter
/// (`\r`) it answers with the marker again, for those whose console was opened late; to the nth `+` since it
/// booted with the nth letter, so that a guest that went on can be told from one that began anew. At a `-` it
/// lets go the devices that it was asked to let go. Boots under SeaBIOS.
///
/// # Panics
/// If the marker is longer than 400 bytes or has a zero byte.
#[must_use]
pub fn boot_sector_guest(marker: &str) -> Vec<u8> {
    assert!(
        marker.len() <= 400 && !marker.contains('\0'),
        "a marker of 1 to 400 bytes without zeros"
    );
    // Loaded at 0:7c00; the text follows the code.
    #[rustfmt::skip]
    let mut sector = vec![
        0xfa,                   // cli
        0x31, 0xc0,             // xor ax, ax
        0x8e, 0xd8,             // mov ds, ax
        0x8e, 0xd0,             // mov ss, ax
        0xbc, 0x00, 0x7c,       // mov sp, 7c00
        // again:
        0xbe, 0x74, 0x7c,       // mov si, text
        0xba, 0xfb, 0x03,       // mov dx, 3fb: line control
        0xb0, 0x03,             // mov al, 3: 8N1
        0xee,                   // out dx, al
        // next:
        0xac,                   // lodsb
        0x84, 0xc0,             // test al, al
        0x74, 0x12,             // jz idle
        0x88, 0xc4,             // mov ah, al
        0xba, 0xfd, 0x03,       // mov dx, 3fd: line status
        // full:
        0xec,                   // in al, dx
        0xa8, 0x20,             // test al, 20: transmitter empty
        0x74, 0xfb,             // jz full
        0xba, 0xf8, 0x03,       // mov dx, 3f8
        0x88, 0xe0,             // mov al, ah
        0xee,                   // out dx, al
        0xeb, 0xe9,             // jmp next
        // idle:
        0xfb,                   // sti
        0xf4,                   // hlt: until the next timer tick
        // read:
        0xba, 0xfd, 0x03,       // mov dx, 3fd
        0xec,                   // in al, dx
        0xa8, 0x01,             // test al, 1: data ready
        0x74, 0xf6,             // jz idle
        0xba, 0xf8, 0x03,       // mov dx, 3f8
        0xec,                   // in al, dx
        0x3c, 0x0d,             // cmp al, Enter
        0x74, 0xce,             // jz again
        0x3c, 0x2b,             // cmp al, '+'
        0x75, 0x07,             // jne minus
        0xfe, 0x06, 0x73, 0x7c, // inc byte [count]
        0xa0, 0x73, 0x7c,       // mov al, [count]
        // minus:
        0x3c, 0x2d,             // cmp al, '-'
        0x75, 0x25,             // jne echo
        // What ACPI tells an operating system to eject (QEMU's docs/specs/acpi_pci_hotplug.rst), bus by bus.
        0x66, 0x31, 0xc9,       // xor ecx, ecx
        // bus:
        0xba, 0xd0, 0x0c,       // mov dx, cd0: which bus
        0x66, 0x89, 0xc8,       // mov eax, ecx
        0x66, 0xef,             // out dx, eax
        0xba, 0xc4, 0x0c,       // mov dx, cc4: slots to let go
        0x66, 0xed,             // in eax, dx
        0x66, 0x85, 0xc0,       // test eax, eax
        0x74, 0x05,             // jz skip
        0xba, 0xc8, 0x0c,       // mov dx, cc8: eject
        0x66, 0xef,             // out dx, eax
        // skip:
        0x41,                   // inc cx
        0x80, 0xf9, 0x40,       // cmp cl, 64
        0x72, 0xe3,             // jb bus
        0xb0, 0x2d,             // mov al, '-'
        0xba, 0xf8, 0x03,       // mov dx, 3f8
        // echo:
        0xee,                   // out dx, al
        0xeb, 0xb9,             // jmp read
        // count:
        0x40,                   // the letter before A
    ];
    sector.extend_from_slice(marker.as_bytes());
    sector.resize(510, 0);
    sector.extend_from_slice(&[0x55, 0xaa]);
    sector.resize(1 << 20, 0);
    sector
}
