// What the main page says about updates. Pure: updates in, list of warnings out, worst first.
import type { Updates } from '@/api/types';
import type { HostWarning } from '@/host/health';
import { asSentence } from '@/i18n/format';

export function updateWarnings({ last }: Updates): HostWarning[] {
  if (last === null) return [];
  const common = { id: 'updates', values: { version: last.version }, details: [], link: 'updates' } as const;
  switch (last.outcome) {
    case 'failed':
      // Whoever went back knows it; everything else needs a look.
      if (last.failure?.reason === 'user') return [];
      return [{ ...common, tone: 'danger', title: 'host.update.failed', details: last.failure === null ? [] : [asSentence(last.failure.detail)] }];
    case 'on_trial':
      return [{ ...common, tone: 'warn', title: 'host.update.trial', text: 'host.update.trial.text' }];
    case 'waiting':
      return [{ ...common, tone: 'info', title: 'host.update.waiting' }];
    case 'succeeded':
      return [];
  }
}
