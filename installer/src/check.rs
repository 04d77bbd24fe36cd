//! Checking an answer file, on any machine.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use qx_host::config::{AnswerFile, DiskChoice, Install, parse_answer};

/// Reads the answer file at `file`: a sentence about what it does, or what is wrong with it, each as
/// `FILE: line N: …`.
///
/// # Errors
/// When the file can't be read at all.
pub fn check(file: &Path) -> Result<Result<String, Vec<String>>> {
    let name = file.display();
    let bytes = fs::read(file).with_context(|| format!("cannot read {name}"))?;
    let text = match str::from_utf8(&bytes) {
        Ok(text) => text,
        Err(error) => {
            let before = &bytes[..error.valid_up_to()];
            let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
            return Ok(Err(vec![format!("{name}: line {line}: not UTF-8 text")]));
        }
    };
    Ok(match parse_answer(text) {
        Ok(answer) => Ok(format!(
            "{name} is a valid answer file; {}",
            effect(&answer)
        )),
        Err(problems) => Err(problems
            .iter()
            .map(|problem| format!("{name}: {problem}"))
            .collect()),
    })
}

fn effect(answer: &AnswerFile) -> String {
    match &answer.install {
        Some(install) => installation(install),
        None => "it configures the live system".to_owned(),
    }
}

fn installation(install: &Install) -> String {
    let disk = disk(&install.disk);
    let mirror = match &install.mirror {
        None => String::new(),
        Some(DiskChoice::Auto) => ", mirrored on the only other one,".to_owned(),
        Some(choice) => format!(", mirrored on {},", self::disk(choice)),
    };
    let wipe = match (install.keep_data, install.wipe) {
        (true, _) => " anew and keeps the data that is on it",
        (false, true) => " and erases what is there",
        (false, false) => " if that is empty",
    };
    let end = if install.poweroff {
        "switches the machine off"
    } else {
        "restarts the machine"
    };
    format!("it installs on {disk}{mirror}{wipe}, then {end}")
}

fn disk(choice: &DiskChoice) -> String {
    match choice {
        DiskChoice::Auto => "the disk that auto finds".to_owned(),
        DiskChoice::Smallest => "the smallest fixed disk that is large enough".to_owned(),
        DiskChoice::Largest => "the largest fixed disk".to_owned(),
        DiskChoice::Path(path) => path.display().to_string(),
        DiskChoice::Serial(serial) => format!("the disk with serial number {serial}"),
        DiskChoice::Wwn(wwn) => format!("the disk with WWN {wwn}"),
    }
}
