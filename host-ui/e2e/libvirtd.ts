// A libvirtd of a test's own, in namespaces of its own: everything it started dies with it. Needs root.
import { type ChildProcess, spawn } from 'node:child_process';
import { access, chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const startLimitMs = 90_000;

/** Run as the first process of the namespaces, and ended with its standard input; `$1` is the directory. */
const init = `
set -eu
mount --make-rprivate / 2>/dev/null || :
mkdir -p /run/lock /etc/libvirt /var/lib/libvirt /var/log/libvirt
for path in /etc/libvirt /var/lib/libvirt /var/log/libvirt /run; do mount -t tmpfs tmpfs "$path"; done
mkdir -p /run/lock
cp "$1/qemu.conf" /etc/libvirt/qemu.conf
# A node that libvirtd can use and QEMU’s user can’t would make libvirtd probe QEMU again for each call.
if [ -e /dev/kvm ] && mknod -m 660 /run/kvm c 10 232 2>/dev/null; then
    chgrp kvm /run/kvm
    mount --bind /run/kvm /dev/kvm
fi
ip link set lo up
libvirtd -f "$1/libvirtd.conf" -p "$1/libvirtd.pid" >>"$1/libvirtd.log" 2>&1 &
cat
`;

export class Libvirtd {
  private constructor(
    readonly uri: string,
    private readonly directory: string,
    private readonly process: ChildProcess,
  ) {}

  static async start(): Promise<Libvirtd> {
    const directory = await mkdtemp(join(tmpdir(), 'qx-libvirtd-'));
    // QEMU runs as another user and opens its files by name.
    await chmod(directory, 0o711);
    const socket = join(directory, 'libvirt-sock');
    const files = {
      'libvirtd.conf': `unix_sock_dir = "${directory}"\nauth_unix_rw = "none"\nauth_unix_ro = "none"\n`,
      'qemu.conf':
        'user = "libvirt-qemu"\ngroup = "kvm"\ndynamic_ownership = 1\nremember_owner = 0\nsecurity_driver = "none"\n' +
        'namespaces = []\ncgroup_controllers = []\nstdio_handler = "file"\n',
    };
    await Promise.all(Object.entries(files).map(([name, text]) => writeFile(join(directory, name), text)));
    const namespaces = ['--mount', '--propagation', 'unchanged', '--net', '--pid', '--fork', '--kill-child', '--mount-proc'];
    const child = spawn('unshare', [...namespaces, 'sh', '-c', init, 'sh', directory], { stdio: ['pipe', 'ignore', 'ignore'] });
    const deadline = Date.now() + startLimitMs;
    while (!(await access(socket).then(() => true, () => false))) {
      if (child.exitCode !== null || Date.now() > deadline) throw new Error(`libvirtd does not listen, see ${directory}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return new Libvirtd(`qemu+unix:///system?socket=${socket}`, directory, child);
  }

  async stop(): Promise<void> {
    const gone = new Promise((resolve) => this.process.once('exit', resolve));
    this.process.kill('SIGKILL');
    await gone;
    await rm(this.directory, { recursive: true, force: true });
  }
}
