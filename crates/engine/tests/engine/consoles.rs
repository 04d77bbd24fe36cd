//! Serial consoles, on a guest that echoes.

use super::*;

async fn running(bench: &Bench) -> VmId {
    let id = bench
        .engine
        .vms
        .create(&admin(), spec("web1"))
        .await
        .unwrap()
        .id;
    bench.engine.vms.start(&admin(), id).await.unwrap();
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn every_viewer_sees_the_output_and_a_late_one_what_came_before() {
    let bench = Bench::new().await;
    let id = running(&bench).await;
    let vms = &bench.engine.vms;
    let mut first = vms.open_serial(&admin(), id).await.unwrap();
    let mut second = vms.open_serial(&admin(), id).await.unwrap();
    type_in(&first, "hello").await;
    read_until(&mut first, "hello").await;
    read_until(&mut second, "hello").await;
    let mut late = vms.open_serial(&admin(), id).await.unwrap();
    read_until(&mut late, "hello").await;
    type_in(&late, "again").await;
    read_until(&mut first, "again").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_console_opened_before_power_on_stays_open_through_power_cycles() {
    let bench = Bench::new().await;
    let vms = &bench.engine.vms;
    let id = vms.create(&admin(), spec("web1")).await.unwrap().id;
    let mut console = vms.open_serial(&admin(), id).await.unwrap();
    type_in(&console, "lost").await;
    // What is taken from the queue next proves that this has been written, to nobody.
    type_in(&console, "next").await;
    let taken = async {
        while console.input.capacity() < console.input.max_capacity() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(PATIENCE, taken).await.unwrap();
    for text in ["first", "second"] {
        vms.start(&admin(), id).await.unwrap();
        // The line is attached a moment after the VM was seen running: type until it echoes.
        let input = console.input.clone();
        let typing = async {
            loop {
                input
                    .send(Bytes::from_static(text.as_bytes()))
                    .await
                    .unwrap();
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::select! {
            () = typing => unreachable!("it never ends"),
            seen = read_until(&mut console, text) => assert!(!seen.contains("lost")),
        }
        vms.stop(&admin(), id).await.unwrap();
    }
    vms.delete(&admin(), id, true).await.unwrap();
    while console.output.recv().await.is_some() {}
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vm_that_stops_and_starts_before_its_old_line_has_ended_is_read_again() {
    let bench = Bench::new().await;
    let id = running(&bench).await;
    let vms = &bench.engine.vms;
    let mut console = vms.open_serial(&admin(), id).await.unwrap();
    type_in(&console, "before").await;
    read_until(&mut console, "before").await;
    bench.fake.linger(id);
    vms.stop(&admin(), id).await.unwrap();
    vms.start(&admin(), id).await.unwrap();
    // It has looked for the new line when this is answered, and the old one is still being read.
    let mut second = vms.open_serial(&admin(), id).await.unwrap();
    assert_eq!(bench.fake.end_lines(), 1);
    let input = console.input.clone();
    let typing = async {
        loop {
            input.send(Bytes::from_static(b"after")).await.unwrap();
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::select! {
        () = typing => unreachable!("it never ends"),
        _ = read_until(&mut console, "after") => {}
    }
    read_until(&mut second, "after").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_that_takes_nothing_holds_nobody_up_and_is_told_what_it_missed() {
    let bench = Bench::new().await;
    let id = running(&bench).await;
    let vms = &bench.engine.vms;
    let mut stalled = vms.open_serial(&admin(), id).await.unwrap();
    let mut busy = vms.open_serial(&admin(), id).await.unwrap();
    type_in(&busy, "begin").await;
    read_until(&mut stalled, "begin").await;
    let input = busy.input.clone();
    let flood = tokio::spawn(async move {
        while input.send(Bytes::from(vec![b'x'; 16 * 1024])).await.is_ok() {
            tokio::task::yield_now().await;
        }
    });
    // Far more than is kept.
    let mut taken = 0;
    while taken < 8 << 20 {
        taken += tokio::time::timeout(PATIENCE, busy.output.recv())
            .await
            .unwrap()
            .unwrap()
            .len();
    }
    flood.abort();
    let told = stalled.output.recv().await.unwrap();
    let told = String::from_utf8_lossy(&told);
    assert!(told.contains("bytes of output are missing here"), "{told}");
}
