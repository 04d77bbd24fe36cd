//! Users and API tokens.

use http::Method;
use percent_encoding::NON_ALPHANUMERIC;
use uuid::Uuid;

use super::call::Body;
use super::{Client, Error};
use crate::rest::{
    PasswordChange, Token, TokenCreate, TokenPage, TokenSecret, User, UserCreate, UserPage,
    UserPatch,
};

impl Client {
    /// All users but root, however many pages it takes.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn users(&self) -> Result<Vec<User>, Error> {
        let mut all = Vec::new();
        let mut path = "/api/v1/users?limit=1000".to_owned();
        loop {
            let page: UserPage = self.json(Method::GET, &path, Body::None).await?;
            all.extend(page.items);
            match page.next {
                Some(next) => path = format!("/api/v1/users?limit=1000&cursor={next}"),
                None => return Ok(all),
            }
        }
    }

    /// Makes a user.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn create_user(&self, wish: &UserCreate) -> Result<User, Error> {
        let body = Body::json(wish)?;
        self.json(Method::POST, "/api/v1/users", body).await
    }

    /// Changes a user.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn change_user(&self, name: &str, patch: &UserPatch) -> Result<User, Error> {
        let path = format!("/api/v1/users/{}", segment(name));
        self.json(Method::PATCH, &path, Body::json(patch)?).await
    }

    /// Removes a user.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn delete_user(&self, name: &str) -> Result<(), Error> {
        let path = format!("/api/v1/users/{}", segment(name));
        self.empty(Method::DELETE, &path).await
    }

    /// Changes the password of who is logged in.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn change_password(&self, change: &PasswordChange) -> Result<(), Error> {
        let path = "/api/v1/session/password";
        let response = self.send(Method::POST, path, "application/json", Body::json(change)?);
        self.checked(response.await?).await.map(drop)
    }

    /// API tokens of one's own, or all for an administrator, however many pages it takes.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn tokens(&self) -> Result<Vec<Token>, Error> {
        let mut all = Vec::new();
        let mut path = "/api/v1/tokens?limit=1000".to_owned();
        loop {
            let page: TokenPage = self.json(Method::GET, &path, Body::None).await?;
            all.extend(page.items);
            match page.next {
                Some(next) => path = format!("/api/v1/tokens?limit=1000&cursor={next}"),
                None => return Ok(all),
            }
        }
    }

    /// Makes an API token; the answer is the only one that holds its secret.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn create_token(&self, wish: &TokenCreate) -> Result<TokenSecret, Error> {
        self.json(Method::POST, "/api/v1/tokens", Body::json(wish)?)
            .await
    }

    /// Revokes an API token.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn delete_token(&self, id: Uuid) -> Result<(), Error> {
        self.empty(Method::DELETE, &format!("/api/v1/tokens/{id}"))
            .await
    }
}

/// One segment of a path, whatever the name holds.
fn segment(name: &str) -> String {
    percent_encoding::utf8_percent_encode(name, NON_ALPHANUMERIC).to_string()
}
