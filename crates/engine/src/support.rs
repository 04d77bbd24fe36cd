//! The support bundle: what somebody who helps needs to see of this host, as one file. Secrets are not in it: see
//! `qx_host::support`.

use std::future::Future;
use std::io::{self, Write};
use std::sync::Arc;

use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use qx_host::logs;
use qx_host::support::{self, Part, Places};
use qx_model::access::{Actor, Operation};
use tar::{Builder, Header};
use tokio::sync::Mutex;

use crate::audit::Audit;
use crate::blocking::blocking;
use crate::error::{Error, Result};

const ABOUT: &str = "\
What is in here: documents of the host's API (api), its logs (logs), what QEMU said of VMs (vms), what the boot\n\
left behind (run), the kernel's view (proc) and answers of programs (host). What could not be had is in missing.txt.\n\
\n\
Passwords, their hashes, private keys and API tokens are not in it. Names and addresses of this host, of its VMs, of\n\
users and of their machines are: look through it before you give it to somebody.\n";

/// A file for whoever asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    /// What to call it.
    pub name: String,
    /// A gzip'ed tar file.
    pub bytes: Vec<u8>,
}

/// See the module. Clones share everything.
#[derive(Clone)]
pub struct Support {
    places: Places,
    audit: Audit,
    /// It takes memory and some seconds: one at a time.
    turn: Arc<Mutex<()>>,
}

impl Support {
    pub(crate) fn new(logs: logs::Places, audit: Audit) -> Self {
        Self {
            places: Places::new(logs),
            audit,
            turn: Arc::default(),
        }
    }

    /// Gathers everything about a host that is called `hostname`; `documents` are what its interfaces tell of it.
    ///
    /// # Errors
    /// When the actor may not have it.
    pub async fn bundle(
        &self,
        actor: &Actor,
        hostname: &str,
        documents: impl Future<Output = Vec<Part>>,
    ) -> Result<Bundle> {
        let work = async {
            let _turn = self.turn.lock().await;
            let now = Timestamp::now();
            let stem = format!("{hostname}-support-{}", now.strftime("%Y-%m-%d-%H%M"));
            let mut parts = vec![Part {
                path: "about.txt".to_owned(),
                text: format!("Support bundle of {hostname}, made {now:.0}.\n\n{ABOUT}"),
            }];
            parts.extend(documents.await.into_iter().map(|part| Part {
                text: support::redact(&part.text),
                path: part.path,
            }));
            let places = self.places.clone();
            blocking(move || {
                parts.extend(support::collect(&places));
                let bytes = pack(&stem, &parts, now)
                    .map_err(|error| Error::internal("packing the support bundle", error))?;
                let name = format!("{stem}.tar.gz");
                Ok(Bundle { name, bytes })
            })
            .await
        };
        self.audit
            .change(actor, Operation::HostSupportBundle, "host", work)
            .await
    }
}

/// All parts in one directory.
fn pack(stem: &str, parts: &[Part], now: Timestamp) -> io::Result<Vec<u8>> {
    let mut builder = Builder::new(GzEncoder::new(Vec::new(), Compression::default()));
    for part in parts {
        let mut header = Header::new_gnu();
        header.set_size(part.text.len() as u64);
        header.set_mode(0o600);
        header.set_mtime(u64::try_from(now.as_second()).unwrap_or_default());
        let path = format!("{stem}/{}", part.path);
        builder.append_data(&mut header, path, part.text.as_bytes())?;
    }
    let mut packed = builder.into_inner()?;
    packed.flush()?;
    packed.finish()
}
