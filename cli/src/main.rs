//! `qx`: the host from a shell, for people and scripts. Reads arguments, calls the typed client, prints.
//! Knows nothing that the API does not say.

mod args;
mod console;
mod images;
mod output;
mod size;
mod tokens;
mod vms;
mod watch;

use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Parser;
use qx_api::client::{Client, Trust};

use args::{Arguments, Command};

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("qx: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn run(arguments: Arguments) -> Result<()> {
    let client = connect(&arguments)?;
    let format = arguments.output;
    match arguments.command {
        Command::Host => output::host(format, &client.host().await?),
        Command::Vm { command } => vms::run(&client, format, command).await,
        Command::Image { command } => images::run(&client, format, command).await,
        Command::Token { command } => tokens::run(&client, format, command).await,
        Command::Events { since } => watch::events(&client, format, since).await,
        Command::Audit { limit } => output::audit(format, &client.audit(limit).await?),
    }
}

/// The host's own socket, or HTTPS when a URL is given.
fn connect(arguments: &Arguments) -> Result<Client> {
    let Some(url) = &arguments.url else {
        return Ok(Client::unix(&arguments.socket));
    };
    let Some(token) = &arguments.token else {
        bail!(
            "a host elsewhere needs an API token: make one on it with `qx token create NAME --role ROLE`, \
             and give it as QX_TOKEN or --token"
        );
    };
    let trust = match (&arguments.fingerprint, &arguments.ca) {
        (Some(fingerprint), _) => Trust::Fingerprint(fingerprint.clone()),
        (None, Some(file)) => Trust::Authority(file.clone()),
        (None, None) => Trust::Unknown,
    };
    Ok(Client::https(url, trust, token.clone())?)
}
