//! The files that the build leaves in `output/`.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

/// The checkout.
#[must_use]
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Where the build puts its products: `QUANTIX_OUTPUT`, else `output/` of the checkout.
#[must_use]
pub fn output() -> PathBuf {
    std::env::var_os("QUANTIX_OUTPUT").map_or_else(|| repository().join("output"), PathBuf::from)
}

/// A product of the build by its name in `output/`.
///
/// # Errors
/// When the build has not made it.
pub fn product(name: &str) -> Result<PathBuf> {
    let path = output().join(name);
    ensure!(
        path.exists(),
        "{} is missing: run 'make iso' first",
        path.display()
    );
    Ok(path)
}

/// The ISO; exactly one must lie in `output/`.
///
/// # Errors
/// When there is none, or several.
pub fn iso() -> Result<PathBuf> {
    let directory = output();
    let mut found = Vec::new();
    for entry in directory
        .read_dir()
        .with_context(|| format!("cannot read {}: run 'make iso' first", directory.display()))?
    {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "iso") {
            found.push(path);
        }
    }
    ensure!(
        found.len() == 1,
        "expected one ISO in {}, found {found:?}: run 'make iso'",
        directory.display()
    );
    Ok(found.remove(0))
}

/// Name and version of each Debian package of the image.
///
/// # Errors
/// When the list is missing or a line lacks a version.
pub fn packages() -> Result<Vec<(String, String)>> {
    let text = std::fs::read_to_string(product("packages.list")?)?;
    text.lines()
        .map(|line| {
            let mut fields = line.split('\t');
            let name = fields.next().context("package without a name")?;
            let version = fields
                .next()
                .with_context(|| format!("package {name} without a version"))?;
            Ok((name.to_owned(), version.to_owned()))
        })
        .collect()
}
