// Where a host is reached once its network is another one, and how long it waits to be told so. Pure.
import type { ManagementNetwork } from '@/api/types';

type Place = Pick<Location, 'hostname' | 'port' | 'protocol'>;

const page = '/host-network';

/**
 * The addresses of this page on the host with `network`, IPv4 first; none that leads where `here` is. Addresses that
 * are not fixed are not known before the host has them.
 */
export function newUrls(network: ManagementNetwork, here: Place): string[] {
  const { ipv4, ipv6 } = network;
  const hosts = [
    ipv4.method === 'static' && ipv4.address ? withoutLength(ipv4.address) : null,
    ipv6.method === 'static' && ipv6.address ? `[${withoutLength(ipv6.address)}]` : null,
  ].filter((host) => host !== null);
  // One of them is where this page comes from: nothing changes for it.
  if (hosts.some((host) => new URL(`http://${host}`).hostname === here.hostname)) return [];
  return hosts.map((host) => `${here.protocol}//${host}${here.port === '' ? '' : `:${here.port}`}${page}`);
}

const withoutLength = (address: string) => address.split('/')[0] ?? '';

/** Whole seconds until a trial is undone, from what was read `readAt` (epoch milliseconds); never below 0. */
export function secondsLeft(leftMs: number, readAt: number, now: number): number {
  return Math.max(0, Math.ceil((leftMs - (now - readAt)) / 1000));
}
