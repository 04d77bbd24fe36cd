//! `qx token`.

use anyhow::Result;
use qx_api::client::Client;
use qx_api::rest::TokenCreate;

use crate::args::{Format, TokenCommand};
use crate::output::{fields, list, plain, word};

const DAY_S: u64 = 86_400;

pub(crate) async fn run(client: &Client, format: Format, command: TokenCommand) -> Result<()> {
    match command {
        TokenCommand::List => {
            let tokens = client.tokens().await?;
            let rows = tokens.iter().map(|token| {
                let expires = token
                    .expires_at
                    .map_or_else(|| "never".into(), |at| at.to_string());
                vec![
                    plain(&token.name),
                    word(&token.role),
                    plain(&token.owner),
                    expires,
                    token.id.to_string(),
                ]
            });
            let header = ["NAME", "ROLE", "OWNER", "EXPIRES", "ID"];
            list(format, &tokens, &header, rows)
        }
        TokenCommand::Create {
            name,
            role,
            expires,
        } => {
            let wish = TokenCreate {
                name,
                role: role.into(),
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
