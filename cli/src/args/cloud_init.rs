//! What can be typed after `qx vm create` for the guest's cloud-init.

use std::path::PathBuf;

use clap::Args;

#[derive(Args)]
#[command(next_help_heading = "What cloud-init in the guest sets up at its first start")]
pub(crate) struct CloudInit {
    /// Tell the guest its name at least; each option below does so too.
    #[arg(long)]
    pub(crate) cloud_init: bool,
    /// The guest's host name; made of the VM's name if left out.
    #[arg(long, value_name = "NAME")]
    pub(crate) hostname: Option<String>,
    /// The account that the password and the keys are for; the one that the image has for it if left out.
    #[arg(long, value_name = "NAME")]
    pub(crate) guest_user: Option<String>,
    /// Give the account a password, which is asked for, or read as a line from standard input.
    #[arg(long)]
    pub(crate) guest_password: bool,
    /// A file of public SSH keys, such as ~/.ssh/id_ed25519.pub; again for more.
    #[arg(long = "ssh-key", value_name = "FILE")]
    pub(crate) ssh_keys: Vec<PathBuf>,
    /// A file with the guest's own user-data (#cloud-config, a script), in place of account, password and keys.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["guest_user", "guest_password", "ssh_keys"])]
    pub(crate) user_data: Option<PathBuf>,
    /// An address of the first NIC, such as 192.0.2.5/24; again for more. DHCP if left out.
    #[arg(long = "address", value_name = "ADDRESS/PREFIX")]
    pub(crate) addresses: Vec<String>,
    /// The gateway; once for IPv4 and once for IPv6.
    #[arg(long = "gateway", value_name = "ADDRESS")]
    pub(crate) gateways: Vec<String>,
    /// A name server; again for more.
    #[arg(long = "dns", value_name = "ADDRESS")]
    pub(crate) dns: Vec<String>,
}
