//! The image on a disk of its own, as an installation leaves it.

use anyhow::{Context, Result, ensure};
use qx_e2e::disk::InstalledDisk;
use qx_e2e::run::one_time_password;
use qx_e2e::{Api, Image, Lab, Machine, minutes};
use serde_json::{Value, json};

const BOOT: std::time::Duration = minutes(15);
const PASSWORD: &str = "correct horse 42";

/// The console says what is wrong with the file and the host runs with what was good: the defaults when
/// nothing ever was, else the last good generation.
#[test]
fn a_broken_configuration_falls_back_and_is_explained() {
    Lab::run("Broken configuration", |lab| {
        let misspelt = "version = 1\n[system]\nhostnam = \"kept\"\n";
        let disk = InstalledDisk::make(&Image::latest()?, lab.dir(), misspelt)?;

        let machine = disk.machine(lab, "misspelt").start()?;
        machine.wait_ready(BOOT)?;
        machine.serial().wait_for("unknown key", minutes(2))?;
        let shown =
            machine
                .serial()
                .wait_screen("the one-time password", minutes(2), one_time_password)?;
        let host = host(&machine, &shown)?;
        ensure!(host["boot"]["mode"] == "slot", "boot: {}", host["boot"]);
        ensure!(host["boot"]["slot"] == "A", "boot: {}", host["boot"]);
        ensure!(host["data"]["kind"] == "disk", "data: {}", host["data"]);
        ensure!(host["hostname"] == "quantix", "host: {}", host["hostname"]);
        expect_config(&host, "defaults", "line 3: unknown key `hostnam`")?;
        machine.power_cut();
        lab.step("a misspelt key: defaults, and the console says where");

        let good =
            format!("version = 1\n[system]\nhostname = \"kept\"\nroot_password = \"{PASSWORD}\"\n");
        disk.replace_config(lab.dir(), &good)?;
        let machine = disk.machine(lab, "good").start()?;
        machine.wait_ready(BOOT)?;
        let host = self::host(&machine, PASSWORD)?;
        ensure!(host["hostname"] == "kept", "host: {}", host["hostname"]);
        ensure!(
            host["config"]["source"] == "current" && host["config"]["problems"] == json!([]),
            "config: {}",
            host["config"]
        );
        machine.power_cut();
        lab.step("a good file: in force");

        disk.replace_config(lab.dir(), "version = 1\n[system")?;
        let machine = disk.machine(lab, "torn").start()?;
        machine.wait_ready(BOOT)?;
        let host = self::host(&machine, PASSWORD)?;
        ensure!(host["hostname"] == "kept", "host: {}", host["hostname"]);
        expect_config(&host, "generation", "config.toml line 2")?;
        machine
            .serial()
            .wait_for("config.toml line 2", minutes(2))?;
        machine.power_cut();
        lab.step("a torn file: the last good generation, and the console says so");

        disk.tear_config(lab.dir())?;
        let machine = disk.machine(lab, "torn-super-block").start()?;
        machine.wait_ready(BOOT)?;
        let host = self::host(&machine, PASSWORD)?;
        ensure!(host["hostname"] == "kept", "host: {}", host["hostname"]);
        let warnings = host["boot"]["warnings"].to_string();
        ensure!(warnings.contains("is repaired"), "warnings: {warnings}");
        ensure!(
            host["boot"]["config"] == "partition",
            "boot: {}",
            host["boot"]
        );
        lab.step("a torn super block: repaired, and said so");
        Ok(())
    });
}

fn host(machine: &Machine, password: &str) -> Result<Value> {
    let mut api: Api = machine.api()?;
    api.log_in("root", password)?;
    api.get("/api/v1/host")?.expect(200)
}

fn expect_config(host: &Value, source: &str, problem: &str) -> Result<()> {
    let config = &host["config"];
    ensure!(config["source"] == source, "config: {config}");
    let problems = config["problems"].as_array().context("no problems")?;
    ensure!(
        problems
            .iter()
            .any(|said| said.as_str().is_some_and(|said| said.contains(problem))),
        "config: {config}"
    );
    Ok(())
}
