// What a role may do, where more than one page asks. Pure; the daemon decides in the end.
import type { Role } from '@/api/types';
import type { MessageKey } from '@/i18n/translate';

/** Why nobody with this role may change the host; `null` for those who may. */
export function adminReason(role: Role): MessageKey | null {
  return role === 'admin' ? null : 'reason.admin';
}
