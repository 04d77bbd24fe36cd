//! The feed: asking it what there is, and fetching that into the slot that does not run.

use std::sync::{MutexGuard, PoisonError};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use qx_fetch::{FetchError, Settings, Web};
use qx_host::config::{Automatic, Channel, Config, FeedUrl, Proxy, Store};
use qx_host::update::{FeedFiles, FeedRefusal, Installed, Origin, Outcome, UpdateRecord};
use qx_model::access::{Actor, Operation};
use qx_slots::{
    BootEnv, INDEX_FILE, INDEX_SIGNATURE_FILE, KEYRING_FILE, KEYRING_SIGNATURE_FILE,
    MAX_INDEX_BYTES, MAX_KEYRING_BYTES, Release, SlotState,
};

use super::known::Known;
use super::schedule::{Offered, Opening, opening};
use super::transfer::sentence;
use super::{TransferSource, Updates, read_env};
use crate::blocking::blocking;
use crate::error::{Error, Result};
use crate::tasks::{Plan, Target};

/// A signature has 64; a page that says "not found" is not read for long.
const MOST_SIGNATURE_BYTES: u64 = 1024;
/// A feed, as far as it was asked since the daemon started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedStatus {
    /// Its directory.
    pub url: String,
    /// Which of its releases are meant.
    pub channel: String,
    /// When it was asked last.
    pub checked: Option<Timestamp>,
    /// When it will be asked by itself.
    pub next_check: Timestamp,
    /// Why it could not be asked, or is not believed.
    pub problem: Option<String>,
    /// The newer version that it has for this host.
    pub offer: Option<Offer>,
    /// What the host does with it by itself.
    pub automatic: Automatic,
    /// When it may restart for that: now, or next.
    pub window: Option<Opening>,
}

/// A newer version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// As people name it.
    pub version: String,
    /// Its build.
    pub build_id: String,
    /// Bytes of its bundle.
    pub bytes: u64,
    /// It is in the other slot.
    pub staged: bool,
    /// It failed here, or somebody went back from it: the host does not try it again by itself.
    pub given_up: bool,
}

impl Updates {
    /// Asks the feed what it has.
    pub async fn check(&self, actor: &Actor) -> Result<()> {
        let work = async {
            let installed = self.installed()?;
            let plan = Plan {
                operation: Operation::UpdateCheck,
                target: Target::system(),
                steps: &[],
                cancel: Plan::never("the feed answers soon, or is given up"),
            };
            let (task, _) = self.inner.tasks.open(actor, plan);
            let this = self.clone();
            let asking = tokio::spawn(async move {
                task.begin()?;
                let asked = this.ask(&installed).await.map(drop);
                task.end(&asked);
                asked
            });
            asking
                .await
                .map_err(|error| Error::internal("asking the feed did not come back", error))?
        };
        self.change(actor, Operation::UpdateCheck, work).await
    }

    /// Asks the feed what it has, and writes that to the slot that does not run. Returns when that has begun;
    /// how it goes on is in the transfer.
    pub async fn fetch(&self, actor: &Actor) -> Result<()> {
        let operation = Operation::UpdateFetch;
        let work = async {
            let installed = self.installed()?;
            self.refuse_in_a_trial(&installed).await?;
            let (release, feed, web) = self.ask(&installed).await?;
            let Some(release) = release else {
                return Err(Error::Conflict {
                    reason: "the feed has no version that is newer than the one that runs".into(),
                    hint: "nothing needs to be done".into(),
                });
            };
            self.refuse_what_is_there(&installed, &release).await?;
            let turn = self.inner.transfers.turn()?;
            let download = web.download(&feed.file(&release.file), release.size);
            self.write(
                (actor, operation),
                turn,
                installed,
                Origin::Feed(release.build_id),
                TransferSource::Feed,
                download,
            )
            .await;
            Ok(())
        };
        self.change(actor, operation, work).await
    }

    pub(super) fn known(&self) -> MutexGuard<'_, Known> {
        self.inner
            .feed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The configuration in force.
    pub(super) fn config(&self) -> Config {
        Store::new(&self.inner.places.state).peek().config
    }

    /// Asks the feed, and remembers what it said or why it did not.
    async fn ask(&self, installed: &Installed) -> Result<(Option<Release>, FeedUrl, Web)> {
        let (this, installed) = (self.clone(), installed.clone());
        blocking(move || {
            let config = this.config();
            let Some(feed) = config.updates.feed else {
                return Err(Error::Conflict {
                    reason: "this host has no feed".into(),
                    hint: "set feed in [updates] of its configuration".into(),
                });
            };
            let channel = config.updates.channel;
            let asked = web(config.proxy).and_then(|web| {
                let found = this.newest(&installed, &feed, &channel, &web)?;
                Ok((found, web))
            });
            let told = asked.as_ref().map(|(found, _)| found);
            this.known()
                .learn((feed.clone(), channel), Timestamp::now(), told);
            asked.map(|(found, web)| (found, feed, web))
        })
        .await
    }

    fn newest(
        &self,
        installed: &Installed,
        feed: &FeedUrl,
        channel: &Channel,
        web: &Web,
    ) -> Result<Option<Release>> {
        let files = files(web, feed).map_err(unreachable)?;
        let running = self.manifest_of_running(installed)?;
        installed
            .newest_in(files, channel.as_str(), &running)
            .map_err(|refusal| not_believed(&refusal))
    }

    async fn refuse_what_is_there(&self, installed: &Installed, release: &Release) -> Result<()> {
        let (this, installed) = (self.clone(), installed.clone());
        let build = release.build_id.clone();
        blocking(move || {
            let env = read_env(&installed)?;
            if !this.is_staged(&installed, &env, build.as_str()) {
                return Ok(());
            }
            Err(Error::Conflict {
                reason: format!(
                    "slot {} holds this version already",
                    installed.running.other()
                ),
                hint: "start it, or discard it first".into(),
            })
        })
        .await
    }

    /// Whether the other slot holds this build, to be started.
    fn is_staged(&self, installed: &Installed, env: &BootEnv, build: &str) -> bool {
        let slot = installed.running.other();
        env.slot(slot).state == SlotState::Good
            && self
                .image(installed, slot)
                .is_some_and(|image| image.build_id == build)
    }

    /// The feed as it is shown; `None` when there is none.
    pub(super) fn feed_status(
        &self,
        installed: &Installed,
        env: &BootEnv,
        last: Option<&UpdateRecord>,
    ) -> Option<FeedStatus> {
        let config = self.config();
        let url = config.updates.feed.as_ref()?.as_str().to_owned();
        let known = self.known();
        let release = known.offer_of(&config).cloned();
        let (checked, problem) = match known.is_of(&config) {
            true => (known.checked, known.problem.clone()),
            false => (None, None),
        };
        let next_check = known.next_check;
        drop(known);
        let offer = release.map(|release| Offer {
            staged: self.is_staged(installed, env, release.build_id.as_str()),
            given_up: last.is_some_and(|record| is_given_up(record, &release)),
            version: release.version,
            build_id: release.build_id.to_string(),
            bytes: release.size,
        });
        Some(FeedStatus {
            url,
            channel: config.updates.channel.as_str().to_owned(),
            checked,
            next_check,
            problem,
            offer,
            automatic: config.updates.automatic,
            window: config
                .updates
                .window
                .as_ref()
                .and_then(|window| opening(window, &zone(&config), Timestamp::now())),
        })
    }
}

impl FeedStatus {
    /// What the schedule makes of it.
    pub(super) fn offered(&self, not_fetched: bool) -> Offered {
        match &self.offer {
            None => Offered::Nothing,
            Some(offer) if offer.given_up => Offered::GivenUp,
            Some(offer) if offer.staged => Offered::Staged,
            Some(_) if not_fetched => Offered::NotFetched,
            Some(_) => Offered::Newer,
        }
    }
}

/// Whether a version failed on this host, or is the one that somebody went back from.
fn is_given_up(last: &UpdateRecord, release: &Release) -> bool {
    match last.outcome {
        Outcome::Failed(_) => last.build_id == release.build_id.as_str(),
        Outcome::Succeeded => last.from_version == release.version,
        Outcome::Open => false,
    }
}

/// The host's time zone; one that is unknown is UTC, as for the rest of the system.
fn zone(config: &Config) -> TimeZone {
    TimeZone::get(config.system.timezone.as_str()).unwrap_or(TimeZone::UTC)
}

fn web(proxy: Proxy) -> Result<Web> {
    let authorities = proxy.ca_certificates.iter();
    let settings = Settings {
        proxy: proxy.https.map(|proxy| proxy.as_str().to_owned()),
        authorities: authorities.map(|pem| pem.as_str().to_owned()).collect(),
    };
    Web::new(&settings).map_err(unreachable)
}

/// What makes a feed believed. The index comes last: its keyring was there before it was.
fn files(web: &Web, feed: &FeedUrl) -> std::result::Result<FeedFiles, FetchError> {
    let signature = |name| web.get(&feed.file(name), MOST_SIGNATURE_BYTES);
    Ok(FeedFiles {
        keyring: web.get(&feed.file(KEYRING_FILE), MAX_KEYRING_BYTES as u64)?,
        keyring_signature: signature(KEYRING_SIGNATURE_FILE)?,
        index: web.get(&feed.file(INDEX_FILE), MAX_INDEX_BYTES as u64)?,
        index_signature: signature(INDEX_SIGNATURE_FILE)?,
    })
}

fn unreachable(error: FetchError) -> Error {
    Error::Unavailable {
        reason: format!("the feed cannot be asked: {}", sentence(&error)),
        hint: "check feed in [updates] of the configuration, and [proxy]; nothing was changed"
            .into(),
    }
}

fn not_believed(refusal: &FeedRefusal) -> Error {
    Error::Unavailable {
        reason: format!("the feed is not believed: {}", sentence(refusal)),
        hint: "nothing was changed; tell whoever looks after the feed".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    use qx_fetch::testing::Server;

    use crate::updates::known::tests::{feed, release};

    #[test]
    fn a_version_that_failed_or_was_left_by_a_person_is_given_up() {
        let record = |build: &str, from: &str, outcome| UpdateRecord {
            slot: "B".into(),
            version: "2.0.0".into(),
            build_id: build.into(),
            from_version: from.into(),
            started_at: 0,
            required: vec![],
            outcome,
        };
        let offer = release("2.0.0");
        let build = offer.build_id.as_str();
        let failed = Outcome::Failed("network".into());
        assert!(is_given_up(&record(build, "1.0.0", failed.clone()), &offer));
        assert!(!is_given_up(&record("another", "1.0.0", failed), &offer));
        assert!(!is_given_up(&record(build, "1.0.0", Outcome::Open), &offer));
        // From 2.0.0 back to 1.0.0, which went well.
        let back = record("another", "2.0.0", Outcome::Succeeded);
        assert!(is_given_up(&back, &offer));
        assert!(!is_given_up(
            &record("another", "1.0.0", Outcome::Succeeded),
            &offer
        ));
    }

    #[test]
    fn four_files_make_a_feed_and_one_that_is_missing_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let server = Server::start(directory.path());
        let url = feed(&server.url("localhost"));
        let proxy = Proxy {
            https: None,
            ca_certificates: vec![server.authority().parse().unwrap()],
        };
        let web = web(proxy).unwrap();
        for name in [
            KEYRING_FILE,
            KEYRING_SIGNATURE_FILE,
            INDEX_FILE,
            INDEX_SIGNATURE_FILE,
        ] {
            let error = sentence(&unreachable(files(&web, &url).unwrap_err()));
            let says = format!("404 Not Found for {}", url.file(name));
            assert!(error.contains(&says), "{error}");
            fs::write(directory.path().join(name), name).unwrap();
        }
        let files = files(&web, &url).unwrap();
        assert_eq!(files.keyring, KEYRING_FILE.as_bytes());
        assert_eq!(files.keyring_signature, KEYRING_SIGNATURE_FILE.as_bytes());
        assert_eq!(files.index, INDEX_FILE.as_bytes());
        assert_eq!(files.index_signature, INDEX_SIGNATURE_FILE.as_bytes());
    }

    #[test]
    fn an_authority_that_the_configuration_does_not_name_is_not_trusted() {
        let directory = tempfile::tempdir().unwrap();
        let server = Server::start(directory.path());
        let web = web(Proxy::default()).unwrap();
        let url = feed(&server.url("localhost"));
        let error = sentence(&unreachable(files(&web, &url).unwrap_err()));
        assert!(
            error.contains("the feed cannot be asked") && error.contains("certificate"),
            "{error}"
        );
    }
}
