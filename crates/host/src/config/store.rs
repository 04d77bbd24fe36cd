//! The configuration on disk:
//!
//! ```text
//! DIR/config.toml                what is meant to be in force; people may edit it
//! DIR/config.d/00000042.toml     generations that were in force, newest = highest number
//! DIR/config.d/00000042.blake3   hex of the generation's hash: a torn one is recognised
//! ```
//!
//! A save writes the generation, its hash, and only then `config.toml`, each durably, so that a power cut
//! at any point leaves a configuration that loads.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::read::{Parsed, parse};
use super::schema::Config;
use super::status::{Source, Status};
use crate::durable;

const CURRENT: &str = "config.toml";
const GENERATIONS: &str = "config.d";
/// Generations that are kept.
const KEEP: usize = 10;
/// The configuration may hold a password hash: root's alone.
const MODE: u32 = 0o600;

/// The directory that holds the configuration, `/quantix` on the product.
#[derive(Debug, Clone)]
pub struct Store {
    dir: PathBuf,
}

/// What a load found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// What to put into force.
    pub config: Config,
    /// Where it came from and what was wrong.
    pub status: Status,
}

/// Why the configuration could not be saved.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {path}")]
pub struct StoreError {
    path: PathBuf,
    source: io::Error,
}

impl Store {
    /// A store in `dir`, which must exist by the time something is saved.
    #[must_use]
    pub fn new(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
        }
    }

    /// Finds the configuration to use. Never fails: what is unusable is passed over and named in the
    /// status. A usable `config.toml` that somebody edited becomes a generation, and a plain-text
    /// password in it is replaced by its hash.
    #[must_use]
    pub fn load(&self) -> Loaded {
        self.find(Self::record)
    }

    /// Finds the configuration to use like [`Self::load`], but writes nothing.
    #[must_use]
    pub fn peek(&self) -> Loaded {
        self.find(|_, _, _| Ok(None))
    }

    fn find(&self, record: Recorder) -> Loaded {
        let mut problems = Vec::new();
        match self.read_current(&mut problems) {
            Current::Good(text, parsed) => return self.accept(text, *parsed, problems, record),
            Current::Absent if self.numbers().is_empty() => {
                let status = Status {
                    source: Source::Defaults,
                    generation: None,
                    problems,
                };
                return Loaded {
                    config: Config::default(),
                    status,
                };
            }
            Current::Absent => problems.push(format!("{CURRENT} is missing")),
            Current::Bad => {}
        }
        self.fall_back(problems)
    }

    /// Makes `config` the current configuration and the newest generation; returns its number.
    ///
    /// # Errors
    /// When a file cannot be written; what was in force before still is.
    pub fn save(&self, config: &Config) -> Result<u64, StoreError> {
        let text = config.to_toml();
        let number = self.add_generation(&text)?;
        self.write(&self.dir.join(CURRENT), &text)?;
        Ok(number)
    }

    fn read_current(&self, problems: &mut Vec<String>) -> Current {
        let bytes = match fs::read(self.dir.join(CURRENT)) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Current::Absent,
            Err(error) => {
                problems.push(format!("{CURRENT} cannot be read: {error}"));
                return Current::Bad;
            }
        };
        let text = match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => {
                let offset = error.utf8_error().valid_up_to();
                let lines = error.as_bytes()[..offset]
                    .iter()
                    .filter(|b| **b == b'\n')
                    .count();
                problems.push(format!("{CURRENT} line {}: not UTF-8 text", lines + 1));
                return Current::Bad;
            }
        };
        match parse(&text) {
            Ok(parsed) => Current::Good(text, Box::new(parsed)),
            Err(found) => {
                problems.extend(found.iter().map(|problem| format!("{CURRENT} {problem}")));
                Current::Bad
            }
        }
    }

    /// Takes a good `config.toml`, recording it as a generation unless it is the newest already.
    fn accept(
        &self,
        text: String,
        parsed: Parsed,
        mut problems: Vec<String>,
        record: Recorder,
    ) -> Loaded {
        let (text, rewritten) = without_plain_password(text, &parsed);
        let generation = match self.newest_good() {
            Some((number, known, _)) if known == text && !rewritten => Some(number),
            _ => record(self, &text, rewritten).unwrap_or_else(|error| {
                problems.push(format!("{error}: {}", error.source));
                None
            }),
        };
        let status = Status {
            source: Source::Current,
            generation,
            problems,
        };
        Loaded {
            config: parsed.config,
            status,
        }
    }

    fn record(&self, text: &str, rewrite_current: bool) -> Result<Option<u64>, StoreError> {
        let number = self.add_generation(text)?;
        if rewrite_current {
            self.write(&self.dir.join(CURRENT), text)?;
        }
        Ok(Some(number))
    }

    fn fall_back(&self, mut problems: Vec<String>) -> Loaded {
        let (config, source, generation) = match self.newest_good() {
            Some((number, _, config)) => {
                problems.push(format!(
                    "using generation {number} of the configuration instead"
                ));
                (config, Source::Generation, Some(number))
            }
            None => {
                problems.push("no good generation: using defaults".to_owned());
                (Config::default(), Source::Defaults, None)
            }
        };
        Loaded {
            config,
            status: Status {
                source,
                generation,
                problems,
            },
        }
    }

    /// Changes with everything that is stored.
    #[must_use]
    pub fn revision(&self) -> String {
        let hash = blake3::hash(self.peek().config.to_toml().as_bytes()).to_hex();
        hash.chars().take(16).collect()
    }

    /// The newest good generation that `wanted` says yes to.
    #[must_use]
    pub fn newest(&self, wanted: impl Fn(&Config) -> bool) -> Option<Config> {
        let found = self.newest_good_of(wanted);
        found.map(|(_, _, config)| config)
    }

    /// The newest generation whose hash matches and that this release can read.
    fn newest_good(&self) -> Option<(u64, String, Config)> {
        self.newest_good_of(|_| true)
    }

    fn newest_good_of(&self, wanted: impl Fn(&Config) -> bool) -> Option<(u64, String, Config)> {
        self.numbers().into_iter().rev().find_map(|number| {
            let text = fs::read_to_string(self.path(number, "toml")).ok()?;
            let hash = fs::read_to_string(self.path(number, "blake3")).ok()?;
            let intact = hash.trim_end() == blake3::hash(text.as_bytes()).to_hex().as_str();
            let config = parse(&text).ok()?.config;
            (intact && wanted(&config)).then_some((number, text, config))
        })
    }

    fn add_generation(&self, text: &str) -> Result<u64, StoreError> {
        let dir = self.dir.join(GENERATIONS);
        fs::create_dir_all(&dir).map_err(|source| StoreError {
            path: dir.clone(),
            source,
        })?;
        durable::sync_parent(&dir).map_err(|source| StoreError { path: dir, source })?;
        let numbers = self.numbers();
        let number = numbers.last().map_or(1, |newest| newest + 1);
        self.write(&self.path(number, "toml"), text)?;
        let hash = format!("{}\n", blake3::hash(text.as_bytes()).to_hex());
        self.write(&self.path(number, "blake3"), &hash)?;
        for old in numbers.iter().rev().skip(KEEP - 1) {
            // Left-over generations cost a few bytes; the next save tries again.
            let _ = fs::remove_file(self.path(*old, "blake3"));
            let _ = fs::remove_file(self.path(*old, "toml"));
        }
        Ok(number)
    }

    fn write(&self, path: &Path, text: &str) -> Result<(), StoreError> {
        durable::replace(path, text.as_bytes(), MODE).map_err(|source| StoreError {
            path: path.to_owned(),
            source,
        })
    }

    fn path(&self, number: u64, extension: &str) -> PathBuf {
        self.dir
            .join(GENERATIONS)
            .join(format!("{number:08}.{extension}"))
    }

    /// Numbers of the generations there are, oldest first, good or not.
    fn numbers(&self) -> Vec<u64> {
        let Ok(entries) = fs::read_dir(self.dir.join(GENERATIONS)) else {
            return Vec::new();
        };
        let mut numbers: Vec<u64> = entries
            .flatten()
            .filter_map(|entry| {
                entry
                    .file_name()
                    .to_str()?
                    .strip_suffix(".toml")?
                    .parse()
                    .ok()
            })
            .collect();
        numbers.sort_unstable();
        numbers
    }
}

/// Records an accepted text as a generation, and as `config.toml` if the flag says so.
type Recorder = fn(&Store, &str, bool) -> Result<Option<u64>, StoreError>;

enum Current {
    Absent,
    Bad,
    Good(String, Box<Parsed>),
}

/// The text with a plain-text password replaced by its hash, and whether that was needed.
fn without_plain_password(mut text: String, parsed: &Parsed) -> (String, bool) {
    let hash = &parsed.config.system.root_password_hash;
    let (Some(span), Some(hash)) = (&parsed.plain_password, hash) else {
        return (text, false);
    };
    let replacement = format!("root_password_hash = \"{}\"", hash.as_str());
    text.replace_range(span.clone(), &replacement);
    (text, true)
}
