//! A large file that goes on where it was when the connection breaks, by ranges of HTTP (RFC 9110, section 14).

use std::io::{self, Read};
use std::thread;
use std::time::Duration;

use ureq::http::Response;
use ureq::http::header::{CONTENT_LENGTH, CONTENT_RANGE, RANGE};
use ureq::{Agent, Body, BodyReader};

use crate::FetchError;

/// Tries in a row that bring nothing, and the time between them.
const TRIES: u32 = 6;
const PAUSE: Duration = Duration::from_secs(5);

/// A file that is read to its end, which must be where it was announced. Errors that it returns are
/// [`FetchError`]s, and the last it says.
pub struct Download {
    agent: Agent,
    url: String,
    bytes: u64,
    offset: u64,
    body: Option<BodyReader<'static>>,
    failures: u32,
    pause: Duration,
}

/// What a broken connection means.
enum Break {
    /// Another one may do better.
    Passing(Box<dyn std::error::Error + Send + Sync>),
    /// No other one will.
    Final(FetchError),
}

impl Download {
    pub(crate) fn new(agent: Agent, url: &str, bytes: u64) -> Self {
        Self {
            agent,
            url: url.to_owned(),
            bytes,
            offset: 0,
            body: None,
            failures: 0,
            pause: PAUSE,
        }
    }

    /// Waits so long between two tries.
    #[must_use]
    pub fn pausing(self, pause: Duration) -> Self {
        Self { pause, ..self }
    }

    /// Takes the next bytes; 0 at the end.
    fn take(&mut self, buffer: &mut [u8]) -> Result<usize, Break> {
        let mut body = match self.body.take() {
            Some(body) => body,
            None => self.open()?,
        };
        let left = usize::try_from(self.bytes - self.offset).unwrap_or(usize::MAX);
        if left == 0 {
            return match body.read(&mut [0]) {
                Ok(0) => Ok(0),
                Ok(_) => Err(Break::Final(self.length(self.bytes + 1))),
                Err(error) => Err(Break::Passing(error.into())),
            };
        }
        let most = buffer.len().min(left);
        let count = buffer
            .get_mut(..most)
            .map_or(Ok(0), |room| body.read(room))
            .map_err(|error| Break::Passing(error.into()))?;
        if count == 0 && most > 0 {
            return Err(Break::Passing("the server ended it".into()));
        }
        self.offset += count as u64;
        self.failures = 0;
        self.body = Some(body);
        Ok(count)
    }

    /// Asks for what is still to come.
    fn open(&self) -> Result<BodyReader<'static>, Break> {
        let mut request = self.agent.get(&self.url);
        if self.offset > 0 {
            request = request.header(RANGE, format!("bytes={}-", self.offset));
        }
        let answer = request
            .call()
            .map_err(|error| Break::Passing(error.into()))?;
        let skip = match answer.status().as_u16() {
            206 => self.check_range(&answer)?,
            200 => self.check_length(&answer)?,
            status if status >= 500 || status == 429 => {
                return Err(Break::Passing(self.status(&answer).into()));
            }
            _ => return Err(Break::Final(self.status(&answer))),
        };
        let mut body = answer.into_body().into_reader();
        let skipped = io::copy(&mut (&mut body).take(skip), &mut io::sink());
        match skipped {
            Ok(skipped) if skipped == skip => Ok(body),
            Ok(_) => Err(Break::Passing("the server ended it".into())),
            Err(error) => Err(Break::Passing(error.into())),
        }
    }

    /// The server goes on where it was asked to: nothing is to be skipped.
    fn check_range(&self, answer: &Response<Body>) -> Result<u64, Break> {
        let range = answer.headers().get(CONTENT_RANGE);
        let range = range.and_then(|value| parse_range(value.to_str().ok()?));
        match range {
            Some((start, Some(whole))) if start == self.offset && whole != self.bytes => {
                Err(Break::Final(self.length(whole)))
            }
            Some((start, _)) if start == self.offset => Ok(0),
            _ => Err(Break::Final(FetchError::Status {
                url: self.url.clone(),
                status: "another range than it was asked for".to_owned(),
            })),
        }
    }

    /// The server knows no ranges: what came before comes again.
    fn check_length(&self, answer: &Response<Body>) -> Result<u64, Break> {
        let length = answer.headers().get(CONTENT_LENGTH);
        let length = length.and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
        match length {
            Some(length) if length != self.bytes => Err(Break::Final(self.length(length))),
            _ => Ok(self.offset),
        }
    }

    fn status(&self, answer: &Response<Body>) -> FetchError {
        FetchError::Status {
            url: self.url.clone(),
            status: answer.status().to_string(),
        }
    }

    fn length(&self, found: u64) -> FetchError {
        FetchError::Length {
            url: self.url.clone(),
            expected: self.bytes,
            found,
        }
    }
}

impl Read for Download {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.take(buffer) {
                Ok(count) => return Ok(count),
                Err(Break::Final(error)) => return Err(io::Error::other(error)),
                Err(Break::Passing(_)) if self.offset == self.bytes => return Ok(0),
                Err(Break::Passing(source)) => {
                    self.failures += 1;
                    if self.failures >= TRIES {
                        return Err(io::Error::other(FetchError::Broken {
                            url: self.url.clone(),
                            tries: self.failures,
                            offset: self.offset,
                            source,
                        }));
                    }
                    thread::sleep(self.pause);
                }
            }
        }
    }
}

/// First byte, and the whole length if it is told: `bytes 100-199/200` (RFC 9110, section 14.4).
fn parse_range(text: &str) -> Option<(u64, Option<u64>)> {
    let (range, whole) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (start, _) = range.split_once('-')?;
    let whole = match whole {
        "*" => None,
        number => Some(number.parse().ok()?),
    };
    Some((start.parse().ok()?, whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_and_nonsense_is_none() {
        assert_eq!(parse_range("bytes 5-9/10"), Some((5, Some(10))));
        assert_eq!(parse_range("bytes 5-9/*"), Some((5, None)));
        for wrong in [
            "",
            "bytes 5-9",
            "items 5-9/10",
            "bytes x-9/10",
            "bytes */10",
        ] {
            assert_eq!(parse_range(wrong), None, "{wrong}");
        }
    }
}
