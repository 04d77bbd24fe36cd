//! The bill of materials and the checksums.

use std::fs;

use anyhow::{Context, Result, ensure};
use qx_image_tests::{iso, output, packages, product};
use sha2::{Digest, Sha256};

#[test]
fn the_bill_of_materials_names_every_package() -> Result<()> {
    let text = fs::read_to_string(product("sbom.spdx.json")?)?;
    let document: serde_json::Value = serde_json::from_str(&text)?;
    ensure!(document["spdxVersion"] == "SPDX-2.3", "not SPDX 2.3");
    let listed = document["packages"].as_array().context("no packages")?;
    let packages = packages()?;
    ensure!(packages.len() > 100, "only {} packages", packages.len());
    for (name, version) in packages {
        ensure!(
            listed
                .iter()
                .any(|package| package["name"] == *name && package["versionInfo"] == *version),
            "{name} {version} is not in the bill of materials"
        );
    }
    for name in ["tokio", "react"] {
        ensure!(
            listed.iter().any(|package| package["name"] == *name),
            "{name} is not in the bill of materials"
        );
    }
    Ok(())
}

#[test]
fn the_lock_file_names_the_packages_of_this_image() -> Result<()> {
    let lock = fs::read_to_string(output().join("../builder/packages.lock"))?;
    for (name, version) in packages()? {
        ensure!(
            lock.lines().any(|line| line == format!("{name}={version}")),
            "{name}={version} is not in builder/packages.lock"
        );
    }
    Ok(())
}

#[test]
fn the_checksums_match() -> Result<()> {
    let text = fs::read_to_string(product("SHA256SUMS")?)?;
    let iso = iso()?;
    let name = iso
        .file_name()
        .and_then(|name| name.to_str())
        .context("ISO without a name")?;
    ensure!(text.contains(name), "SHA256SUMS does not name {name}");
    for line in text.lines() {
        let (sum, file) = line.split_once("  ").context("malformed line")?;
        let found = hex::encode(Sha256::digest(fs::read(output().join(file))?));
        ensure!(found == sum, "{file} has another checksum");
    }
    Ok(())
}
