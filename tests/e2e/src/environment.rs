//! Numbers that whoever runs the long tests may change.

use std::str::FromStr;

use anyhow::{Context, Result};

/// The number in this variable of the environment, or the usual one.
///
/// # Errors
/// When there is something else in it.
pub fn number<T>(name: &str, usual: T) -> Result<T>
where
    T: FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    match std::env::var(name) {
        Ok(text) => text.parse().with_context(|| format!("{name}={text}")),
        Err(_) => Ok(usual),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_number_is_told_by_name() {
        assert_eq!(number("QX_E2E_SURELY_UNSET", 7_u32).unwrap(), 7);
        let error = number::<u32>("PATH", 7).unwrap_err();
        assert!(format!("{error:#}").starts_with("PATH="), "{error:#}");
    }
}
