//! What no single run can show (`make soak`): power that goes at random moments, random flipped bits,
//! generated requests. Each goes on for `SOAK_MINUTES` (60 unless set) and prints its seed; `SOAK_SEED`
//! repeats it.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use fastrand::Rng;
use qx_e2e::deadline::Look;
use qx_e2e::run::one_time_password;
use qx_e2e::tamper::{REFUSALS, TamperedIso};
use qx_e2e::{Bus, Image, Lab, image, minutes, poll, seconds};
use serde_json::{Value, json};

const BOOT: Duration = minutes(15);

/// Runs rounds until the time is over; at least one. Returns how many.
fn rounds(lab: &Lab, mut round: impl FnMut(&mut Rng, u32) -> Result<()>) -> Result<u32> {
    let from_environment = |name: &str| -> Result<Option<u64>> {
        let text = std::env::var(name).ok();
        let number = text.map(|text| text.parse().with_context(|| format!("{name}={text}")));
        number.transpose()
    };
    let time = minutes(from_environment("SOAK_MINUTES")?.unwrap_or(60));
    let seed = from_environment("SOAK_SEED")?.unwrap_or_else(|| fastrand::u64(..));
    lab.step(&format!("SOAK_SEED={seed}"));
    let mut rng = Rng::with_seed(seed);
    let start = Instant::now();
    let mut done = 0;
    while done == 0 || start.elapsed() < time {
        round(&mut rng, done).with_context(|| format!("SOAK_SEED={seed}, round {done}"))?;
        done += 1;
    }
    Ok(done)
}

#[test]
#[ignore = "hours"]
fn soak_power_goes_at_random_moments() {
    Lab::run("Soak: power cuts", |lab| {
        let image = Image::latest()?;
        let machine = lab.machine("host").cd(image.iso()).disk(Bus::Virtio, 4);
        let start = Instant::now();
        let machine = machine.start()?;
        machine.wait_ready(BOOT)?;
        let boot = start.elapsed();
        let mut off = Some(machine.power_cut());
        let (mut early, mut late) = (0, 0);
        let done = rounds(lab, |rng, round| {
            let machine = off.take().context("the machine is gone")?.start()?;
            // Every other cut hits the boot, however fast the machine.
            let latest = if round % 2 == 0 { boot / 2 } else { boot * 2 };
            std::thread::sleep(latest.mul_f64(rng.f64()));
            // A look at the screen holds nothing up, so the power goes at its moment.
            let up = one_time_password(&machine.serial().screen()).is_some();
            *(if up { &mut late } else { &mut early }) += 1;
            let machine = machine.power_cut().start()?;
            machine.wait_ready(BOOT)?;
            off = Some(machine.power_cut());
            Ok(())
        })?;
        lab.step(&format!(
            "{done} power cuts, {early} before the console was up and {late} after; each was followed \
             by a whole boot"
        ));
        ensure!(early > 0, "no power cut hit a boot");
        Ok(())
    });
}

#[test]
#[ignore = "hours"]
fn soak_flipped_bits_are_refused() {
    Lab::run("Soak: flipped bits", |lab| {
        let image = Image::latest()?;
        let done = rounds(lab, |rng, _| {
            let iso = TamperedIso::copy(&image, lab.dir())?;
            let parts = [&image::PARTS[..], &["manifest.json", "manifest.sig"]].concat();
            let part = parts[rng.usize(..parts.len())];
            let offset = rng.u64(..iso.length(part)?);
            iso.flip_bit(part, offset, rng.u8(..8))?;
            lab.step(&format!("one bit of {part} at {offset}"));
            let machine = lab.machine("host").secure_boot().cd(iso.path()).start()?;
            machine.serial().wait_text("a refusal", BOOT, |text| {
                REFUSALS
                    .iter()
                    .any(|words| text.contains(words))
                    .then_some(())
            })
        })?;
        lab.step(&format!("{done} flipped bits, all refused"));
        Ok(())
    });
}

#[test]
#[ignore = "hours"]
fn soak_generated_requests_never_break_the_host() {
    Lab::run("Soak: generated requests", |lab| {
        let image = Image::latest()?;
        let machine = lab.machine("host").cd(image.iso()).start()?;
        machine.wait_ready(BOOT)?;
        let mut api = machine.api()?;
        let password =
            machine
                .serial()
                .wait_screen("the one-time password", minutes(2), one_time_password)?;
        api.log_in("root", &password)?;
        let operations = operations(&api.get("/api/v1/openapi.json")?.expect(200)?)?;
        let mut answers = std::collections::BTreeMap::<u16, u64>::new();
        let done = rounds(lab, |rng, _| {
            let (method, path) = &operations[rng.usize(..operations.len())];
            let path = fill_in(rng, path);
            let body = generated(rng, 3);
            let reply = match method.as_str() {
                "get" => api.get(&path),
                "delete" => api.delete(&path),
                "put" => api.put(&path, body.to_string().into_bytes()),
                _ => api.post(&path, &body),
            }?;
            *answers.entry(reply.status).or_default() += 1;
            ensure!(
                reply.status < 500,
                "{method} {path} with {body}: {} {}",
                reply.status,
                reply.body
            );
            Ok(())
        })?;
        lab.step(&format!("{done} requests, answered with {answers:?}"));
        ensure!(answers.len() > 2, "the requests were all alike");
        poll("the host to be ready still", seconds(60), || {
            Ok(match api.get("/readyz")?.status {
                200 => Look::Done(()),
                other => Look::NotYet(other.to_string()),
            })
        })
    });
}

/// Every operation of the host's own description but those that would end the session or stay open.
fn operations(description: &Value) -> Result<Vec<(String, String)>> {
    let paths = description["paths"].as_object().context("no paths")?;
    let mut found = Vec::new();
    for (path, methods) in paths {
        for method in methods.as_object().context("no methods")?.keys() {
            let keeps = path.ends_with("/session") || path.ends_with("/events");
            if !keeps {
                found.push((method.clone(), path.clone()));
            }
        }
    }
    if found.len() < 10 {
        bail!("the description names only {} operations", found.len());
    }
    Ok(found)
}

const WORDS: [&str; 14] = [
    "",
    "a",
    "vm-1",
    "../../etc/passwd",
    "%00",
    "ü",
    "0",
    "-1",
    "null",
    "default",
    "br0",
    "bios",
    "00000000-0000-0000-0000-000000000000",
    "<a>&'\"",
];
const FIELDS: [&str; 12] = [
    "id",
    "name",
    "description",
    "vcpus",
    "memory_mib",
    "firmware",
    "disks",
    "nics",
    "cdrom",
    "image",
    "size_bytes",
    "type",
];

fn fill_in(rng: &mut Rng, path: &str) -> String {
    let word = |rng: &mut Rng| {
        let bytes = WORDS[rng.usize(..WORDS.len())].bytes();
        bytes.map(|byte| format!("%{byte:02x}")).collect::<String>()
    };
    let mut whole = String::new();
    for segment in path.split('/').skip(1) {
        whole.push('/');
        if segment.starts_with('{') {
            whole.push_str(&word(rng));
        } else {
            whole.push_str(segment);
        }
    }
    if rng.u8(..4) == 0 {
        whole.push_str(&format!(
            "?{}={}",
            FIELDS[rng.usize(..FIELDS.len())],
            word(rng)
        ));
    }
    whole
}

/// Any JSON: mostly objects with the fields that the API knows, their values mostly wrong.
fn generated(rng: &mut Rng, depth: u8) -> Value {
    match rng.u8(..if depth == 0 { 5 } else { 8 }) {
        0 => Value::Null,
        1 => json!(rng.bool()),
        2 => json!(rng.i64(..)),
        3 => json!(rng.i64(-2..5000)),
        4 => json!(WORDS[rng.usize(..WORDS.len())]),
        5 => (0..rng.usize(..4))
            .map(|_| generated(rng, depth - 1))
            .collect(),
        _ => (0..rng.usize(..6))
            .map(|_| {
                let field = FIELDS[rng.usize(..FIELDS.len())].to_owned();
                (field, generated(rng, depth - 1))
            })
            .collect::<serde_json::Map<_, _>>()
            .into(),
    }
}
