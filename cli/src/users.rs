//! `qx user`.

use anyhow::{Result, bail};
use qx_api::client::Client;
use qx_api::rest::{PasswordChange, User, UserCreate, UserPatch};

use crate::args::Format;
use crate::args::user::UserCommand;
use crate::output::{fields, list, plain, word};
use crate::terminal;

pub(crate) async fn run(client: &Client, format: Format, command: UserCommand) -> Result<()> {
    match command {
        UserCommand::List => {
            let users = client.users().await?;
            let header = ["NAME", "ROLE", "STATE", "LAST LOG-IN"];
            list(format, &users, &header, users.iter().map(row))
        }
        UserCommand::Create { name, role } => {
            let wish = UserCreate {
                password: terminal::new_secret(&format!("New password of {name}"), true)?,
                name,
                role: role.into(),
            };
            show(format, &client.create_user(&wish).await?)
        }
        UserCommand::Change {
            name,
            role,
            disable,
            enable,
            password,
        } => {
            let patch = UserPatch {
                role: role.map(Into::into),
                disabled: (disable || enable).then_some(disable),
                password: password
                    .then(|| terminal::new_secret(&format!("New password of {name}"), true))
                    .transpose()?,
            };
            if patch == UserPatch::default() {
                bail!("nothing to change: give --role, --disable, --enable or --password");
            }
            show(format, &client.change_user(&name, &patch).await?)
        }
        UserCommand::Password => {
            let Some(current_password) = terminal::ask_password("Current password")? else {
                bail!("one's own password is changed on a terminal");
            };
            let change = PasswordChange {
                current_password,
                new_password: terminal::new_secret("New password", true)?,
            };
            Ok(client.change_password(&change).await?)
        }
        UserCommand::Delete { name } => Ok(client.delete_user(&name).await?),
    }
}

fn state(user: &User) -> String {
    if user.disabled { "disabled" } else { "enabled" }.into()
}

fn last_login(user: &User) -> String {
    user.last_login_at
        .map_or_else(|| "never".into(), |at| at.to_string())
}

fn row(user: &User) -> Vec<String> {
    vec![
        plain(&user.name),
        word(&user.role),
        state(user),
        last_login(user),
    ]
}

fn show(format: Format, user: &User) -> Result<()> {
    let lines = [
        ("Name", plain(&user.name)),
        ("Role", word(&user.role)),
        ("State", state(user)),
        ("Made by", plain(&user.created_by)),
        ("Last log-in", last_login(user)),
    ];
    fields(format, user, &lines)
}
