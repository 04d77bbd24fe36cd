//! Local TCP ports for QEMU's forwards.

use std::net::{Ipv4Addr, TcpListener};

use anyhow::{Context, Result};

/// A TCP port of 127.0.0.1 that nobody listens on now.
///
/// # Errors
/// When the system has no free port.
pub fn free() -> Result<u16> {
    let listener =
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free TCP port on 127.0.0.1")?;
    Ok(listener
        .local_addr()
        .context("cannot read a local port's number")?
        .port())
}

/// Checks that QEMU will be able to listen on a port that a person chose.
///
/// # Errors
/// A sentence that names the port, the reason and the variable that moves it.
pub fn check_free(port: u16, variable: &str) -> Result<()> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map(drop).with_context(|| {
        format!("port {port} of 127.0.0.1 is taken: stop what uses it, or choose another with {variable}=PORT")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_named_with_the_variable_that_moves_it() {
        let holder = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = holder.local_addr().unwrap().port();
        let error = format!("{:#}", check_free(port, "HTTPS_PORT").unwrap_err());
        assert!(
            error.contains(&port.to_string()) && error.contains("HTTPS_PORT="),
            "{error}"
        );
    }

    #[test]
    fn a_free_port_passes_the_check() {
        check_free(free().unwrap(), "HTTPS_PORT").unwrap();
    }
}
