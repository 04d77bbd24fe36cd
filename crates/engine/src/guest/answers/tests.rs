//! Answers of agents that mean well, and of some that do not.

use super::*;

fn reply<T: DeserializeOwned>(value: &str) -> Result<T, Wrong> {
    parse(&format!("{{\"return\":{value}}}"))
}

#[test]
fn what_real_agents_answer_is_read() {
    // As qemu-ga answers on Debian and on Windows.
    let linux = r#"[{"name":"lo","ip-addresses":[{"ip-address-type":"ipv4","ip-address":"127.0.0.1","prefix":8}],
        "statistics":{"tx-packets":1},"hardware-address":"00:00:00:00:00:00"}]"#;
    let seen = interfaces(reply(linux).unwrap()).unwrap();
    assert_eq!(seen[0].addresses[0].address.to_string(), "127.0.0.1");
    let windows = r#"[{"name":"Ethernet","ip-addresses":[{"ip-address-type":"ipv6","ip-address":"fe80::1%5","prefix":64}],
        "hardware-address":"52:54:00:AA:BB:CC"},{"name":"Loopback"}]"#;
    let seen = interfaces(reply(windows).unwrap()).unwrap();
    assert_eq!(seen[0].mac.as_deref(), Some("52:54:00:aa:bb:cc"));
    assert_eq!(seen[0].addresses[0].address.to_string(), "fe80::1");
    assert!(seen[1].addresses.is_empty() && seen[1].mac.is_none());
    let status = r#"{"exitcode":3,"out-data":"aGk=","exited":true,"out-truncated":true}"#;
    let status = reply::<Status>(status).unwrap().read().unwrap();
    assert_eq!(
        (status.exit_code, &*status.stdout, status.truncated),
        (Some(3), &b"hi"[..], true)
    );
    let logged_in = r#"[{"login-time":1795563161.25,"user":"root"}]"#;
    let seen = users(reply(logged_in).unwrap()).unwrap();
    assert_eq!(seen[0].since_ms, 1_795_563_161_250);
}

#[test]
fn what_is_no_answer_is_told_apart_in_words_of_ours() {
    for broken in [
        "",
        "{",
        "[]",
        "null",
        "{\"error\":{}}",
        "{\"return\":1}",
        "{\"return\":{\"pid\":\"1\"}}",
        "{\"return\":{\"pid\":1},\"return\":{\"pid\":2}}",
    ] {
        assert!(parse::<Started>(broken).is_err(), "{broken}");
    }
    let evil = format!("{{\"return\":\"{}\\u001b[2J\"}}", "x".repeat(100_000));
    let Err(told) = parse::<Started>(&evil) else {
        panic!("it was taken")
    };
    assert!(
        told.chars().count() <= LONGEST_WORDS && !told.contains('\u{1b}'),
        "{told}"
    );
}

#[test]
fn nesting_takes_nothing_of_our_stack() {
    let (open, close) = ("[".repeat(100_000), "]".repeat(100_000));
    let deep = format!("{{\"return\":{{\"pid\":1,\"x\":{open}1{close}}}}}");
    // A field that we don't know is passed over without a call for each level.
    assert_eq!(parse::<Started>(&deep).unwrap().pid, 1);
    let deep = format!("{{\"return\":{{\"pid\":{open}1{close}}}}}");
    assert!(parse::<Started>(&deep).is_err());
}

#[test]
fn lists_and_texts_have_limits() {
    let many = format!("[{}]", vec![r#"{"name":"a"}"#; MOST + 1].join(","));
    assert!(interfaces(reply(&many).unwrap()).is_err());
    let long = format!(r#"[{{"name":"{}"}}]"#, "a".repeat(LONGEST + 1));
    assert!(interfaces(reply(&long).unwrap()).is_err());
    let long = format!(r#"{{"host-name":"{}"}}"#, "a".repeat(LONGEST + 1));
    assert!(reply::<HostName>(&long).unwrap().read().is_err());
}

#[test]
fn values_that_cannot_be_are_refused() {
    for address in [
        r#"{"ip-address":"1.2.3.4","prefix":33}"#,
        r#"{"ip-address":"<b>","prefix":1}"#,
        r#"{"ip-address":"","prefix":1}"#,
    ] {
        let one = format!(r#"[{{"name":"a","ip-addresses":[{address}]}}]"#);
        assert!(interfaces(reply(&one).unwrap()).is_err(), "{address}");
    }
    let mac = r#"[{"name":"a","hardware-address":"../../etc"}]"#;
    assert!(interfaces(reply(mac).unwrap()).is_err());
    let far = reply::<Zone>(r#"{"offset":90000}"#).unwrap();
    assert!(far.read().is_err());
    assert!(users(reply(r#"[{"user":"a","login-time":-1}]"#).unwrap()).is_err());
    assert!(reply::<Vec<User>>(r#"[{"user":"a","login-time":1e999}]"#).is_err());
    // More than was asked for, another count, and no Base64.
    let piece = |text: &str| reply::<Piece>(text).unwrap().read(2);
    assert!(piece(r#"{"count":2,"buf-b64":"aGk=","eof":true}"#).is_ok());
    assert!(piece(r#"{"count":3,"buf-b64":"aGkh","eof":true}"#).is_err());
    assert!(piece(r#"{"count":1,"buf-b64":"aGk=","eof":true}"#).is_err());
    assert!(piece(r#"{"count":2,"buf-b64":"?","eof":true}"#).is_err());
}
