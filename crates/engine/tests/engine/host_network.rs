//! Changes of the host's own network, with nothing brought up: that is tested in `qx_host` and on the image.

use std::fs;
use std::sync::Mutex;

use qx_engine::audit::Entry;
use qx_engine::host_network::{Change, HostNetwork};
use qx_host::config::{Ipv4, Ipv6, Management, Store};
use qx_host::network::{
    Changer, InForce, Ipv4Method, Phase, Undone, management_interface, now_ms, text_of,
};

use super::*;

/// A host whose network is only written down.
struct Lab {
    bench: Bench,
    brought_up: Arc<Mutex<Vec<Management>>>,
}

impl Lab {
    async fn new() -> Self {
        let bench = Bench::new().await;
        for name in ["run", "state"] {
            fs::create_dir_all(bench.data.path().join(name)).unwrap();
        }
        Self {
            bench,
            brought_up: Arc::default(),
        }
    }

    /// As a daemon has it; another one is a restart.
    fn network(&self) -> HostNetwork {
        let brought_up = Arc::clone(&self.brought_up);
        let run = self.bench.data.path().join("run");
        let network = self.bench.engine.host_network.clone();
        network.with_deed(Arc::new(move |management| {
            let in_force = InForce {
                interface: management_interface(management),
                ipv4: Ipv4Method::from(&management.ipv4),
                dhcp: None,
                open: true,
                text: text_of(management.clone()),
                problems: vec![],
            };
            in_force.write(&run)?;
            brought_up.lock().unwrap().push(management.clone());
            Ok(in_force)
        }))
    }

    async fn until_up(&self, wanted: &Management) {
        eventually("the network is brought up", async || {
            self.brought_up.lock().unwrap().last() == Some(wanted)
        })
        .await;
    }

    fn stored(&self) -> Management {
        let store = Store::new(&self.bench.data.path().join("state"));
        store.peek().config.management
    }
}

fn other() -> Management {
    Management {
        ipv4: Ipv4::Static {
            address: "192.0.2.7/24".parse().unwrap(),
            gateway: Some("192.0.2.1".parse().unwrap()),
        },
        ipv6: Ipv6::None,
        ..Management::default()
    }
}

fn change(management: Management, seconds: u64) -> Change {
    Change {
        management,
        within: Duration::from_secs(seconds),
    }
}

async fn until_in_force(network: &HostNetwork) {
    eventually("the change is in force", async || {
        match network.get(&admin()).await.unwrap().standing.phase {
            Phase::OnTrial(trial) => trial.in_force_ms.is_some(),
            Phase::Settled { .. } => false,
        }
    })
    .await;
}

#[tokio::test]
async fn a_change_is_kept_over_a_later_connection_alone() {
    let lab = Lab::new().await;
    let network = lab.network();
    let mut moved = network.moved();
    let before = now_ms();
    let begun = network
        .change(&admin(), None, change(other(), 60))
        .await
        .unwrap();
    assert!(begun.left.unwrap() > Duration::from_secs(50));
    lab.until_up(&other()).await;
    until_in_force(&network).await;
    let told = tokio::time::timeout(PATIENCE, moved.changed()).await;
    told.unwrap().unwrap();
    assert_eq!(lab.stored(), Management::default());
    let refused = network.confirm(&admin(), before).await.unwrap_err();
    assert!(matches!(refused, Error::Conflict { .. }), "{refused}");
    assert!(
        refused.to_string().contains("made before the change"),
        "{refused}"
    );
    let kept = network.confirm(&admin(), now_ms() + 1).await.unwrap();
    assert_eq!((kept.left, lab.stored()), (None, other()));
    assert_eq!(kept.standing.wanted, Some(other()));
    let nothing = network.confirm(&admin(), now_ms() + 1).await.unwrap_err();
    assert!(nothing.to_string().contains("no change"), "{nothing}");
}

#[tokio::test]
async fn a_change_that_nobody_confirms_is_undone_and_that_is_recorded() {
    let lab = Lab::new().await;
    let network = lab.network();
    let change = change(other(), 10);
    network.change(&admin(), None, change).await.unwrap();
    lab.until_up(&other()).await;
    lab.until_up(&Management::default()).await;
    eventually("the undoing is recorded", async || {
        let entries = lab.bench.engine.audit.list(&admin(), None, 10).await;
        let (entries, _) = entries.unwrap();
        let undone = |entry: &Entry| {
            entry.operation == "host_network_undo" && entry.outcome.contains("in time")
        };
        entries.iter().any(undone)
    })
    .await;
    let phase = network.get(&admin()).await.unwrap().standing.phase;
    let undone = Some(Undone::TimeIsUp);
    assert_eq!(phase, Phase::Settled { undone });
    assert_eq!(lab.stored(), Management::default());
}

#[tokio::test]
async fn a_daemon_that_starts_after_the_time_undoes_what_the_one_before_began() {
    let lab = Lab::new().await;
    let (state, run) = (
        lab.bench.data.path().join("state"),
        lab.bench.data.path().join("run"),
    );
    let places = qx_host::network::Places {
        run,
        ..Default::default()
    };
    Changer::new(Store::new(&state), places)
        .begin(other(), Duration::ZERO)
        .unwrap();
    let network = lab.network();
    lab.until_up(&Management::default()).await;
    eventually("the change is over", async || {
        let phase = network.get(&admin()).await.unwrap().standing.phase;
        matches!(phase, Phase::Settled { undone: Some(_) })
    })
    .await;
}

#[tokio::test]
async fn one_change_at_a_time_and_only_of_what_was_seen() {
    let lab = Lab::new().await;
    let network = lab.network();
    let seen = network.get(&viewer()).await.unwrap().revision;
    let stale = network
        .change(&admin(), Some(vec!["0".into()]), change(other(), 60))
        .await
        .unwrap_err();
    assert!(matches!(stale, Error::Stale { .. }), "{stale}");
    network
        .change(&admin(), Some(vec![seen]), change(other(), 60))
        .await
        .unwrap();
    let second = network
        .change(&admin(), None, change(other(), 60))
        .await
        .unwrap_err();
    assert!(second.to_string().contains("another change"), "{second}");
    lab.until_up(&other()).await;
    let undone = network.undo(&admin()).await.unwrap();
    assert_eq!(undone.standing.wanted, Some(Management::default()));
    assert_eq!(
        undone.standing.phase,
        Phase::Settled {
            undone: Some(Undone::GivenUp)
        }
    );
}

#[tokio::test]
async fn what_cannot_work_is_refused_field_by_field_and_viewers_change_nothing() {
    let lab = Lab::new().await;
    let network = lab.network();
    let mut wrong = other();
    wrong.ipv4 = Ipv4::Static {
        address: "192.0.2.7/24".parse().unwrap(),
        gateway: Some("198.51.100.1".parse().unwrap()),
    };
    wrong.interfaces.clear();
    let refused = network
        .change(&admin(), None, change(wrong, 5))
        .await
        .unwrap_err();
    let Error::Invalid(fields) = refused else {
        panic!("{refused}");
    };
    let names: Vec<&str> = fields.iter().map(|field| field.field.as_str()).collect();
    assert_eq!(
        names,
        [
            "network.interfaces",
            "network.ipv4.gateway",
            "confirm_within_s"
        ]
    );
    for refused in [
        network.change(&viewer(), None, change(other(), 60)).await,
        network.confirm(&viewer(), u64::MAX).await,
        network.undo(&viewer()).await,
    ] {
        assert!(matches!(refused, Err(Error::Forbidden { .. })));
    }
    assert!(lab.brought_up.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_machine_that_is_not_ours_keeps_its_network() {
    let lab = Lab::new().await;
    let network = &lab.bench.engine.host_network;
    let refused = network
        .change(&admin(), None, change(other(), 60))
        .await
        .unwrap_err();
    assert!(
        refused.to_string().contains("does not run on a host"),
        "{refused}"
    );
    let phase = network.get(&admin()).await.unwrap().standing.phase;
    assert_eq!(phase, Phase::default());
}
