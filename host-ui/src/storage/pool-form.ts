// The form of a pool: what is typed, and what it asks the daemon for. Pure.
import type { PoolCreate } from '@/api/types';

export const poolKinds = ['directory', 'nfs', 'lvm', 'iscsi'] as const;

export type PoolForm = {
  name: string;
  type: (typeof poolKinds)[number];
  path: string;
  host: string;
  export: string;
  group: string;
  /** Separated by commas or spaces. */
  devices: string;
  target: string;
  autostart: boolean;
};

export const emptyPool: PoolForm = {
  name: '',
  type: 'directory',
  path: '',
  host: '',
  export: '',
  group: '',
  devices: '',
  target: '',
  autostart: true,
};

export function toPool(form: PoolForm): PoolCreate {
  const { name, type, autostart } = form;
  const path = form.path.trim();
  switch (type) {
    case 'directory':
      return { name, type, autostart, ...(path !== '' && { path }) };
    case 'nfs':
      return { name, type, autostart, nfs: { host: form.host.trim(), export: form.export.trim() } };
    case 'lvm':
      return {
        name,
        type,
        autostart,
        lvm: { group: form.group.trim(), devices: form.devices.split(/[\s,]+/).filter((device) => device !== '') },
      };
    case 'iscsi': {
      const [host = '', port] = form.host.trim().split(/:(?=\d+$)/);
      const target = form.target.trim();
      return { name, type, autostart, iscsi: { host, target, ...(port !== undefined && { port: Number(port) }) } };
    }
  }
}
