//! The software bill of materials: every Debian package, Rust crate and npm package that the image is
//! made of, as SPDX 2.3 JSON (<https://spdx.github.io/spdx-spec/v2.3/>). Deterministic: the same inputs
//! and time give the same bytes.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

/// One component of the image.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Component {
    /// `deb`, `cargo` or `npm`: the type of a package URL.
    pub kind: &'static str,
    /// Name in its registry.
    pub name: String,
    /// Version in its registry.
    pub version: String,
    /// Package URL (<https://github.com/package-url/purl-spec>).
    pub purl: String,
}

/// Reads `dpkg-query -W -f '${Package}\t${Version}\t${Architecture}\n'` output.
///
/// # Errors
/// A line without three fields, named by its number.
pub(crate) fn debian_packages(text: &str) -> Result<Vec<Component>> {
    text.lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(number, line)| {
            let mut fields = line.split('\t');
            let (Some(name), Some(version), Some(arch)) =
                (fields.next(), fields.next(), fields.next())
            else {
                bail!(
                    "package list line {}: expected name, version and architecture",
                    number + 1
                );
            };
            Ok(Component {
                kind: "deb",
                name: name.to_owned(),
                version: version.to_owned(),
                purl: format!(
                    "pkg:deb/debian/{name}@{}?arch={arch}&distro=trixie",
                    percent_encode(version)
                ),
            })
        })
        .collect()
}

/// Reads `Cargo.lock`: every crate from a registry that `tree` names too (`NAME vVERSION` a line, as `cargo
/// tree --prefix none --format '{p}'` prints it), so nothing that only tests and tools need.
///
/// # Errors
/// When the text is not a Cargo lock file, or has none of the tree's crates.
pub(crate) fn cargo_lock(text: &str, tree: &str) -> Result<Vec<Component>> {
    let linked: BTreeSet<(&str, &str)> = tree
        .lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            Some((words.next()?, words.next()?.strip_prefix('v')?))
        })
        .collect();
    let lock: toml::Table = text.parse().context("Cargo.lock is not TOML")?;
    let packages = lock.get("package").and_then(toml::Value::as_array);
    let packages = packages.context("Cargo.lock has no [[package]]")?;
    let mut found = Vec::new();
    for package in packages {
        let field = |key: &str| package.get(key).and_then(toml::Value::as_str);
        if field("source").is_none() {
            continue; // a crate of this workspace
        }
        let (Some(name), Some(version)) = (field("name"), field("version")) else {
            bail!("Cargo.lock has a package without name or version");
        };
        if !linked.contains(&(name, version)) {
            continue;
        }
        found.push(Component {
            kind: "cargo",
            name: name.to_owned(),
            version: version.to_owned(),
            purl: format!("pkg:cargo/{name}@{}", percent_encode(version)),
        });
    }
    ensure!(
        !found.is_empty(),
        "the programs are made of no crate at all"
    );
    Ok(found)
}

/// Reads `package-lock.json` (lock file version 3): what the built UI may contain, so no development
/// dependencies.
///
/// # Errors
/// When the text is not an npm lock file.
pub(crate) fn npm_lock(text: &str) -> Result<Vec<Component>> {
    let lock: Value = serde_json::from_str(text).context("package-lock.json is not JSON")?;
    let packages = lock["packages"]
        .as_object()
        .context("package-lock.json has no packages")?;
    let mut found = Vec::new();
    for (path, package) in packages {
        let Some((_, name)) = path.rsplit_once("node_modules/") else {
            continue;
        };
        if package["dev"] == true || package["optional"] == true {
            continue;
        }
        let version = package["version"]
            .as_str()
            .with_context(|| format!("{path}: no version"))?;
        found.push(Component {
            kind: "npm",
            name: name.to_owned(),
            version: version.to_owned(),
            purl: format!(
                "pkg:npm/{}@{}",
                percent_encode(name),
                percent_encode(version)
            ),
        });
    }
    Ok(found)
}

/// The SPDX document, pretty-printed, with a final newline.
///
/// `created` is an RFC 3339 time in UTC with whole seconds; `product` and `version` name the image.
#[must_use]
pub(crate) fn document(
    product: &str,
    version: &str,
    created: &str,
    components: &[Component],
) -> String {
    let sorted: BTreeSet<&Component> = components.iter().collect();
    let root = "SPDXRef-Image";
    let mut packages = vec![json!({
        "SPDXID": root,
        "name": product,
        "versionInfo": version,
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": false,
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": "Apache-2.0",
        "copyrightText": "NOASSERTION",
    })];
    let mut relationships = vec![relationship("SPDXRef-DOCUMENT", "DESCRIBES", root)];
    for (number, component) in sorted.iter().enumerate() {
        let id = format!("SPDXRef-{}-{number}", component.kind);
        packages.push(json!({
            "SPDXID": id,
            "name": component.name,
            "versionInfo": component.version,
            "downloadLocation": "NOASSERTION",
            "filesAnalyzed": false,
            "licenseConcluded": "NOASSERTION",
            "licenseDeclared": "NOASSERTION",
            "copyrightText": "NOASSERTION",
            "externalRefs": [{
                "referenceCategory": "PACKAGE-MANAGER",
                "referenceType": "purl",
                "referenceLocator": component.purl,
            }],
        }));
        relationships.push(relationship(root, "CONTAINS", &id));
    }
    let document = json!({
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": format!("{product}-{version}"),
        "documentNamespace": format!("https://spdx.org/spdxdocs/{product}-{version}-{created}"),
        "creationInfo": { "created": created, "creators": ["Tool: qx-image"] },
        "packages": packages,
        "relationships": relationships,
    });
    format!("{document:#}\n")
}

fn relationship(from: &str, kind: &str, to: &str) -> Value {
    json!({ "spdxElementId": from, "relationshipType": kind, "relatedSpdxElement": to })
}

/// Percent-encodes what a package URL's version or name may not carry.
fn percent_encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b".-_~:/".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_source_gives_its_components() {
        let debian =
            debian_packages("openrc\t0.56-1\tamd64\nqemu-utils\t1:10.0+ds-1\tamd64\n").unwrap();
        assert_eq!(
            debian[1].purl,
            "pkg:deb/debian/qemu-utils@1:10.0%2Bds-1?arch=amd64&distro=trixie"
        );

        let cargo = cargo_lock(
            "version = 4\n[[package]]\nname = \"qx\"\nversion = \"0.1.0\"\n\
             [[package]]\nname = \"blake3\"\nversion = \"1.8.7\"\nsource = \"registry+x\"\n\
             [[package]]\nname = \"proptest\"\nversion = \"1.12.0\"\nsource = \"registry+x\"\n",
            "qx v0.1.0 (/src/cli)\nblake3 v1.8.7\n",
        )
        .unwrap();
        assert_eq!(cargo.len(), 1);
        assert_eq!(cargo[0].purl, "pkg:cargo/blake3@1.8.7");

        let npm = npm_lock(
            r#"{"packages":{"":{},"node_modules/@xterm/xterm":{"version":"6.0.0"},
                "node_modules/vite":{"version":"8.0.0","dev":true}}}"#,
        )
        .unwrap();
        assert_eq!(npm.len(), 1);
        assert_eq!(npm[0].purl, "pkg:npm/%40xterm/xterm@6.0.0");
    }

    #[test]
    fn a_broken_list_is_refused_with_its_place() {
        let error = debian_packages("good\t1\tamd64\nbad line\n").unwrap_err();
        assert!(error.to_string().contains("line 2"), "{error}");
        assert!(cargo_lock("[x", "").is_err());
        assert!(npm_lock("{}").is_err());
    }

    #[test]
    fn the_document_does_not_depend_on_order() {
        let mut components = debian_packages("b\t1\tall\na\t2\tamd64\n").unwrap();
        let one = document("quantix-os", "0.1.0", "2026-01-01T00:00:00Z", &components);
        components.reverse();
        assert_eq!(
            one,
            document("quantix-os", "0.1.0", "2026-01-01T00:00:00Z", &components)
        );
        let parsed: Value = serde_json::from_str(&one).unwrap();
        assert_eq!(parsed["packages"].as_array().unwrap().len(), 3);
        assert_eq!(parsed["spdxVersion"], "SPDX-2.3");
    }
}
