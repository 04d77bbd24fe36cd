//! Serves a disk to QEMU over a Unix socket: the NBD protocol, fixed newstyle, one export without a name
//! (<https://github.com/NetworkBlockDevice/nbd/blob/master/doc/proto.md>). It offers reading, writing and
//! flushing and nothing else, so that QEMU turns everything into these.

use std::io::{self, Read, Write};

const GREETING: u64 = 0x4e42_444d_4147_4943;
const OPTION: u64 = 0x4948_4156_454f_5054;
/// Fixed newstyle; no padding behind the export's data.
const HANDSHAKE_FLAGS: u16 = 0b11;
/// `NBD_FLAG_HAS_FLAGS` and `NBD_FLAG_SEND_FLUSH`.
const EXPORT_FLAGS: u16 = 0b101;
const OPTION_REPLY: u64 = 0x0003_e889_0455_65a9;
const ACK: u32 = 1;
const INFO: u32 = 3;
const UNSUPPORTED: u32 = (1 << 31) + 1;
const INFO_EXPORT: u16 = 0;
const INFO_BLOCK_SIZE: u16 = 3;
const REQUEST: u32 = 0x2560_9513;
const REPLY: u32 = 0x6744_6698;
/// Far above what QEMU asks for, which is 32 MiB.
const LONGEST: u32 = 64 << 20;
const MOST_OPTION_BYTES: u32 = 1 << 16;

/// Every offset and length is a multiple of this.
pub const SECTOR: u64 = 512;

/// What is served.
pub trait Device {
    /// Length in bytes.
    fn bytes(&self) -> u64;

    /// Fills `bytes` from `offset`, whole sectors.
    ///
    /// # Errors
    /// When they cannot be had.
    fn read(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()>;

    /// Takes `bytes` for `offset`, whole sectors.
    ///
    /// # Errors
    /// When they cannot be kept.
    fn write(&self, offset: u64, bytes: Vec<u8>) -> io::Result<()>;

    /// Returns when everything that was written is on the medium.
    ///
    /// # Errors
    /// When it is not.
    fn flush(&self) -> io::Result<()>;
}

/// Serves one client until it goes.
///
/// # Errors
/// When it breaks the protocol, or is cut off.
pub fn serve(stream: &mut (impl Read + Write), device: &impl Device) -> io::Result<()> {
    if negotiate(stream, device.bytes())? {
        while transmit(stream, device)? {}
    }
    Ok(())
}

/// True when the client wants the disk, false when it only asked.
fn negotiate(stream: &mut (impl Read + Write), bytes: u64) -> io::Result<bool> {
    let mut greeting = Vec::new();
    greeting.extend(GREETING.to_be_bytes());
    greeting.extend(OPTION.to_be_bytes());
    greeting.extend(HANDSHAKE_FLAGS.to_be_bytes());
    stream.write_all(&greeting)?;
    let _client_flags: [u8; 4] = take(stream)?;
    loop {
        expect(u64::from_be_bytes(take(stream)?) == OPTION)?;
        let option = u32::from_be_bytes(take(stream)?);
        let length = u32::from_be_bytes(take(stream)?);
        expect(length <= MOST_OPTION_BYTES)?;
        stream.read_exact(&mut vec![0; length as usize])?;
        match option {
            // NBD_OPT_ABORT
            2 => {
                answer(stream, option, ACK, &[])?;
                return Ok(false);
            }
            // NBD_OPT_GO; NBD_OPT_INFO asks the same and goes on to ask.
            6 | 7 => {
                answer(stream, option, INFO, &export(bytes))?;
                answer(stream, option, INFO, &block_sizes())?;
                answer(stream, option, ACK, &[])?;
                if option == 7 {
                    return Ok(true);
                }
            }
            _ => answer(stream, option, UNSUPPORTED, &[])?,
        }
    }
}

fn export(bytes: u64) -> Vec<u8> {
    let mut info = INFO_EXPORT.to_be_bytes().to_vec();
    info.extend(bytes.to_be_bytes());
    info.extend(EXPORT_FLAGS.to_be_bytes());
    info
}

/// Smallest, preferred and largest.
fn block_sizes() -> Vec<u8> {
    let mut info = INFO_BLOCK_SIZE.to_be_bytes().to_vec();
    for size in [512, 4096, LONGEST] {
        info.extend(u32::to_be_bytes(size));
    }
    info
}

fn answer(stream: &mut impl Write, option: u32, kind: u32, data: &[u8]) -> io::Result<()> {
    let mut reply = Vec::new();
    reply.extend(OPTION_REPLY.to_be_bytes());
    for word in [option, kind, data.len() as u32] {
        reply.extend(word.to_be_bytes());
    }
    reply.extend(data);
    stream.write_all(&reply)
}

/// One request; false when the client said that it goes, or has gone.
fn transmit(stream: &mut (impl Read + Write), device: &impl Device) -> io::Result<bool> {
    let magic = match take(stream) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
        magic => u32::from_be_bytes(magic?),
    };
    expect(magic == REQUEST)?;
    let _flags: [u8; 2] = take(stream)?;
    let kind = u16::from_be_bytes(take(stream)?);
    let cookie: [u8; 8] = take(stream)?;
    let offset = u64::from_be_bytes(take(stream)?);
    let length = u32::from_be_bytes(take(stream)?);
    expect(length <= LONGEST && offset % SECTOR == 0 && u64::from(length) % SECTOR == 0)?;
    let mut bytes = vec![0; length as usize];
    let done = match kind {
        0 => device.read(offset, &mut bytes),
        1 => {
            stream.read_exact(&mut bytes)?;
            device.write(offset, std::mem::take(&mut bytes))
        }
        2 => return Ok(false),
        3 => device.flush(),
        _ => Err(io::ErrorKind::InvalidInput.into()),
    };
    // EIO
    let error: u32 = if done.is_ok() { 0 } else { 5 };
    let mut reply = Vec::new();
    reply.extend(REPLY.to_be_bytes());
    reply.extend(error.to_be_bytes());
    reply.extend(cookie);
    if kind == 0 && done.is_ok() {
        reply.extend(bytes);
    }
    stream.write_all(&reply)?;
    Ok(true)
}

fn take<const N: usize>(stream: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn expect(holds: bool) -> io::Result<()> {
    if holds {
        Ok(())
    } else {
        Err(io::Error::other("the client breaks the protocol"))
    }
}
