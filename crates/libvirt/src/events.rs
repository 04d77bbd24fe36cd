//! libvirt's event loop on a thread of its own, and what its callbacks tell. Callbacks run on that
//! thread: they pass the news on and return.
#![expect(
    unsafe_code,
    reason = "the virt crate has no form of these registrations"
)]

use std::ffi::{CStr, c_char, c_int, c_void};
use std::sync::{Arc, OnceLock, Weak};

use qx_hypervisor::Signal;
use qx_model::vm::VmId;
use virt::connect::Connect;
use virt::error::Error;
use virt::event::{event_register_default_impl, event_run_default_impl};

use crate::connection::Shared;
use crate::storage::PASSING;

/// Length of a UUID's text with its final zero.
const UUID_TEXT: usize = virt_sys::VIR_UUID_STRING_BUFLEN as usize;

/// Starts the loop, once per process. Must happen before the first connection is opened.
pub(crate) fn start_loop() -> std::io::Result<()> {
    static STARTED: OnceLock<Result<(), String>> = OnceLock::new();
    let started = STARTED.get_or_init(|| {
        event_register_default_impl().map_err(|error| error.message().to_owned())?;
        let thread = std::thread::Builder::new().name("libvirt-events".into());
        let spawned = thread.spawn(|| {
            loop {
                if let Err(error) = event_run_default_impl() {
                    tracing::error!(error = error.message(), "libvirt's event loop stumbled");
                }
            }
        });
        spawned.map(|_| ()).map_err(|error| error.to_string())
    });
    started.clone().map_err(std::io::Error::other)
}

/// Asks for life-cycle events, and to be told when the connection ends. Drivers that can't do the
/// latter live in this process and never end.
pub(crate) fn register(connect: &Connect, shared: &Arc<Shared>) -> Result<(), Error> {
    let keeper = opaque(shared);
    // SAFETY: the connection is open; `opaque` is a boxed weak reference that libvirt gives back to
    // `release` when it is done with it, or that is released here when registration failed.
    unsafe {
        let result = virt_sys::virConnectRegisterCloseCallback(
            connect.as_ptr(),
            Some(closed),
            keeper,
            Some(release),
        );
        if result < 0 {
            release(keeper);
        }
    }
    let watcher = opaque(shared);
    // SAFETY: as above. libvirt calls a life-cycle callback with the arguments of `lifecycle`; the
    // generic type is what its header tells to cast to.
    unsafe {
        let callback = std::mem::transmute::<
            unsafe extern "C" fn(
                virt_sys::virConnectPtr,
                virt_sys::virDomainPtr,
                c_int,
                c_int,
                *mut c_void,
            ) -> c_int,
            unsafe extern "C" fn(virt_sys::virConnectPtr, virt_sys::virDomainPtr, *mut c_void),
        >(lifecycle);
        let result = virt_sys::virConnectDomainEventRegisterAny(
            connect.as_ptr(),
            std::ptr::null_mut(),
            virt_sys::VIR_DOMAIN_EVENT_ID_LIFECYCLE as c_int,
            Some(callback),
            watcher,
            Some(release),
        );
        if result < 0 {
            release(watcher);
            return Err(Error::last_error());
        }
    }
    register_networks(connect, shared);
    register_pools(connect, shared);
    Ok(())
}

/// Asks for life-cycle events of storage pools. A driver without them has none to tell of.
fn register_pools(connect: &Connect, shared: &Arc<Shared>) {
    let watcher = opaque(shared);
    // SAFETY: as in `register`. libvirt calls this callback with the arguments of `pool_lifecycle`.
    unsafe {
        let callback = std::mem::transmute::<
            unsafe extern "C" fn(
                virt_sys::virConnectPtr,
                virt_sys::virStoragePoolPtr,
                c_int,
                c_int,
                *mut c_void,
            ),
            unsafe extern "C" fn(virt_sys::virConnectPtr, virt_sys::virStoragePoolPtr, *mut c_void),
        >(pool_lifecycle);
        let result = virt_sys::virConnectStoragePoolEventRegisterAny(
            connect.as_ptr(),
            std::ptr::null_mut(),
            virt_sys::VIR_STORAGE_POOL_EVENT_ID_LIFECYCLE as c_int,
            Some(callback),
            watcher,
            Some(release),
        );
        if result < 0 {
            release(watcher);
        }
    }
}

/// Asks for life-cycle events of networks. A driver without networks has none to tell of.
fn register_networks(connect: &Connect, shared: &Arc<Shared>) {
    let watcher = opaque(shared);
    // SAFETY: as in `register`. libvirt calls this callback with the arguments of `network_lifecycle`.
    unsafe {
        let callback = std::mem::transmute::<
            unsafe extern "C" fn(
                virt_sys::virConnectPtr,
                virt_sys::virNetworkPtr,
                c_int,
                c_int,
                *mut c_void,
            ),
            unsafe extern "C" fn(virt_sys::virConnectPtr, virt_sys::virNetworkPtr, *mut c_void),
        >(network_lifecycle);
        let result = virt_sys::virConnectNetworkEventRegisterAny(
            connect.as_ptr(),
            std::ptr::null_mut(),
            virt_sys::VIR_NETWORK_EVENT_ID_LIFECYCLE as c_int,
            Some(callback),
            watcher,
            Some(release),
        );
        if result < 0 {
            release(watcher);
        }
    }
}

/// Whether a callback's connection is this one.
pub(crate) fn is(connect: &Connect, pointer: virt_sys::virConnectPtr) -> bool {
    // SAFETY: the pointer is compared, not used.
    let known = unsafe { connect.as_ptr() };
    known == pointer
}

fn opaque(shared: &Arc<Shared>) -> *mut c_void {
    Box::into_raw(Box::new(Arc::downgrade(shared))).cast()
}

/// What `opaque` made, if it still lives.
///
/// # Safety
/// `opaque` must come from [`opaque`] and not be released yet.
unsafe fn shared(opaque: *mut c_void) -> Option<Arc<Shared>> {
    // SAFETY: see above; libvirt keeps it until it calls `release`.
    unsafe { (*opaque.cast::<Weak<Shared>>()).upgrade() }
}

unsafe extern "C" fn release(opaque: *mut c_void) {
    // SAFETY: libvirt calls this once for each pointer that `opaque` made.
    drop(unsafe { Box::from_raw(opaque.cast::<Weak<Shared>>()) });
}

unsafe extern "C" fn closed(connect: virt_sys::virConnectPtr, reason: c_int, opaque: *mut c_void) {
    let reason = match reason.cast_unsigned() {
        virt_sys::VIR_CONNECT_CLOSE_REASON_KEEPALIVE => "it stopped answering",
        virt_sys::VIR_CONNECT_CLOSE_REASON_EOF => "it closed the connection",
        _ => "the connection broke",
    };
    // SAFETY: libvirt passes what `register` gave it.
    if let Some(shared) = unsafe { shared(opaque) } {
        shared.lost(connect, reason);
    }
}

unsafe extern "C" fn lifecycle(
    _connect: virt_sys::virConnectPtr,
    domain: virt_sys::virDomainPtr,
    event: c_int,
    _detail: c_int,
    opaque: *mut c_void,
) -> c_int {
    let mut text = [0 as c_char; UUID_TEXT];
    // SAFETY: libvirt passes a domain that is valid during the call and what `register` gave it; the
    // buffer has the length that libvirt asks for, and a final zero in any case.
    let (read, text, shared) = unsafe {
        let read = virt_sys::virDomainGetUUIDString(domain, text.as_mut_ptr());
        (read, CStr::from_ptr(text.as_ptr()), shared(opaque))
    };
    let id = text
        .to_str()
        .ok()
        .and_then(|text| text.parse().ok())
        .map(VmId);
    if let (0, Some(id), Some(shared)) = (read, id, shared) {
        let removed = event.cast_unsigned() == virt_sys::VIR_DOMAIN_EVENT_UNDEFINED;
        shared.tell(&if removed {
            Signal::Removed(id)
        } else {
            Signal::Changed(id)
        });
    }
    0
}

unsafe extern "C" fn network_lifecycle(
    _connect: virt_sys::virConnectPtr,
    _network: virt_sys::virNetworkPtr,
    _event: c_int,
    _detail: c_int,
    opaque: *mut c_void,
) {
    // SAFETY: libvirt passes what `register_networks` gave it.
    if let Some(shared) = unsafe { shared(opaque) } {
        shared.tell(&Signal::NetworksChanged);
    }
}

unsafe extern "C" fn pool_lifecycle(
    _connect: virt_sys::virConnectPtr,
    pool: virt_sys::virStoragePoolPtr,
    _event: c_int,
    _detail: c_int,
    opaque: *mut c_void,
) {
    // SAFETY: libvirt passes a pool that is valid during the call, whose name lives as long, and what
    // `register_pools` gave it.
    let (name, shared) = unsafe {
        let name = virt_sys::virStoragePoolGetName(pool);
        let name = (!name.is_null()).then(|| CStr::from_ptr(name));
        (name, shared(opaque))
    };
    let passing = name.is_some_and(|name| name.to_bytes().starts_with(PASSING.as_bytes()));
    if let (false, Some(shared)) = (passing, shared) {
        shared.tell(&Signal::PoolsChanged);
    }
}
