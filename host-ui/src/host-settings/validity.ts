// Whether a certificate is good today, and for how long. Pure.
import type { HostCertificate } from '@/api/types';

const dayMs = 24 * 60 * 60 * 1000;
/** Time enough to get another one. */
const soonDays = 30;

type Validity = { state: 'good' | 'soon' | 'early' | 'expired'; days: number };

/** `days` that are left, whole ones. */
export function validity({ not_before: from, not_after: until }: Pick<HostCertificate, 'not_before' | 'not_after'>, now: Date): Validity {
  const days = Math.floor((Date.parse(until) - now.getTime()) / dayMs);
  if (now.getTime() > Date.parse(until)) return { state: 'expired', days };
  if (now.getTime() < Date.parse(from)) return { state: 'early', days };
  return { state: days < soonDays ? 'soon' : 'good', days };
}
