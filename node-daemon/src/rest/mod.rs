//! REST: which handler answers which endpoint of the table.

mod access;
mod console;
mod devices;
pub(crate) mod events;
pub(crate) mod guest;
pub(crate) mod health;
mod host;
mod host_care;
mod host_config;
mod host_logs;
mod host_network;
mod host_state;
mod images;
mod metrics;
mod networks;
mod pools;
mod snapshots;
pub(crate) mod stream;
mod tasks;
pub(crate) mod updates;
mod users;
mod vms;
mod volumes;

use axum::extract::Request;
use axum::handler::Handler;
use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, on};
use axum::{Router, extract::DefaultBodyLimit};
use qx_api::endpoints::{self, Endpoint, Method};

pub(crate) use host::read as read_host;
pub(crate) use host_state::protection;

use crate::app::App;
use crate::guard::{Guard, guard};
use crate::problem::Failure;
use crate::{requests, ui};

/// Hangs handlers on endpoints, each behind its guard.
struct Routes<'a> {
    app: &'a App,
    router: Router<App>,
    served: Vec<&'static str>,
}

impl Routes<'_> {
    fn on<H, T>(mut self, endpoint: &'static Endpoint, handler: H) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        let method = match endpoint.method {
            Method::Get => MethodFilter::GET,
            Method::Post => MethodFilter::POST,
            Method::Put => MethodFilter::PUT,
            Method::Delete => MethodFilter::DELETE,
            Method::Patch => MethodFilter::PATCH,
        };
        let state = Guard {
            app: self.app.clone(),
            endpoint,
        };
        let route = on(method, handler).layer(from_fn_with_state(state, guard));
        self.router = self.router.route(endpoint.path, route);
        self.served.push(endpoint.id);
        self
    }
}

fn routes(app: &App) -> Routes<'_> {
    let routes = Routes {
        app,
        router: Router::new(),
        served: Vec::new(),
    };
    routes
        .on(&endpoints::HEALTH, health::alive)
        .on(&endpoints::READINESS, health::ready)
        .on(&endpoints::OPENAPI, health::openapi)
        .on(&endpoints::SESSION_CREATE, access::login)
        .on(&endpoints::SESSION_GET, access::session)
        .on(&endpoints::SESSION_DELETE, access::logout)
        .on(&endpoints::TOKEN_CREATE, access::create_token)
        .on(&endpoints::TOKEN_LIST, access::list_tokens)
        .on(&endpoints::TOKEN_DELETE, access::delete_token)
        .on(&endpoints::AUDIT_LIST, access::list_audit)
        .on(&endpoints::HOST_GET, host::get)
        .on(&endpoints::HOST_BACKUP, host_state::back_up)
        .on(&endpoints::HOST_RESTORE, host_state::restore)
        .on(&endpoints::HOST_RESET, host_state::reset)
        .on(&endpoints::HOST_POWER, host_state::power)
        .on(&endpoints::HOST_LOGS, host_logs::get)
        .on(&endpoints::HOST_LOGS_FOLLOW, host_logs::follow)
        .on(&endpoints::HOST_SERVICES, host_care::services)
        .on(&endpoints::HOST_SERVICE_RESTART, host_care::restart)
        .on(&endpoints::HOST_CERTIFICATE_GET, host_care::certificate)
        .on(&endpoints::HOST_CERTIFICATE_PUT, host_care::put_certificate)
        .on(
            &endpoints::HOST_CERTIFICATE_REGENERATE,
            host_care::regenerate_certificate,
        )
        .on(&endpoints::HOST_SUPPORT_BUNDLE, host_care::support_bundle)
        .on(&endpoints::HOST_CONFIG_GET, host_config::get)
        .on(&endpoints::HOST_CONFIG_PATCH, host_config::patch)
        .on(&endpoints::HOST_NETWORK_GET, host_network::get)
        .on(&endpoints::HOST_NETWORK_PUT, host_network::put)
        .on(&endpoints::HOST_NETWORK_CONFIRM, host_network::confirm)
        .on(&endpoints::HOST_NETWORK_UNDO, host_network::undo)
        .on(&endpoints::UPDATES_GET, updates::get)
        .on(&endpoints::UPDATE_UPLOAD, updates::upload)
        .on(&endpoints::UPDATE_DISCARD, updates::discard)
        .on(&endpoints::UPDATE_REINSTALL, updates::reinstall)
        .on(&endpoints::UPDATE_CHECK, updates::check)
        .on(&endpoints::UPDATE_FETCH, updates::fetch)
        .on(&endpoints::UPDATE_APPLY, updates::apply)
        .on(&endpoints::UPDATE_CONFIRM, updates::confirm)
        .on(&endpoints::UPDATE_ROLLBACK, updates::roll_back)
        .on(&endpoints::VM_LIST, vms::list)
        .on(&endpoints::VM_CREATE, vms::create)
        .on(&endpoints::VM_CLONE, vms::clone)
        .on(&endpoints::VM_GET, vms::get)
        .on(&endpoints::VM_PATCH, vms::patch)
        .on(&endpoints::VM_DELETE, vms::delete)
        .on(&endpoints::VM_START, vms::start)
        .on(&endpoints::VM_SHUTDOWN, vms::shutdown)
        .on(&endpoints::VM_STOP, vms::stop)
        .on(&endpoints::VM_REBOOT, vms::reboot)
        .on(&endpoints::VM_RESET, vms::reset)
        .on(&endpoints::VM_PAUSE, vms::pause)
        .on(&endpoints::VM_RESUME, vms::resume)
        .on(&endpoints::VM_SUSPEND, vms::suspend)
        .on(&endpoints::VM_DISK_ATTACH, devices::attach_disk)
        .on(&endpoints::VM_DISK_PATCH, devices::patch_disk)
        .on(&endpoints::VM_DISK_DETACH, devices::detach_disk)
        .on(&endpoints::VM_NIC_ATTACH, devices::attach_nic)
        .on(&endpoints::VM_NIC_PATCH, devices::patch_nic)
        .on(&endpoints::VM_NIC_DETACH, devices::detach_nic)
        .on(&endpoints::VM_CDROM_PUT, devices::set_cdrom)
        .on(&endpoints::SNAPSHOT_LIST, snapshots::list)
        .on(&endpoints::SNAPSHOT_CREATE, snapshots::create)
        .on(&endpoints::SNAPSHOT_REVERT, snapshots::revert)
        .on(&endpoints::SNAPSHOT_DELETE, snapshots::delete)
        .on(&endpoints::VM_CONSOLE_CREATE, console::create)
        .on(&endpoints::VM_CONSOLE_OPEN, console::open)
        .on(&endpoints::GUEST_GET, guest::info)
        .on(&endpoints::GUEST_PING, guest::ping)
        .on(&endpoints::GUEST_ADDRESSES, guest::addresses)
        .on(&endpoints::GUEST_FILESYSTEMS, guest::filesystems)
        .on(&endpoints::GUEST_EXEC, guest::exec)
        .on(&endpoints::GUEST_EXEC_STATUS, guest::exec_status)
        .on(&endpoints::GUEST_FILE_READ, guest::read_file)
        .on(&endpoints::GUEST_FILE_WRITE, guest::write_file)
        .on(&endpoints::GUEST_FREEZE, guest::freeze)
        .on(&endpoints::GUEST_THAW, guest::thaw)
        .on(&endpoints::GUEST_TRIM, guest::trim)
        .on(&endpoints::GUEST_PASSWORD, guest::set_password)
        .on(&endpoints::GUEST_TIME, guest::set_time)
        .on(&endpoints::GUEST_SHUTDOWN, guest::shut_down)
        .on(&endpoints::GUEST_REBOOT, guest::reboot)
        .on(&endpoints::IMAGE_LIST, images::list)
        .on(&endpoints::IMAGE_UPLOAD, images::upload)
        .on(&endpoints::IMAGE_UPLOAD_LIST, images::uploads)
        .on(&endpoints::IMAGE_UPLOAD_DELETE, images::forget_upload)
        .on(&endpoints::IMAGE_DELETE, images::delete)
        .on(&endpoints::NETWORK_LIST, networks::list)
        .on(&endpoints::NETWORK_CREATE, networks::create)
        .on(&endpoints::NETWORK_GET, networks::get)
        .on(&endpoints::NETWORK_PATCH, networks::patch)
        .on(&endpoints::NETWORK_DELETE, networks::delete)
        .on(&endpoints::NETWORK_START, networks::start)
        .on(&endpoints::NETWORK_STOP, networks::stop)
        .on(&endpoints::BRIDGE_LIST, networks::bridges)
        .on(&endpoints::POOL_LIST, pools::list)
        .on(&endpoints::POOL_CREATE, pools::create)
        .on(&endpoints::POOL_DISKS, pools::disks)
        .on(&endpoints::POOL_FORMAT, pools::format)
        .on(&endpoints::POOL_GET, pools::get)
        .on(&endpoints::POOL_PATCH, pools::patch)
        .on(&endpoints::POOL_DELETE, pools::delete)
        .on(&endpoints::POOL_START, pools::start)
        .on(&endpoints::POOL_STOP, pools::stop)
        .on(&endpoints::POOL_REFRESH, pools::refresh)
        .on(&endpoints::VOLUME_LIST, volumes::list)
        .on(&endpoints::VOLUME_CREATE, volumes::create)
        .on(&endpoints::VOLUME_GET, volumes::get)
        .on(&endpoints::VOLUME_PATCH, volumes::patch)
        .on(&endpoints::VOLUME_DELETE, volumes::delete)
        .on(&endpoints::VOLUME_DOWNLOAD, volumes::download)
        .on(&endpoints::VOLUME_UPLOAD, volumes::upload)
        .on(&endpoints::TASK_LIST, tasks::list)
        .on(&endpoints::TASK_GET, tasks::get)
        .on(&endpoints::TASK_CANCEL, tasks::cancel)
        .on(&endpoints::EVENTS, events::follow)
        .on(&endpoints::HOST_METRICS, metrics::of_host)
        .on(&endpoints::VM_METRICS, metrics::of_vm)
        .on(&endpoints::METRICS_LIVE, metrics::follow)
        .on(&endpoints::METRICS, metrics::scrape)
        .on(&endpoints::USER_LIST, users::list)
        .on(&endpoints::USER_CREATE, users::create)
        .on(&endpoints::USER_GET, users::get)
        .on(&endpoints::USER_PATCH, users::patch)
        .on(&endpoints::USER_DELETE, users::delete)
        .on(&endpoints::PASSWORD_CHANGE, users::change_password)
}

/// Everything that HTTPS and the Unix socket serve.
pub(crate) fn router(app: &App) -> Router {
    routes(app)
        .router
        .method_not_allowed_fallback(wrong_method)
        .fallback(ui::fallback)
        // Handlers limit what they read themselves.
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn(requests::around))
        .with_state(app.clone())
}

async fn wrong_method(request: Request) -> Response {
    let detail = format!(
        "{} is not possible here; Allow says what is",
        request.method()
    );
    Failure::new(StatusCode::METHOD_NOT_ALLOWED, detail).into_response()
}

/// How many items a page may have.
fn limit(asked: Option<usize>) -> Result<usize, Failure> {
    match asked {
        None => Ok(100),
        Some(limit @ 1..=1000) => Ok(limit),
        Some(_) => Err(Failure::field("limit", "must be 1 to 1000")),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::Arc;

    use clap::Parser;
    use qx_engine::Engine;
    use qx_hypervisor::fake::Fake;

    use super::*;
    use crate::options::Options;

    #[tokio::test]
    async fn every_endpoint_of_the_table_is_served() {
        let data = tempfile::tempdir().unwrap();
        let mut options = Options::parse_from(["qx-node"]);
        options.data_dir = data.path().to_owned();
        options.state_dir = data.path().join("state");
        let engine = Engine::start(Arc::new(Fake::default()), options.places())
            .await
            .unwrap();
        let app = App::new(engine, &options);
        let served: HashSet<&str> = routes(&app).served.into_iter().collect();
        for endpoint in endpoints::ALL {
            assert!(
                served.contains(endpoint.id),
                "{} has no handler",
                endpoint.id
            );
        }
    }
}
