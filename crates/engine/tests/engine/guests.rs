//! Agents in guests: what they may be asked, by whom, and what a silent or hostile one can do.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use qx_hypervisor::AgentFault;
use qx_hypervisor::fake::Agent;
use qx_model::guest::{ExecSpec, LARGEST_PIECE, PasswordSpec};
use serde_json::{Value, json};

use super::*;

async fn running(bench: &Bench, name: &str) -> VmId {
    let vms = &bench.engine.vms;
    let id = vms.create(&admin(), spec(name)).await.unwrap().id;
    vms.start(&admin(), id).await.unwrap();
    id
}

/// An agent that answers what `reply` says to a command and its arguments.
fn agent(
    reply: impl Fn(&str, &Value) -> Result<Value, AgentFault> + Send + Sync + 'static,
) -> Option<Agent> {
    Some(Arc::new(move |question: &str| {
        let question: Value = serde_json::from_str(question).unwrap();
        let command = question["execute"].as_str().unwrap();
        let answer = reply(command, &question["arguments"])?;
        Ok(json!({ "return": answer }).to_string())
    }))
}

fn told(error: &Error) -> String {
    error.told().detail
}

#[tokio::test]
async fn a_guest_tells_what_its_agent_may_tell_and_nothing_else_is_asked() {
    let bench = Bench::new().await;
    let id = running(&bench, "web1").await;
    bench.fake.put_agent(
        id,
        agent(|command, _| match command {
            "guest-info" => Ok(json!({ "version": "10.0.2", "supported_commands": [
                { "name": "guest-get-host-name", "enabled": true, "success-response": true },
                { "name": "guest-get-timezone", "enabled": true },
                { "name": "guest-get-users", "enabled": false },
            ]})),
            "guest-get-host-name" => Ok(json!({ "host-name": "web1" })),
            "guest-get-timezone" => Err(AgentFault::Refused("not here".into())),
            other => panic!("{other} was asked"),
        }),
    );
    let guest = bench.engine.vms.guest(&viewer(), id).await.unwrap();
    assert_eq!(guest.agent_version, "10.0.2");
    assert_eq!(guest.commands.len(), 2);
    assert_eq!(guest.hostname.as_deref(), Some("web1"));
    assert!(guest.time_zone.is_none() && guest.users.is_none() && guest.os.is_none());
}

#[tokio::test]
async fn a_viewer_looks_and_does_nothing_in_the_guest() {
    let bench = Bench::new().await;
    let id = running(&bench, "web1").await;
    bench.fake.put_agent(id, agent(|_, _| Ok(json!({}))));
    let (vms, viewer) = (&bench.engine.vms, viewer());
    vms.ping_guest(&viewer, id).await.unwrap();
    let password = PasswordSpec {
        username: "root".into(),
        password: "a".into(),
        crypted: false,
    };
    let exec = ExecSpec {
        path: "true".into(),
        ..ExecSpec::default()
    };
    let refusals = [
        vms.exec_in_guest(&viewer, id, exec).await.map(drop),
        vms.exec_status(&viewer, id, 1).await.map(drop),
        vms.read_guest_file(&viewer, id, "/a".into(), 0, None)
            .await
            .map(drop),
        vms.write_guest_file(&viewer, id, "/a".into(), Vec::new(), false)
            .await,
        vms.freeze_guest(&viewer, id, Vec::new()).await.map(drop),
        vms.thaw_guest(&viewer, id).await.map(drop),
        vms.begin_trim_guest(&viewer, id).await.map(drop),
        vms.set_guest_password(&viewer, id, password).await,
        vms.set_guest_time(&viewer, id, None).await,
        vms.begin_guest_power(&viewer, id, false).await.map(drop),
        vms.begin_guest_power(&viewer, id, true).await.map(drop),
        vms.open_screen(&viewer, id).await.map(drop),
    ];
    for refused in refusals {
        assert!(
            matches!(refused, Err(Error::Forbidden { .. })),
            "{refused:?}"
        );
    }
}

#[tokio::test]
async fn an_agent_that_fails_is_told_with_what_to_do() {
    let bench = Bench::new().await;
    let vms = &bench.engine.vms;
    let id = running(&bench, "web1").await;
    let absent = vms.guest(&viewer(), id).await.unwrap_err();
    assert!(
        told(&absent).contains("install qemu-guest-agent"),
        "{absent}"
    );
    let faults = [
        (AgentFault::Silent, "did not answer in time"),
        (AgentFault::Refused("no".into()), "said no: no"),
        (AgentFault::NoChannel, "org.qemu.guest_agent.0"),
    ];
    for (fault, words) in faults {
        let failing = agent(move |_, _| Err(fault.clone()));
        bench.fake.put_agent(id, failing);
        let error = vms.ping_guest(&viewer(), id).await.unwrap_err();
        assert!(told(&error).contains(words), "{error}");
    }
    for garbage in ["", "[", "{\"return\":[]}", "{\"return\":null}", "\u{1b}[2J"] {
        let garbled: Agent = Arc::new(move |_| Ok(garbage.into()));
        bench.fake.put_agent(id, Some(garbled));
        let error = vms.guest(&viewer(), id).await.unwrap_err();
        assert!(
            told(&error).contains("makes no sense"),
            "{garbage}: {error}"
        );
        assert!(!told(&error).contains('\u{1b}'));
    }
    let endless: Agent = Arc::new(|_| Ok(format!("{{\"return\":\"{}\"}}", "x".repeat(2 << 20))));
    bench.fake.put_agent(id, Some(endless));
    let error = vms.ping_guest(&viewer(), id).await.unwrap_err();
    assert!(told(&error).contains("are the most"), "{error}");
    vms.stop(&admin(), id).await.unwrap();
    let off = vms.ping_guest(&viewer(), id).await.unwrap_err();
    assert!(told(&off).contains("is not running"), "{off}");
}

#[tokio::test]
async fn a_file_is_read_and_written_in_pieces_and_closed_in_any_case() {
    let bench = Bench::new().await;
    let vms = &bench.engine.vms;
    let id = running(&bench, "web1").await;
    let open = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&open);
    // A file of 100,000 bytes, which gives out at most 50,000 at once.
    let at = AtomicUsize::new(0);
    let file = agent(move |command, arguments| match command {
        "guest-file-open" => {
            counted.fetch_add(1, Ordering::SeqCst);
            at.store(0, Ordering::SeqCst);
            Ok(json!(7))
        }
        "guest-file-seek" => {
            let to = usize::try_from(arguments["offset"].as_u64().unwrap()).unwrap();
            at.store(to, Ordering::SeqCst);
            Ok(json!({ "position": to, "eof": false }))
        }
        "guest-file-read" => {
            let wanted = usize::try_from(arguments["count"].as_u64().unwrap()).unwrap();
            let from = at.load(Ordering::SeqCst);
            let count = wanted.min(50_000).min(100_000 - from);
            at.fetch_add(count, Ordering::SeqCst);
            use base64::Engine as _;
            let data = base64::engine::general_purpose::STANDARD.encode(vec![b'x'; count]);
            Ok(json!({ "count": count, "buf-b64": data, "eof": from + count == 100_000 }))
        }
        "guest-file-write" => Err(AgentFault::Refused("disk full".into())),
        "guest-file-close" => {
            counted.fetch_sub(1, Ordering::SeqCst);
            Ok(json!({}))
        }
        other => panic!("{other} was asked"),
    });
    bench.fake.put_agent(id, file);
    let administrator = admin();
    let read =
        |offset, length| vms.read_guest_file(&administrator, id, "/a".into(), offset, length);
    let whole = read(0, None).await.unwrap();
    assert_eq!((whole.data.len(), whole.eof), (100_000, true));
    let piece = read(90_000, Some(5_000)).await.unwrap();
    assert_eq!((piece.data.len(), piece.eof), (5_000, false));
    let write = vms.write_guest_file(&administrator, id, "/a".into(), b"x".to_vec(), false);
    let error = write.await.unwrap_err();
    assert!(told(&error).contains("disk full"), "{error}");
    assert_eq!(open.load(Ordering::SeqCst), 0, "a file was left open");
    let large = vec![0; LARGEST_PIECE + 1];
    let large = vms.write_guest_file(&administrator, id, "/a".into(), large, false);
    assert!(matches!(large.await, Err(Error::Invalid(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_agent_holds_up_neither_its_own_vm_nor_others() {
    let bench = Bench::new().await;
    let engine = bench.engine.clone();
    let (silent, other) = (running(&bench, "a").await, running(&bench, "b").await);
    let (asked, waiting) = std::sync::mpsc::channel::<()>();
    let (free, freed) = std::sync::mpsc::channel::<()>();
    let (asked, freed) = (std::sync::Mutex::new(asked), std::sync::Mutex::new(freed));
    let hanging: Agent = Arc::new(move |_| {
        asked.lock().unwrap().send(()).unwrap();
        freed.lock().unwrap().recv().unwrap();
        Err(AgentFault::Silent)
    });
    bench.fake.put_agent(silent, Some(hanging));
    bench.fake.put_agent(other, agent(|_, _| Ok(json!({}))));
    let vms = engine.vms.clone();
    let first = tokio::spawn(async move { vms.ping_guest(&viewer(), silent).await });
    tokio::task::spawn_blocking(move || waiting.recv_timeout(PATIENCE).unwrap())
        .await
        .unwrap();
    // The other's agent, and this VM's own power, while the question hangs.
    engine.vms.ping_guest(&viewer(), other).await.unwrap();
    engine.vms.stop(&admin(), silent).await.unwrap();
    assert!(!first.is_finished(), "nothing hung");
    free.send(()).unwrap();
    let error = first.await.unwrap().unwrap_err();
    assert!(told(&error).contains("did not answer in time"), "{error}");
}

#[tokio::test]
async fn a_guest_is_shut_down_by_its_agent_as_a_task() {
    let bench = Bench::new().await;
    let vms = &bench.engine.vms;
    let id = running(&bench, "web1").await;
    let absent = vms.begin_guest_power(&admin(), id, false).await.unwrap();
    assert!(absent.outcome().await.is_err());
    bench.fake.put_agent(id, agent(|_, _| Ok(json!({}))));
    let begun = vms.begin_guest_power(&admin(), id, false).await.unwrap();
    assert_eq!(begun.task.operation, "guest_shutdown");
    begun.outcome().await.unwrap();
    let vm = vms.get(&viewer(), id).await.unwrap();
    assert_eq!(vm.state, qx_model::vm::PowerState::Off);
}

#[tokio::test]
async fn passwords_of_guests_are_kept_nowhere() {
    let bench = Bench::new().await;
    let vms = &bench.engine.vms;
    let id = running(&bench, "web1").await;
    let refusing = agent(|_, _| Err(AgentFault::Refused("no such user".into())));
    bench.fake.put_agent(id, refusing);
    let spec = PasswordSpec {
        username: "root".into(),
        password: "correct-horse-battery".into(),
        crypted: false,
    };
    vms.set_guest_password(&admin(), id, spec)
        .await
        .unwrap_err();
    let entries = bench
        .engine
        .audit
        .list(&admin(), None, 100)
        .await
        .unwrap()
        .0;
    let recorded = format!("{entries:?}");
    assert!(recorded.contains("guest_password"), "{recorded}");
    assert!(!recorded.contains("horse"), "{recorded}");
}
