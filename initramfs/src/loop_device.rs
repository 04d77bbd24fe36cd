//! Makes a block device of a file. Owns the ioctls of linux/loop.h.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::path::PathBuf;

use rustix::ioctl::{self, IntegerSetter, Opcode, Setter};

const LOOP_CTL_ADD: Opcode = 0x4C80;
const LOOP_CONFIGURE: Opcode = 0x4C0A;
const LO_FLAGS_READ_ONLY: u32 = 1;
/// The device frees itself when its last user is gone.
const LO_FLAGS_AUTOCLEAR: u32 = 4;

/// `struct loop_info64`.
#[repr(C)]
struct LoopInfo {
    device: u64,
    inode: u64,
    rdevice: u64,
    offset: u64,
    size_limit: u64,
    number: u32,
    encrypt_type: u32,
    encrypt_key_size: u32,
    flags: u32,
    file_name: [u8; 64],
    crypt_name: [u8; 64],
    encrypt_key: [u8; 32],
    init: [u64; 2],
}

/// `struct loop_config`.
#[repr(C)]
struct LoopConfig {
    fd: u32,
    block_size: u32,
    info: LoopInfo,
    reserved: [u64; 8],
}

/// Attaches what is in `file` from `offset` on, read-only, to the loop device of this number; nobody but qx-init uses
/// loop devices now. The device lives as long as the returned file or a mount of it.
pub(crate) fn attach(file: &File, number: u32, offset: u64) -> io::Result<(File, PathBuf)> {
    let control = OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/loop-control")?;
    let index = usize::try_from(number).map_err(io::Error::other)?;
    // SAFETY: LOOP_CTL_ADD takes the device's number by value and touches no memory of ours.
    #[expect(unsafe_code, reason = "an ioctl that rustix has no function for")]
    let added = unsafe { ioctl::ioctl(&control, IntegerSetter::<LOOP_CTL_ADD>::new_usize(index)) };
    match added {
        Ok(()) | Err(rustix::io::Errno::EXIST) => {}
        Err(error) => return Err(error.into()),
    }
    let path = PathBuf::from(format!("/dev/loop{number}"));
    let device = OpenOptions::new().read(true).write(true).open(&path)?;
    let config = LoopConfig {
        fd: u32::try_from(file.as_raw_fd()).map_err(io::Error::other)?,
        block_size: 0,
        info: LoopInfo {
            device: 0,
            inode: 0,
            rdevice: 0,
            offset,
            size_limit: 0,
            number: 0,
            encrypt_type: 0,
            encrypt_key_size: 0,
            flags: LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR,
            file_name: [0; 64],
            crypt_name: [0; 64],
            encrypt_key: [0; 32],
            init: [0; 2],
        },
        reserved: [0; 8],
    };
    // SAFETY: LOOP_CONFIGURE reads one `struct loop_config`, which `LoopConfig` mirrors field by field;
    // the descriptor in it is open.
    #[expect(unsafe_code, reason = "an ioctl that rustix has no function for")]
    unsafe {
        ioctl::ioctl(&device, Setter::<LOOP_CONFIGURE, LoopConfig>::new(config))?;
    }
    Ok((device, path))
}
