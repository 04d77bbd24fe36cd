//! A log line by line: the newest, and then those that come after them, also when the file is begun anew.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::kernel::Kernel;
use super::{DAEMON, Log, MOST, Places, newest, tail};

/// Bytes that are read at once.
const PIECE: u64 = 256 << 10;
/// A line that is longer is cut, in bytes.
const LONGEST: usize = 64 << 10;

/// Which lines of a log are wanted.
#[derive(Debug, Clone)]
pub struct Wish {
    /// The log.
    pub log: Log,
    /// How many of the newest at most.
    pub lines: usize,
    /// Only those that contain this, upper and lower case being the same; empty is all.
    pub contains: String,
}

impl Wish {
    fn keeps(&self, line: &str) -> bool {
        let of_daemon = self.log != Log::Daemon || line.contains(DAEMON);
        let wanted = self.contains.to_lowercase();
        of_daemon && (wanted.is_empty() || line.to_lowercase().contains(&wanted))
    }
}

/// A log that is read on.
#[derive(Debug)]
pub struct Follower {
    source: Source,
    wish: Wish,
}

#[derive(Debug)]
enum Source {
    File(Tail),
    Kernel(Kernel),
}

impl Follower {
    /// Opens a log; with the newest lines that are there now. A file that is not there yet is an empty log.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn open(places: &Places, wish: Wish) -> io::Result<(Self, Vec<String>)> {
        let path = places.file(wish.log);
        let (source, mut lines) = if wish.log == Log::Kernel {
            let mut kernel = Kernel::open(&path)?;
            let lines = texts(kernel.more()?);
            (Source::Kernel(kernel), lines)
        } else {
            let (tail_of, newest) = Tail::open(path)?;
            let earlier = places
                .earlier(wish.log)
                .and_then(|path| tail(&path, MOST).ok());
            let mut lines: Vec<String> = earlier
                .iter()
                .flat_map(|text| text.lines())
                .map(str::to_owned)
                .collect();
            lines.extend(newest);
            (Source::File(tail_of), lines)
        };
        lines.retain(|line| wish.keeps(line));
        lines.drain(..lines.len().saturating_sub(wish.lines));
        Ok((Self { source, wish }, lines))
    }

    /// The lines that have come since; none when there are none yet. There may be more at once.
    ///
    /// # Errors
    /// When it can't be read any more.
    pub fn more(&mut self) -> io::Result<Vec<String>> {
        let mut lines = match &mut self.source {
            Source::File(tail) => tail.more()?,
            Source::Kernel(kernel) => texts(kernel.more()?),
        };
        lines.retain(|line| self.wish.keeps(line));
        Ok(lines)
    }
}

fn texts(records: Vec<(u64, String)>) -> Vec<String> {
    records.into_iter().map(|(_, line)| line).collect()
}

/// A file that grows, and is put aside for a new one now and then.
#[derive(Debug)]
struct Tail {
    path: PathBuf,
    file: Option<File>,
    /// What was read of a line that is not over.
    half: Vec<u8>,
}

impl Tail {
    fn open(path: PathBuf) -> io::Result<(Self, Vec<String>)> {
        let mut file = opened(&path)?;
        let newest = file.as_mut().map(|file| newest(file, MOST));
        let bytes = newest.transpose()?.unwrap_or_default();
        let mut tail = Self {
            path,
            file,
            half: Vec::new(),
        };
        let lines = tail.lines(bytes);
        Ok((tail, lines))
    }

    fn more(&mut self) -> io::Result<Vec<String>> {
        let bytes = self.piece()?;
        if bytes.is_empty() && self.began_anew()? {
            let half = std::mem::take(&mut self.half);
            let cut = (!half.is_empty()).then(|| text(&half));
            let bytes = self.piece()?;
            return Ok(cut.into_iter().chain(self.lines(bytes)).collect());
        }
        Ok(self.lines(bytes))
    }

    fn piece(&mut self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        if let Some(file) = &mut self.file {
            file.take(PIECE).read_to_end(&mut bytes)?;
        }
        Ok(bytes)
    }

    /// Whether another file is at the path now, or the same with less in it; it is read from its start then.
    fn began_anew(&mut self) -> io::Result<bool> {
        let Some(new) = opened(&self.path)? else {
            // Between two files.
            return Ok(false);
        };
        let now = new.metadata()?;
        if let Some(file) = &mut self.file {
            let open = file.metadata()?;
            if (now.dev(), now.ino()) == (open.dev(), open.ino())
                && now.len() >= file.stream_position()?
            {
                return Ok(false);
            }
        }
        self.file = Some(new);
        Ok(true)
    }

    /// The lines that are over with these bytes.
    fn lines(&mut self, bytes: Vec<u8>) -> Vec<String> {
        self.half.extend(bytes);
        let mut lines = Vec::new();
        let mut rest = &*self.half;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let (line, after) = rest.split_at(end);
            lines.push(text(line));
            rest = after.get(1..).unwrap_or_default();
        }
        let rest = rest.to_vec();
        self.half = rest;
        if self.half.len() > LONGEST {
            lines.push(text(&std::mem::take(&mut self.half)));
        }
        lines
    }
}

fn opened(path: &Path) -> io::Result<Option<File>> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn text(line: &[u8]) -> String {
    let line = line.get(..LONGEST).unwrap_or(line);
    String::from_utf8_lossy(line).into_owned()
}

#[cfg(test)]
mod tests {
    use std::fs::{self, OpenOptions};
    use std::io::Write;

    use super::*;

    struct Bench {
        directory: tempfile::TempDir,
        places: Places,
    }

    impl Bench {
        fn new() -> Self {
            let directory = tempfile::tempdir().unwrap();
            let places = Places {
                messages: directory.path().join("messages"),
                run: directory.path().to_owned(),
                ..Places::default()
            };
            Self { directory, places }
        }

        fn say(&self, text: &str) {
            let mut options = OpenOptions::new();
            let file = options
                .create(true)
                .append(true)
                .open(&self.places.messages);
            file.unwrap().write_all(text.as_bytes()).unwrap();
        }

        fn follow(&self, lines: usize, contains: &str) -> (Follower, Vec<String>) {
            let wish = Wish {
                log: Log::System,
                lines,
                contains: contains.to_owned(),
            };
            Follower::open(&self.places, wish).unwrap()
        }
    }

    #[test]
    fn the_newest_lines_come_first_and_then_those_that_are_written() {
        let bench = Bench::new();
        fs::write(bench.directory.path().join("messages.0"), "one\ntwo\n").unwrap();
        bench.say("three\nfour\nfi");
        let (mut follower, newest) = bench.follow(3, "");
        assert_eq!(newest, ["two", "three", "four"]);
        assert!(follower.more().unwrap().is_empty());
        bench.say("ve\nsix\nse");
        assert_eq!(follower.more().unwrap(), ["five", "six"]);
        bench.say("ven\n");
        assert_eq!(follower.more().unwrap(), ["seven"]);
    }

    #[test]
    fn a_file_that_is_begun_anew_is_followed() {
        let bench = Bench::new();
        bench.say("one\n");
        let (mut follower, _) = bench.follow(10, "");
        bench.say("two\n");
        let put_aside = bench.directory.path().join("messages.0");
        fs::rename(&bench.places.messages, put_aside).unwrap();
        assert_eq!(follower.more().unwrap(), ["two"]);
        assert!(follower.more().unwrap().is_empty());
        bench.say("three\n");
        assert_eq!(follower.more().unwrap(), ["three"]);
        fs::write(&bench.places.messages, "").unwrap();
        assert!(follower.more().unwrap().is_empty());
        bench.say("four\n");
        assert_eq!(follower.more().unwrap(), ["four"]);
    }

    #[test]
    fn a_log_that_does_not_begin_until_later_is_empty_until_then() {
        let bench = Bench::new();
        let (mut follower, newest) = bench.follow(10, "");
        assert!(newest.is_empty() && follower.more().unwrap().is_empty());
        bench.say("one\n");
        assert_eq!(follower.more().unwrap(), ["one"]);
    }

    #[test]
    fn lines_are_chosen_by_a_word_whatever_its_case() {
        let bench = Bench::new();
        bench.say("an Error\nnothing\nERRORS\n");
        let (mut follower, newest) = bench.follow(10, "error");
        assert_eq!(newest, ["an Error", "ERRORS"]);
        bench.say("fine\nerror again\n");
        assert_eq!(follower.more().unwrap(), ["error again"]);
    }

    #[test]
    fn of_the_system_log_the_daemons_lines_are_one_of_their_own() {
        let bench = Bench::new();
        bench.say("Nov 30 qx1 qx-node: ready\nNov 30 qx1 chronyd: synchronised\n");
        let wish = Wish {
            log: Log::Daemon,
            lines: 10,
            contains: String::new(),
        };
        let (_, newest) = Follower::open(&bench.places, wish).unwrap();
        assert_eq!(newest, ["Nov 30 qx1 qx-node: ready"]);
    }

    #[test]
    fn a_line_without_an_end_is_cut() {
        let bench = Bench::new();
        bench.say("start\n");
        let (mut follower, _) = bench.follow(10, "");
        bench.say(&"x".repeat(LONGEST + 10));
        assert_eq!(follower.more().unwrap()[0].len(), LONGEST);
    }
}
