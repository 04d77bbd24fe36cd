//! A VM's serial console as a libvirt stream: one thread reads it, another may write it.

use std::io::{self, Read, Write};
use std::sync::Arc;

use qx_hypervisor::SerialPort;
use virt::connect::Connect;
use virt::domain::Domain;
use virt::error::Error;
use virt::stream::Stream;
use virt::sys;

/// An opened console; the last end to go closes it.
struct Line(Stream);

struct End(Arc<Line>);

/// Opens the first serial console, taking it from whoever had it.
pub(crate) fn open(connect: &Connect, domain: &Domain) -> Result<SerialPort, Error> {
    let stream = Stream::new(connect, 0)?;
    domain.open_console(None, &stream, sys::VIR_DOMAIN_CONSOLE_FORCE)?;
    let line = Arc::new(Line(stream));
    Ok(SerialPort {
        reader: Box::new(End(Arc::clone(&line))),
        writer: Box::new(End(line)),
    })
}

impl Drop for Line {
    fn drop(&mut self) {
        // Fails if the stream has ended, which is as good.
        let _ = self.0.clone().abort();
    }
}

impl Read for End {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        transferred(self.0.0.recv(buffer))
    }
}

impl Write for End {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        transferred(self.0.0.send(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn transferred(result: Result<isize, Error>) -> io::Result<usize> {
    let count = result.map_err(|error| io::Error::other(error.message().to_owned()))?;
    usize::try_from(count).map_err(io::Error::other)
}
