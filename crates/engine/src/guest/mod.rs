//! Use cases for the agent in a guest. What it answers is the guest's word, which `answers` reads; how long it may
//! take is `talk`'s. None of this waits in the VM's queue: a silent agent holds up nothing but its own next question.

mod answers;
mod files;
mod talk;

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use qx_hypervisor::{AgentFault, LARGEST_ANSWER};
use qx_model::access::{Actor, Operation};
use qx_model::guest::{
    ExecSpec, ExecStatus, GuestFilesystem, GuestInfo, GuestInterface, PasswordSpec,
    check_mount_points,
};
use qx_model::vm::{FieldError, VmId};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use self::answers::{Nothing, Wrong};
use self::talk::Talk;
pub(crate) use self::talk::{Talks, hint};
use crate::authorize::authorize;
use crate::error::{Error, Result};
use crate::tasks::{Plan, Running, Started};
use crate::vms::{Inner, Vms};

/// For what an agent knows at once.
const SOON: Duration = Duration::from_secs(5);
/// For what it must ask its system for.
const LATER: Duration = Duration::from_secs(30);
/// For work on all its disks.
const LONG: Duration = Duration::from_secs(600);
/// Most bytes of an answer that is no file and no output.
const LARGEST: usize = 1 << 20;

impl Vms {
    /// Fine if the agent answers.
    pub async fn ping_guest(&self, actor: &Actor, id: VmId) -> Result<()> {
        authorize(actor, Operation::GuestRead)?;
        let talk = self.talk(id, SOON).await?;
        let Nothing {} = talk.soon("guest-ping", Value::Null).await?;
        Ok(())
    }

    /// What the guest is, as far as its agent may tell.
    pub async fn guest(&self, actor: &Actor, id: VmId) -> Result<GuestInfo> {
        authorize(actor, Operation::GuestRead)?;
        let talk = self.talk(id, SOON).await?;
        let info: answers::Info = talk.soon("guest-info", Value::Null).await?;
        let (agent_version, commands) = talk.read(info.read())?;
        let has = |command: &str| commands.iter().any(|known| known == command);
        let time_ns = talk.told(has, "guest-get-time", Ok).await?;
        Ok(GuestInfo {
            hostname: talk
                .told(has, "guest-get-host-name", answers::HostName::read)
                .await?,
            os: talk
                .told(has, "guest-get-osinfo", answers::Os::read)
                .await?,
            time_zone: talk
                .told(has, "guest-get-timezone", answers::Zone::read)
                .await?,
            time_ns,
            users: talk.told(has, "guest-get-users", answers::users).await?,
            frozen: talk
                .told(has, "guest-fsfreeze-status", |status: String| {
                    Ok(status == "frozen")
                })
                .await?,
            agent_version,
            commands,
        })
    }

    /// The guest's network interfaces.
    pub async fn guest_interfaces(&self, actor: &Actor, id: VmId) -> Result<Vec<GuestInterface>> {
        authorize(actor, Operation::GuestRead)?;
        let talk = self.talk(id, SOON).await?;
        let answer = talk.soon("guest-network-get-interfaces", Value::Null);
        talk.read(answers::interfaces(answer.await?))
    }

    /// The guest's mounted file systems.
    pub async fn guest_filesystems(&self, actor: &Actor, id: VmId) -> Result<Vec<GuestFilesystem>> {
        authorize(actor, Operation::GuestRead)?;
        let talk = self.talk(id, SOON).await?;
        let answer = talk.ask("guest-get-fsinfo", Value::Null, LATER, LARGEST);
        talk.read(answers::filesystems(answer.await?))
    }

    /// Starts a command in the guest; its number is what to ask for its end with.
    pub async fn exec_in_guest(&self, actor: &Actor, id: VmId, spec: ExecSpec) -> Result<u64> {
        self.guest_change(actor, Operation::GuestExec, id, async {
            refuse(spec.check())?;
            let mut wish = json!({ "path": spec.path, "arg": spec.args, "capture-output": true });
            if !spec.env.is_empty() {
                wish["env"] = json!(spec.env);
            }
            if !spec.input.is_empty() {
                wish["input-data"] = json!(STANDARD.encode(&spec.input));
            }
            let talk = self.talk(id, SOON).await?;
            let started: answers::Started = talk.soon("guest-exec", wish).await?;
            let number = u64::try_from(started.pid);
            number.map_err(|_| talk.garbled(format!("the process {}", started.pid)))
        })
        .await
    }

    /// How far a command is. Its output is told once: with its end.
    pub async fn exec_status(&self, actor: &Actor, id: VmId, pid: u64) -> Result<ExecStatus> {
        authorize(actor, Operation::GuestExec)?;
        let pid = i64::try_from(pid).map_err(|_| Error::field("pid", "is too large"))?;
        let talk = self.talk(id, SOON).await?;
        let wish = json!({ "pid": pid });
        let status = talk.ask("guest-exec-status", wish, LATER, LARGEST_ANSWER);
        talk.read(answers::Status::read(status.await?))
    }

    /// Holds the guest's file systems still, all of them or those at `points`; how many.
    pub async fn freeze_guest(&self, actor: &Actor, id: VmId, points: Vec<String>) -> Result<u64> {
        self.guest_change(actor, Operation::GuestFreeze, id, async {
            refuse(check_mount_points(&points))?;
            let talk = self.talk(id, SOON).await?;
            let asked = match points.is_empty() {
                true => talk.ask("guest-fsfreeze-freeze", Value::Null, LATER, LARGEST),
                false => {
                    let wish = json!({ "mountpoints": points });
                    talk.ask("guest-fsfreeze-freeze-list", wish, LATER, LARGEST)
                }
            };
            asked.await
        })
        .await
    }

    /// Lets the guest's file systems go on; how many.
    pub async fn thaw_guest(&self, actor: &Actor, id: VmId) -> Result<u64> {
        self.guest_change(actor, Operation::GuestThaw, id, async {
            let talk = self.talk(id, SOON).await?;
            talk.ask("guest-fsfreeze-thaw", Value::Null, LATER, LARGEST)
                .await
        })
        .await
    }

    /// Begins to give back what the guest's file systems do not use.
    pub async fn begin_trim_guest(&self, actor: &Actor, id: VmId) -> Result<Started<()>> {
        self.guest_task(actor, Operation::GuestTrim, id, async move |inner, task| {
            let talk = inner.talks.begin(&inner.inventory, id, LATER).await?;
            let trim: answers::Trim = talk.ask("guest-fstrim", json!({}), LONG, LARGEST).await?;
            for one in talk.read(trim.read())? {
                let outcome = match (one.trimmed_bytes, one.error) {
                    (_, Some(error)) => error,
                    (Some(bytes), None) => format!("{bytes} bytes given back"),
                    // Windows does not say how many.
                    (None, None) => "trimmed".into(),
                };
                task.note(format!("{}: {outcome}", one.path));
            }
            Ok(())
        })
        .await
    }

    /// Sets somebody's password in the guest.
    pub async fn set_guest_password(
        &self,
        actor: &Actor,
        id: VmId,
        spec: PasswordSpec,
    ) -> Result<()> {
        self.guest_change(actor, Operation::GuestPassword, id, async {
            refuse(spec.check())?;
            let wish = json!({
                "username": spec.username,
                "password": STANDARD.encode(&spec.password),
                "crypted": spec.crypted,
            });
            let talk = self.talk(id, SOON).await?;
            let asked = talk.ask("guest-set-user-password", wish, LATER, LARGEST);
            asked.await.map(|Nothing {}| ())
        })
        .await
    }

    /// Sets the guest's clock, to nanoseconds since 1970, or to the host's.
    pub async fn set_guest_time(
        &self,
        actor: &Actor,
        id: VmId,
        time_ns: Option<i64>,
    ) -> Result<()> {
        self.guest_change(actor, Operation::GuestTime, id, async {
            let talk = self.talk(id, SOON).await?;
            let time_ns = match time_ns {
                Some(time_ns) => time_ns,
                // When its turn has come.
                None => i64::try_from(jiff::Timestamp::now().as_nanosecond())
                    .map_err(|error| Error::internal("telling the time", error))?,
            };
            let asked = talk.ask("guest-set-time", json!({ "time": time_ns }), LATER, LARGEST);
            asked.await.map(|Nothing {}| ())
        })
        .await
    }

    /// Begins to shut the guest down, or to restart it.
    pub async fn begin_guest_power(
        &self,
        actor: &Actor,
        id: VmId,
        restart: bool,
    ) -> Result<Started<()>> {
        let operation = match restart {
            true => Operation::GuestReboot,
            false => Operation::GuestShutdown,
        };
        self.guest_task(actor, operation, id, async move |inner, _| {
            let power = inner
                .inventory
                .blocking(move |hypervisor| hypervisor.agent_power(id, restart));
            power.await?;
            inner.inventory.observe(id).await.map(drop)
        })
        .await
    }

    async fn talk(&self, id: VmId, patience: Duration) -> Result<Talk<'_>> {
        let inner = &*self.inner;
        // Told at once if there is no such VM.
        inner.inventory.get(id)?;
        inner.talks.begin(&inner.inventory, id, patience).await
    }

    async fn guest_change<T>(
        &self,
        actor: &Actor,
        operation: Operation,
        id: VmId,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        self.inner.audit.change(actor, operation, id, work).await
    }

    /// A task that does not wait in the VM's queue: what is asked of a silent agent must not hold up a power-off.
    async fn guest_task<F>(
        &self,
        actor: &Actor,
        operation: Operation,
        id: VmId,
        work: impl FnOnce(Arc<Inner>, Arc<Running>) -> F + Send + 'static,
    ) -> Result<Started<()>>
    where
        F: Future<Output = Result<()>> + Send,
    {
        let plan = Plan {
            operation,
            target: self.target(actor, operation, id).await?,
            steps: &[],
            cancel: Plan::never("what a guest was asked to do can't be taken back"),
        };
        let (inner, actor) = (Arc::clone(&self.inner), actor.clone());
        let (running, task) = inner.tasks.open(&actor, plan);
        let running = Arc::new(running);
        let outcome = tokio::spawn(async move {
            let asked = async {
                running.begin()?;
                work(Arc::clone(&inner), Arc::clone(&running)).await
            };
            let outcome = inner.audit.change(&actor, operation, id, asked).await;
            running.end(&outcome);
            outcome
        });
        Ok(Started::new(task, outcome))
    }
}

impl Talk<'_> {
    /// What an agent knows at once.
    async fn soon<T: DeserializeOwned>(&self, command: &str, arguments: Value) -> Result<T> {
        self.ask(command, arguments, SOON, LARGEST).await
    }

    /// What an agent may not be able to tell: `None` if it has no such command, or says no.
    async fn told<T: DeserializeOwned, U>(
        &self,
        has: impl Fn(&str) -> bool,
        command: &str,
        read: impl FnOnce(T) -> std::result::Result<U, Wrong>,
    ) -> Result<Option<U>> {
        if !has(command) {
            return Ok(None);
        }
        match self.soon(command, Value::Null).await {
            Ok(answer) => self.read(read(answer)).map(Some),
            Err(Error::Agent {
                fault: AgentFault::Refused(_),
                ..
            }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn read<T>(&self, answer: std::result::Result<T, Wrong>) -> Result<T> {
        answer.map_err(|what| self.garbled(what))
    }
}

fn refuse(broken: Vec<FieldError>) -> Result<()> {
    match broken.is_empty() {
        true => Ok(()),
        false => Err(Error::Invalid(broken)),
    }
}
