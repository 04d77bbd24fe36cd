//! `qx vm snapshot`.

use anyhow::Result;
use qx_api::client::Client;
use qx_api::rest::{self, Snapshot, SnapshotCreate, SnapshotRevert, VmState};
use uuid::Uuid;

use crate::args::Format;
use crate::args::snapshot::{RevertTo, SnapshotCommand};
use crate::output::{list, plain};
use crate::tasks::finish;
use crate::vms::find;

pub(crate) async fn run(
    client: &Client,
    format: Format,
    no_wait: bool,
    command: SnapshotCommand,
) -> Result<()> {
    let (vm, task) = match command {
        SnapshotCommand::List { vm } => {
            return show(client, format, find(client, &vm).await?.id).await;
        }
        SnapshotCommand::Create {
            vm,
            name,
            description,
        } => {
            let vm = find(client, &vm).await?;
            let wish = SnapshotCreate {
                name,
                description,
                memory: matches!(vm.state, VmState::Running | VmState::Paused),
            };
            (vm.id, client.take_snapshot(vm.id, &wish).await?)
        }
        SnapshotCommand::Revert { vm, name, to } => {
            let vm = find(client, &vm).await?;
            let wish = SnapshotRevert {
                to: match to {
                    RevertTo::AsTaken => rest::RevertTo::AsTaken,
                    RevertTo::Running => rest::RevertTo::Running,
                    RevertTo::Off => rest::RevertTo::Off,
                },
            };
            (vm.id, client.revert_snapshot(vm.id, &name, &wish).await?)
        }
        SnapshotCommand::Delete { vm, name, children } => {
            let vm = find(client, &vm).await?;
            (vm.id, client.delete_snapshot(vm.id, &name, children).await?)
        }
    };
    match finish(client, format, no_wait, task).await? {
        Some(_) => show(client, format, vm).await,
        None => Ok(()),
    }
}

async fn show(client: &Client, format: Format, vm: Uuid) -> Result<()> {
    let snapshots = client.snapshots(vm).await?;
    let rows = in_order(&snapshots).into_iter().map(|(depth, one)| {
        let mark = if one.current { " <- now" } else { "" };
        vec![
            format!("{}{}{mark}", "  ".repeat(depth), plain(&one.name)),
            one.created_at.to_string(),
            if one.memory { "disks, memory" } else { "disks" }.to_owned(),
            plain(&one.description),
        ]
    });
    let header = ["SNAPSHOT", "TAKEN", "HOLDS", "DESCRIPTION"];
    list(format, &snapshots, &header, rows)
}

/// Each below the one it came after, with its depth.
fn in_order(all: &[Snapshot]) -> Vec<(usize, &Snapshot)> {
    let known = |name: &str| all.iter().any(|one| one.name == name);
    let is_root = |one: &&Snapshot| one.parent.as_deref().is_none_or(|parent| !known(parent));
    // The last is taken first.
    let mut waiting: Vec<(usize, &Snapshot)> = all
        .iter()
        .rev()
        .filter(is_root)
        .map(|one| (0, one))
        .collect();
    let mut ordered = Vec::with_capacity(all.len());
    while let Some((depth, next)) = waiting.pop() {
        ordered.push((depth, next));
        let children = all.iter().rev();
        let children = children.filter(|one| one.parent.as_ref() == Some(&next.name));
        waiting.extend(children.map(|one| (depth + 1, one)));
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_is_listed_parents_first() {
        let one = |name: &str, parent: Option<&str>| Snapshot {
            name: name.into(),
            description: String::new(),
            parent: parent.map(str::to_owned),
            created_at: "2026-01-01T00:00:00Z".parse().unwrap(),
            memory: false,
            current: false,
        };
        let all = [
            one("a", None),
            one("b", Some("a")),
            one("c", Some("a")),
            one("d", Some("b")),
            one("e", Some("gone")),
        ];
        let seen: Vec<(usize, &str)> = in_order(&all)
            .into_iter()
            .map(|(depth, one)| (depth, one.name.as_str()))
            .collect();
        assert_eq!(seen, [(0, "a"), (1, "b"), (2, "d"), (1, "c"), (0, "e")]);
    }
}
