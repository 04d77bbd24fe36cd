//! Updates from a signed feed: a directory of a web server, reached over HTTPS with an authority of the host's own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use qx_e2e::bundle::{self, Fault};
use qx_e2e::installed::{blank, installs, opens};
use qx_e2e::updates::{apply, confirmed, slot, wait};
use qx_e2e::{Api, Bus, Image, Lab, Machine, image, minutes, seed};
use qx_fetch::testing::{self, Server};
use serde_json::{Value, json};

const GIB: u64 = 1 << 30;

/// A feed's directory, signed anew whenever it changes.
struct Feed {
    directory: PathBuf,
    server: Server,
}

impl Feed {
    fn new(lab: &Lab) -> Result<Self> {
        let directory = lab.dir().join("feed");
        fs::create_dir(&directory)?;
        let server = Server::start(&directory);
        Ok(Self { directory, server })
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// Adds a version, and signs the index.
    fn release(&self, version: &str) -> Result<()> {
        bundle::make(&self.directory, version, Fault::None)?;
        self.sign()
    }

    fn sign(&self) -> Result<()> {
        let keys = image::output().join("keys");
        let signed = Command::new(image::repository().join("builder/image-tool.sh"))
            .args(["feed", "--directory"])
            .arg(&self.directory)
            .arg("--key")
            .arg(keys.join("dev.key"))
            .arg("--keys")
            .arg(keys.join("trust"))
            .output()
            .context("cannot run qx-image")?;
        ensure!(signed.status.success(), "qx-image feed: {signed:?}");
        Ok(())
    }
}

fn install(lab: &Lab, feed: &Feed) -> Result<Machine> {
    let disk = blank(&lab.dir().join("disk.img"), 2 * GIB)?;
    let answer = format!(
        "version = 1\n[install]\ndisk = \"auto\"\n[system]\nhostname = \"qx-feed\"\n\
         root_password = \"correct horse 42\"\n[updates]\nfeed = \"{}\"\nchannel = \"dev\"\n[proxy]\n\
         ca_certificates = [\"\"\"{}\"\"\"]\n",
        // The build machine, as QEMU's network shows it.
        feed.server.url("10.0.2.2"),
        feed.server.authority()
    );
    let machine = lab
        .machine("host")
        .secure_boot()
        .memory_mib(1024)
        .drive(&disk, "raw", Bus::Virtio)
        .cd(Image::latest()?.iso())
        .usb_stick(&seed::volume(lab.dir(), &answer)?)
        .start()?;
    installs(lab, &machine)?;
    Ok(machine)
}

/// Asks the feed; what it offers then.
fn check(api: &Api) -> Result<Value> {
    let updates = api.post("/api/v1/updates/check", &json!({}))?.expect(200)?;
    ensure!(updates["feed"]["problem"].is_null(), "{updates}");
    Ok(updates["feed"]["offer"].clone())
}

/// Asks the feed, which must not be believed, for this reason.
fn not_believed(api: &Api, why: &str) -> Result<()> {
    let reply = api.post("/api/v1/updates/check", &json!({}))?;
    ensure!(reply.status == 503, "{reply:?}");
    ensure!(reply.body.to_string().contains(why), "{why}: {reply:?}");
    let updates = api.get("/api/v1/updates")?.expect(200)?;
    let problem = updates["feed"]["problem"].to_string();
    ensure!(problem.contains(why), "{why}: {updates}");
    ensure!(updates["feed"]["offer"].is_null(), "{updates}");
    Ok(())
}

/// Fetches what is offered, and waits until it ended as `state`.
fn fetch(api: &mut Api, state: &str) -> Result<Value> {
    api.post("/api/v1/updates/fetch", &json!({}))?.expect(202)?;
    wait(
        api,
        &format!("the fetch to be {state}"),
        minutes(10),
        |now| now["transfer"]["source"] == "feed" && now["transfer"]["state"] == state,
    )
}

#[test]
#[ignore = "an installation and two boots, about 10 minutes"]
fn a_signed_feed_is_checked_fetched_applied_and_confirmed_and_a_wrong_one_is_not_believed() {
    Lab::run("Feed", |lab| {
        let feed = Feed::new(lab)?;
        let machine = install(lab, &feed)?;
        let mut api = opens(&machine)?;
        wrong_indexes(&api, &feed)?;
        lab.step("a feed that is absent, or signed by nobody who is trusted, is not believed");

        another_bundle_than_the_index_says(&mut api, &feed)?;
        lab.step("a bundle that is not the one in the index is refused");

        feed.sign()?;
        ensure!(check(&api)?["version"] == "0.2.0", "no offer of 0.2.0");
        let cut = testing::Fault::Cut {
            after: 40_000_000,
            times: 1,
        };
        feed.server.fault("0.2.0.qxu", cut);
        let updates = fetch(&mut api, "done")?;
        ensure!(slot(&updates, "B")["version"] == "0.2.0", "{updates}");
        ensure!(feed.server.cuts() == 1, "the connection was never cut");
        let asked = feed.server.asked("0.2.0.qxu");
        ensure!(
            asked
                .last()
                .is_some_and(|first| first.is_some_and(|first| first > 0)),
            "the download began anew: {asked:?}"
        );
        lab.step("fetched, over a connection that broke");
        apply(&api)?;
        confirmed(&mut api, "B", "0.2.0")?;
        lab.step("0.2.0 runs from slot B and is confirmed");
        ensure!(check(&api)?.is_null(), "the version that runs is offered");
        the_other_slot_is_written_anew(&mut api, &feed)?;
        lab.step("the other slot was discarded, and holds the running version");
        Ok(())
    });
}

fn wrong_indexes(api: &Api, feed: &Feed) -> Result<()> {
    not_believed(api, "404")?;
    feed.release("0.2.0")?;
    let index = feed.file("index.json");
    let signed = fs::read_to_string(&index)?;
    let changed = signed.replace("0.2.0", "0.2.9");
    ensure!(changed != signed, "the index does not name its version");
    fs::write(&index, changed)?;
    not_believed(api, "no trusted key signed the feed's index")?;
    fs::write(&index, signed)?;
    let offer = check(api)?;
    ensure!(offer["version"] == "0.2.0", "offer: {offer}");
    Ok(())
}

/// The index is right and the bundle has one bit more or less.
fn another_bundle_than_the_index_says(api: &mut Api, feed: &Feed) -> Result<()> {
    let file = feed.file("0.2.0.qxu");
    flip(&file, 60_000_000)?;
    let updates = fetch(api, "failed")?;
    let problem = updates["transfer"]["problem"].to_string();
    ensure!(problem.contains("was changed"), "{updates}");
    ensure!(slot(&updates, "B")["state"] == "empty", "{updates}");
    let refused = api.post("/api/v1/updates/apply", &json!({"restart": true}))?;
    ensure!(refused.status == 409, "{refused:?}");
    flip(&file, 60_000_000)
}

fn flip(file: &Path, at: usize) -> Result<()> {
    let mut bytes = fs::read(file)?;
    bytes[at] ^= 1;
    Ok(fs::write(file, bytes)?)
}

/// Slot A holds the version before.
fn the_other_slot_is_written_anew(api: &mut Api, feed: &Feed) -> Result<()> {
    feed.release("0.3.0")?;
    ensure!(check(api)?["version"] == "0.3.0", "no offer of 0.3.0");
    let updates = fetch(api, "done")?;
    ensure!(slot(&updates, "A")["version"] == "0.3.0", "{updates}");
    let updates = api.delete("/api/v1/updates/upload")?.expect(200)?;
    ensure!(slot(&updates, "A")["state"] == "empty", "{updates}");
    let refused = api.post("/api/v1/updates/rollback", &json!({"restart": true}))?;
    ensure!(refused.status == 409, "{refused:?}");

    api.post("/api/v1/updates/reinstall", &json!({}))?
        .expect(202)?;
    let updates = wait(api, "the re-installation", minutes(10), |now| {
        now["transfer"]["source"] == "reinstall" && now["transfer"]["state"] == "done"
    })?;
    let (a, b) = (slot(&updates, "A"), slot(&updates, "B"));
    ensure!(a["state"] == "good" && a["running"] == false, "{updates}");
    ensure!(a["build_id"] == b["build_id"], "{updates}");
    ensure!(b["confirmed"] == true, "{updates}");
    api.post("/api/v1/updates/rollback", &json!({"restart": true}))?
        .expect(200)?;
    confirmed(api, "A", "0.2.0").map(drop)
}
