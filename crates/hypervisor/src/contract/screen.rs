//! Screens, and the way to agents in guests.

use std::io::Read;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use qx_model::vm::VmId;

use super::{Guests, PATIENCE, Subject};
use crate::{AgentFault, Error};

/// How RFB 3.8 begins, and 3.3 to 3.7 but for the number.
const GREETING: &[u8] = b"RFB 003.";

fn greeting(mut screen: &UnixStream) -> [u8; 12] {
    screen.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut greeting = [0; 12];
    screen.read_exact(&mut greeting).unwrap();
    greeting
}

fn ends(mut screen: &UnixStream) {
    let mut rest = Vec::new();
    // A server that was shut down may also reset the connection.
    let _ = screen.read_to_end(&mut rest);
}

impl Subject<'_> {
    pub(super) fn screen(&self) {
        let nobody = self.hypervisor.open_screen(VmId::random());
        assert!(matches!(nobody, Err(Error::NoSuchVm(_))), "{nobody:?}");
        let id = self.created("screen");
        let off = self.hypervisor.open_screen(id);
        if self.guests == Guests::None {
            assert!(matches!(off, Err(Error::Unsupported { .. })), "{off:?}");
            return self.remove(id);
        }
        assert!(matches!(off, Err(Error::WrongState { .. })), "{off:?}");
        assert!(self.hypervisor.get(id).unwrap().vnc);
        self.hypervisor.start(id).unwrap();
        assert!(self.hypervisor.get(id).unwrap().vnc);
        let first = self.hypervisor.open_screen(id).unwrap();
        let second = self.hypervisor.open_screen(id).unwrap();
        for screen in [&first, &second] {
            let greeting = greeting(screen);
            assert!(greeting.starts_with(GREETING), "{greeting:?}");
        }
        self.hypervisor.stop(id).unwrap();
        ends(&first);
        ends(&second);
        self.remove(id);
    }

    pub(super) fn agent(&self) {
        let ask = |id| {
            let patience = Duration::from_secs(5);
            self.hypervisor
                .ask_agent(id, r#"{"execute":"guest-ping"}"#, patience)
        };
        let nobody = ask(VmId::random());
        assert!(matches!(nobody, Err(Error::NoSuchVm(_))), "{nobody:?}");
        let id = self.created("agent");
        let answers = [
            ask(id),
            self.hypervisor
                .agent_power(id, false)
                .map(|()| String::new()),
        ];
        for off in answers {
            match self.guests {
                Guests::None => assert!(matches!(off, Err(Error::Unsupported { .. })), "{off:?}"),
                _ => assert!(matches!(off, Err(Error::WrongState { .. })), "{off:?}"),
            }
        }
        if self.guests == Guests::None {
            return self.remove(id);
        }
        self.hypervisor.start(id).unwrap();
        let answers = [
            ask(id),
            self.hypervisor
                .agent_power(id, true)
                .map(|()| String::new()),
        ];
        for absent in answers {
            let fault = match absent {
                Err(Error::Agent { vm, fault }) if vm == id => fault,
                other => panic!("{other:?}"),
            };
            assert_eq!(fault, AgentFault::Absent);
        }
        self.remove(id);
    }
}
