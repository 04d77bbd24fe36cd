//! A VM's serial console as a libvirt stream: one thread reads it, another may write it.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use qx_hypervisor::SerialPort;
use virt::connect::Connect;
use virt::domain::Domain;
use virt::error::Error;
use virt::stream::Stream;
use virt::sys;

/// An opened console; the last end to go closes it.
struct Line {
    stream: Stream,
    /// Whether libvirt said that the guest's side is closed, or that the stream is broken.
    has_ended: AtomicBool,
}

struct End(Arc<Line>);

/// Opens the first serial console, taking it from whoever had it.
pub(crate) fn open(connect: &Connect, domain: &Domain) -> Result<SerialPort, Error> {
    let stream = Stream::new(connect, 0)?;
    domain.open_console(None, &stream, sys::VIR_DOMAIN_CONSOLE_FORCE)?;
    let line = Arc::new(Line {
        stream,
        has_ended: AtomicBool::new(false),
    });
    Ok(SerialPort {
        reader: Box::new(End(Arc::clone(&line))),
        writer: Box::new(End(line)),
    })
}

impl Drop for Line {
    fn drop(&mut self) {
        // libvirtd reads the client's last word when the console's descriptor wakes it. That of a VM that
        // stopped is closed, so the word would be waited for without end.
        if !self.has_ended.load(Ordering::Relaxed) {
            // Fails if the stream is gone, which is as good.
            let _ = self.stream.clone().abort();
        }
    }
}

impl Read for End {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = transferred(self.0.stream.recv(buffer));
        if !matches!(length, Ok(1..)) && !buffer.is_empty() {
            self.0.has_ended.store(true, Ordering::Relaxed);
        }
        length
    }
}

impl Write for End {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        transferred(self.0.stream.send(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn transferred(result: Result<isize, Error>) -> io::Result<usize> {
    let count = result.map_err(|error| io::Error::other(error.message().to_owned()))?;
    usize::try_from(count).map_err(io::Error::other)
}
