// Values that tests start from.
import type { Disk, Feed, Host, HostConfig, HostNetwork, LastUpdate, ManagementNetwork, Network, Pool, Slot, Snapshot, Task, Transfer, Updates, Vm, Volume } from '@/api/types';

/** A VM that is off, with the fields given changed. */
export const aVm = (part: Partial<Vm> = {}): Vm => ({
  id: '00000000-0000-4000-8000-000000000001',
  name: 'web1',
  description: '',
  state: 'off',
  tags: [],
  vcpus: 1,
  vcpus_max: 1,
  memory_mib: 1024,
  cpu_model: 'host',
  boot_order: [],
  firmware: 'uefi',
  tpm: false,
  accelerator: 'kvm',
  disks: [],
  nics: [],
  vnc: true,
  autostart: false,
  autostart_order: 0,
  autostart_delay_s: 0,
  pending_restart: [],
  revision: '0123456789abcdef',
  ...part,
});

/** A disk of 1 GiB without limits, with the fields given changed. */
export const aDisk = (part: Partial<Disk> = {}): Disk => ({
  target: 'vda',
  path: '/data/vms/1/disk0.qcow2',
  cdrom: false,
  size_bytes: 1024 ** 3,
  limits: { read_bytes_sec: 0, write_bytes_sec: 0, read_iops: 0, write_iops: 0 },
  ...part,
});

/** How a host came up from slot A. */
export const aBoot = (): NonNullable<Host['boot']> => ({
  mode: 'slot',
  slot: 'A',
  version: '0.1.0',
  build_id: '0123456789abcdef',
  key_id: '0123456789abcdef',
  source: '/dev/sda2',
  copy_ms: 500,
  copy_bytes: 150 * 1024 ** 2,
  ready_ms: 9000,
  watchdog: null,
  config: 'partition',
  data: 'partition',
  warnings: [],
});

/** A healthy host, with the fields given changed. */
export const aHost = (part: Partial<Host> = {}): Host => ({
  hostname: 'qx1',
  product: 'Quantix-OS',
  version: '0.1.0',
  build_id: '0123456789abcdef',
  boot: null,
  config: { source: 'current', generation: null, problems: [] },
  uptime_s: 60,
  cpu: { model: 'CPU', sockets: 1, cores: 4, threads: 8 },
  memory: { total_bytes: 8 * 1024 ** 3, available_bytes: 4 * 1024 ** 3 },
  data: { path: '/data', total_bytes: 1024 ** 4, free_bytes: 1024 ** 4 / 2, kind: 'disk' },
  hypervisor: { accelerator: 'kvm', libvirt_version: '11.3.0', qemu_version: '10.0.2', note: null },
  addresses: [],
  certificate_sha256: 'ab'.repeat(32),
  ssh_enabled: false,
  ...part,
});

/** A slot that holds a good version that does not run, with the fields given changed. */
export const aSlot = (part: Partial<Slot> = {}): Slot => ({
  name: 'B',
  state: 'good',
  running: false,
  confirmed: false,
  tries_left: null,
  version: '0.2.0',
  build_id: 'fedcba9876543210',
  failure: null,
  ...part,
});

/** The slot that an installed host runs from. */
export const theRunningSlot = (part: Partial<Slot> = {}): Slot =>
  aSlot({ name: 'A', running: true, confirmed: true, version: '0.1.0', build_id: '0123456789abcdef', ...part });

/** An empty slot. */
export const anEmptySlot = (): Slot => aSlot({ state: 'empty', version: null, build_id: null });

/** A freshly installed host: slot A runs, slot B is empty. */
export const someUpdates = (part: Partial<Updates> = {}): Updates => ({
  unavailable: null,
  slots: [theRunningSlot(), anEmptySlot()],
  transfer: null,
  last: null,
  feed: null,
  ...part,
});

/** A feed that was asked and has a newer version. */
export const aFeed = (part: Partial<Feed> = {}): Feed => ({
  url: 'https://updates.example.org/quantix',
  channel: 'stable',
  checked_at: '2026-11-24T12:00:00Z',
  next_check_at: '2026-11-25T12:00:00Z',
  problem: null,
  offer: { version: '0.2.0', build_id: 'fedcba9876543210', size_bytes: 150 * 1024 * 1024, staged: false, given_up: false },
  automatic: 'off',
  window: null,
  ...part,
});

/** A bundle that arrives. */
export const aTransfer = (part: Partial<Transfer> = {}): Transfer => ({
  source: 'upload',
  state: 'receiving',
  version: '0.2.0',
  received_bytes: 40,
  total_bytes: 100,
  percent: 20,
  problem: null,
  task_id: '00000000-0000-4000-8000-0000000000aa',
  ...part,
});

/** An update that went well. */
export const aLastUpdate = (part: Partial<LastUpdate> = {}): LastUpdate => ({
  version: '0.2.0',
  build_id: 'fedcba9876543210',
  slot: 'B',
  from_version: '0.1.0',
  started_at: '2026-03-01T12:00:00Z',
  outcome: 'succeeded',
  failure: null,
  ...part,
});

export const aNetwork = (part: Partial<Network> = {}): Network => ({
  id: '8d2b3f04-6f0c-4f9a-9a55-0d6f0e1f2a77',
  name: 'lab',
  mode: 'nat',
  active: true,
  autostart: true,
  ipv4: {
    address: '192.168.100.1/24',
    dhcp: {
      start: '192.168.100.10',
      end: '192.168.100.199',
      reservations: [{ mac: '52:54:00:12:34:56', address: '192.168.100.200', name: 'printer' }],
    },
  },
  bridge: 'virbr1',
  vlan: { tags: [], trunk: false, native: null },
  pending_restart: false,
  used_by: [],
  revision: '1',
  ...part,
});

/** DHCP on the first card, with the fields given changed. */
export const aManagementNetwork = (part: Partial<ManagementNetwork> = {}): ManagementNetwork => ({
  interfaces: ['auto'],
  bond_mode: 'active-backup',
  vlan: null,
  ipv4: { method: 'dhcp', address: null, gateway: null },
  ipv6: { method: 'auto', address: null, gateway: null },
  dns: [],
  ...part,
});

/** The network of a host on which nothing waits, with the fields given changed. */
export const aHostNetwork = (part: Partial<HostNetwork> = {}): HostNetwork => ({
  revision: '1',
  configured: aManagementNetwork(),
  in_force: aManagementNetwork(),
  differs: [],
  interface: 'br0',
  problems: [],
  trial: null,
  undone: null,
  previous: null,
  ...part,
});

/** The settings of a fresh host, with the fields given changed. */
export const aHostConfig = (part: Partial<HostConfig> = {}): HostConfig => ({
  revision: '1',
  hostname: 'qx1',
  timezone: 'UTC',
  ntp: ['pool.ntp.org'],
  ssh: { enabled: false, authorized_keys: [], on_for_s: null },
  proxy: { https: null, ca_certificates: [] },
  ...part,
});

/** The host's own pool, half full. */
export const aPool = (part: Partial<Pool> = {}): Pool => ({
  id: '5d0a3c1e-58bd-4d0e-9d83-0f8f0e2f2b11',
  name: 'default',
  type: 'directory',
  state: 'active',
  problem: null,
  autostart: true,
  capacity_bytes: 100 * 1024 ** 3,
  allocation_bytes: 50 * 1024 ** 3,
  available_bytes: 50 * 1024 ** 3,
  path: '/data/volumes',
  source: null,
  makes_volumes: true,
  has_files: true,
  own: true,
  used_by: [],
  ...part,
});

/** A volume that no VM has. */
export const aVolume = (part: Partial<Volume> = {}): Volume => ({
  pool: aPool().id,
  name: 'data.qcow2',
  path: '/data/volumes/data.qcow2',
  format: 'qcow2',
  capacity_bytes: 20 * 1024 ** 3,
  allocation_bytes: 1024 ** 3,
  backing: null,
  used_by: [],
  ...part,
});

/** A snapshot with memory. */
export const aSnapshot = (part: Partial<Snapshot> = {}): Snapshot => ({
  name: 'snapshot-1',
  description: '',
  parent: null,
  created_at: '2026-03-01T12:00:00Z',
  memory: true,
  current: false,
  ...part,
});

/** A task half-way. */
export const aTask = (part: Partial<Task> = {}): Task => ({
  id: '00000000-0000-4000-8000-0000000000aa',
  operation: 'vm_create',
  target: { type: 'vm', id: '00000000-0000-4000-8000-000000000001', name: 'web1' },
  actor: 'root',
  state: 'running',
  percent: 45,
  steps: [
    { name: 'make the disks', state: 'running' },
    { name: 'define the VM', state: 'waiting' },
  ],
  not_cancellable: null,
  created_at: '2026-03-01T12:00:00Z',
  started_at: '2026-03-01T12:00:00Z',
  ended_at: null,
  problem: null,
  log: null,
  ...part,
});
