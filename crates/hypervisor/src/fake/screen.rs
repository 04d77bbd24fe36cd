//! The fake's screens: each greets as a VNC server does and then sends back what it is sent.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use qx_model::vm::VmId;

use super::Fake;
use crate::{Error, Result, Screens};

/// The version message of RFB 3.8.
const GREETING: &[u8] = b"RFB 003.008\n";

impl Screens for Fake {
    fn open_screen(&self, id: VmId) -> Result<UnixStream> {
        let mut world = self.of(id)?;
        let machine = Self::machine(&mut world, id)?;
        let refused = |reason: String| Error::WrongState { reason };
        if !machine.vm.state.is_on() {
            return Err(refused(format!("VM {id} is not running")));
        }
        let failed = |error: std::io::Error| refused(error.to_string());
        let (ours, mut theirs) = UnixStream::pair().map_err(failed)?;
        machine.screens.push(theirs.try_clone().map_err(failed)?);
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            let mut greeted = theirs.write_all(GREETING);
            while greeted.is_ok() {
                greeted = match theirs.read(&mut buffer) {
                    Ok(count @ 1..) => theirs.write_all(&buffer[..count]),
                    _ => return,
                };
            }
        });
        Ok(ours)
    }
}
