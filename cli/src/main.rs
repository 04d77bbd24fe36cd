//! `qx`: the host from a shell, for people and scripts. Reads arguments, calls the typed client, prints.
//! Knows nothing that the API does not say.

mod args;
mod cloud_init;
mod completion;
mod console;
mod devices;
mod files;
mod guests;
mod host;
mod host_care;
mod host_config;
mod host_logs;
mod host_network;
mod images;
mod man;
mod metrics;
mod networks;
mod output;
mod pools;
mod size;
mod snapshots;
mod tasks;
mod terminal;
mod tokens;
mod update_lines;
mod updates;
mod users;
mod vms;
mod volumes;
mod watch;

use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::Parser;
use qx_api::client::{Client, Trust};

use args::{Arguments, Command};

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        // As programs end that don't know better: quietly.
        Err(error) if error.is::<output::Unread>() => ExitCode::SUCCESS,
        Err(error) => match error.downcast_ref() {
            Some(ExitWith(code)) => ExitCode::from(*code),
            None => {
                eprintln!("qx: {error:#}");
                ExitCode::FAILURE
            }
        },
    }
}

/// All was said already; how to end is another program's word.
#[derive(Debug)]
struct ExitWith(u8);

impl std::fmt::Display for ExitWith {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the command ended with {}", self.0)
    }
}

impl std::error::Error for ExitWith {}

#[tokio::main(flavor = "current_thread")]
async fn run(arguments: Arguments) -> Result<()> {
    // Before anybody is asked for a password.
    match &arguments.command {
        Command::Completion { shell } => return completion::print(*shell),
        Command::Man { directory } => return man::write(directory),
        _ => {}
    }
    let (client, session) = connect(&arguments).await?;
    let result = command(&client, arguments).await;
    if !session {
        return result;
    }
    // What went wrong first is what matters.
    result.and(client.log_out().await.context("can't log out"))
}

async fn command(client: &Client, arguments: Arguments) -> Result<()> {
    let (format, no_wait) = (arguments.output, arguments.no_wait);
    match arguments.command {
        Command::Host { command } => host::run(client, format, command).await,
        Command::Vm { command } => vms::run(client, (format, no_wait), command).await,
        Command::Image { command } => images::run(client, format, command).await,
        Command::Network { command } => networks::run(client, format, command).await,
        Command::Pool { command } => pools::run(client, (format, no_wait), command).await,
        Command::Volume { command } => volumes::run(client, (format, no_wait), command).await,
        Command::Update { command } => updates::run(client, (format, no_wait), command).await,
        Command::Task { command } => tasks::run(client, format, command).await,
        Command::User { command } => users::run(client, format, command).await,
        Command::Token { command } => tokens::run(client, format, command).await,
        Command::Metrics(wish) => metrics::run(client, format, wish).await,
        Command::Events { since } => watch::events(client, format, since).await,
        Command::Completion { shell } => completion::print(shell),
        Command::Man { directory } => man::write(&directory),
        Command::Audit { limit } => output::audit(format, &client.audit(limit).await?),
    }
}

/// The host's own socket, or HTTPS when a URL is given; true when there is a session to end.
async fn connect(arguments: &Arguments) -> Result<(Client, bool)> {
    let Some(url) = &arguments.url else {
        return Ok((Client::unix(&arguments.socket), false));
    };
    let trust = match (&arguments.fingerprint, &arguments.ca) {
        (Some(fingerprint), _) => Trust::Fingerprint(fingerprint.clone()),
        (None, Some(file)) => Trust::Authority(file.clone()),
        (None, None) => Trust::Unknown,
    };
    let client = Client::https(url, trust)?;
    if let Some(token) = &arguments.token {
        return Ok((client.with_token(token.clone()), false));
    }
    // Nobody types a password for a host that is not the one meant.
    client.readiness().await?;
    let user = &arguments.user;
    let Some(password) = terminal::ask_password(&format!("Password of {user} on {url}"))? else {
        bail!(
            "a host elsewhere needs an API token, or a terminal to ask for {user}'s password on: make a token \
             with `qx token create NAME --role ROLE` and give it as QX_TOKEN or --token"
        );
    };
    Ok((client.log_in(user, &password).await?, true))
}
