//! `qx token`.

use anyhow::Result;
use qx_api::client::Client;
use qx_api::rest::{self, TokenCreate};

use crate::args::{Format, Role, TokenCommand};
use crate::output::{fields, list, plain, word};

const DAY_S: u64 = 86_400;

pub(crate) async fn run(client: &Client, format: Format, command: TokenCommand) -> Result<()> {
    match command {
        TokenCommand::List => {
            let page = client.tokens().await?;
            let rows = page.items.iter().map(|token| {
                let expires = token
                    .expires_at
                    .map_or_else(|| "never".into(), |at| at.to_string());
                vec![
                    plain(&token.name),
                    word(&token.role),
                    expires,
                    token.id.to_string(),
                ]
            });
            list(format, &page, &["NAME", "ROLE", "EXPIRES", "ID"], rows)
        }
        TokenCommand::Create {
            name,
            role,
            expires,
        } => {
            let wish = TokenCreate {
                name,
                role: match role {
                    Role::Viewer => rest::Role::Viewer,
                    Role::Operator => rest::Role::Operator,
                    Role::Admin => rest::Role::Admin,
                },
                expires_in_s: expires.map(|days| days * DAY_S),
            };
            let made = client.create_token(&wish).await?;
            let lines = [
                ("Token", made.token.clone()),
                ("ID", made.id.to_string()),
                ("Note", "the token is shown this once".into()),
            ];
            fields(format, &made, &lines)
        }
        TokenCommand::Delete { id } => Ok(client.delete_token(id).await?),
    }
}
