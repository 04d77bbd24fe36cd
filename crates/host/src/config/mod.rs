//! The host's configuration: one versioned TOML file, its schema, and its generations on disk; and the
//! answer file, the same schema with an `[install]` table. The only reader and writer of that file. Knows nothing of what the values do to the system (`apply` does).

mod decode;
mod encode;
mod install;
mod kernel;
mod management;
mod problem;
mod read;
mod schema;
mod status;
mod store;
mod types;
mod web;
mod window;

pub use install::{
    AnswerFile, DiskChoice, Install, LEAST_CONFIG_MIB, LEAST_EFI_MIB, LEAST_SYSTEM_MIB, MOST_MIB,
};
pub use kernel::{Console, KernelArgument, MOST_ARGUMENT_BYTES, TooLongError, kernel_arguments};
pub use problem::Problem;
pub use read::{Parsed, parse, parse_answer};
pub use schema::{
    Bond, BondMode, Config, Ipv4, Ipv6, Management, Proxy, Ssh, System, Updates, VERSION,
};
pub use status::{Source, Status};
pub use store::{Loaded, Store, StoreError};
pub use types::{
    HostName, InterfaceName, InterfaceSelector, Ipv4Cidr, Ipv6Cidr, MacAddress, PasswordHash,
    ServerName, SshPublicKey, TimeZone, ValueError, VlanId,
};
pub use web::{CaCertificate, Channel, FeedUrl, ProxyUrl};
pub use window::{Automatic, Day, TimeOfDay, Window};
