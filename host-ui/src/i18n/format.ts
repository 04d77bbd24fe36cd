// Quantities as people read them. Pure; binary units throughout, because that is what VMs are sized in.

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

/** `1610612736` → `1.5 GiB`: at most one decimal, none from 100 up. */
export function formatBytes(bytes: number, locale: string): string {
  let value = Math.max(0, bytes);
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || value >= 100 ? 0 : 1;
  return `${value.toLocaleString(locale, { maximumFractionDigits: digits })} ${units[unit]}`;
}

/** When something that ran for `uptimeS` seconds at `readAt` (epoch milliseconds) was started. */
export const upSince = (uptimeS: number, readAt: number): Date => new Date(readAt - uptimeS * 1000);

/** Part of a whole in percent, 0 to 100; an empty whole is 0. */
export function percent(part: number, whole: number): number {
  return whole > 0 ? Math.min(100, Math.max(0, Math.round((part / whole) * 100))) : 0;
}

/** A SHA-256 fingerprint in the groups that people compare: `AB:CD:…`. */
export function formatFingerprint(hex: string): string {
  const pairs = hex.replaceAll(':', '').toUpperCase().match(/.{1,2}/g) ?? [];
  return pairs.join(':');
}

/** A point in time as people write it: date and minute. */
export function formatTime(time: Date, locale: string): string {
  return time.toLocaleString(locale, { dateStyle: 'medium', timeStyle: 'short' });
}

/** How long something takes: `45 sec`, from two minutes up in minutes. */
export function formatDuration(seconds: number, locale: string): string {
  const minutes = seconds >= 120;
  const options = { style: 'unit', unit: minutes ? 'minute' : 'second', unitDisplay: 'short' } as const;
  return Math.ceil(minutes ? seconds / 60 : seconds).toLocaleString(locale, options);
}

/** What the daemon says as a clause, as the sentence that stands alone on a page. */
export function asSentence(text: string): string {
  const start = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?…]$/.test(start) ? start : `${start}.`;
}
