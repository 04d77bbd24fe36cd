// A network on trial: how long it waits, where the host is reached if its address changed, Confirm and Undo.
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { api, ask } from '@/api/client';
import { hostNetworkQuery } from '@/api/queries';
import type { NetworkTrial, Role } from '@/api/types';
import { formatDuration } from '@/i18n/format';
import { useI18n } from '@/i18n/i18n';
import { live } from '@/live/live';
import { adminReason } from '@/session/roles';
import { Button } from '@/ui/button';
import { ErrorMessage } from '@/ui/message';
import { notify } from '@/ui/notices';
import { newUrls, secondsLeft } from './reach';

/** Longer than a host that can be reached takes to answer. */
const answerLimitMs = 10_000;
/** How long the event stream may be silent about a network that is being set up before its line is doubted. */
const doubtMs = 10_000;

type Props = { trial: NetworkTrial; readAt: number; role: Role };

export function TrialBanner({ trial, readAt, role }: Props) {
  const { t, language } = useI18n();
  const left = useSecondsLeft(trial.left_ms, readAt);
  const confirm = useEnd('confirm');
  const undo = useEnd('undo');
  useDoubt(!trial.in_force);
  const denied = adminReason(role);
  const admin = denied === null ? null : t(denied);
  const urls = newUrls(trial.network, location);
  return (
    <section
      aria-label={t('trial.label')}
      className="flex flex-wrap items-center justify-center gap-x-6 gap-y-2 border-b border-line bg-warn-soft px-4 py-3 text-sm text-warn"
    >
      <div className="min-w-0 max-w-3xl space-y-1 [overflow-wrap:anywhere]">
        <p role="alert" className="font-semibold">{t('trial.title')}</p>
        <p>
          <span role="timer">{left === 0 ? t('trial.over') : t('trial.left', { time: formatDuration(left, language) })}</span>{' '}
          {t(trial.in_force ? 'trial.inForce' : 'trial.settingUp')}
        </p>
        {urls.length > 0 && (
          <p>
            {t('trial.elsewhere')}{' '}
            {urls.map((url) => (
              <a key={url} href={url} className="mr-3 text-inherit underline">{url}</a>
            ))}
          </p>
        )}
        <ErrorMessage error={confirm.error} title={t('trial.confirm.failed')} />
        <ErrorMessage error={undo.error} title={t('trial.undo.failed')} />
      </div>
      <div className="flex flex-wrap gap-2">
        <Button
          variant="primary"
          busy={confirm.isPending}
          disabledReason={admin ?? (trial.in_force ? null : t('reason.trialSettingUp'))}
          onClick={() => {
            undo.reset();
            confirm.mutate();
          }}
        >
          {t('trial.confirm')}
        </Button>
        <Button
          busy={undo.isPending}
          disabledReason={admin}
          onClick={() => {
            confirm.reset();
            undo.mutate();
          }}
        >
          {t('trial.undo')}
        </Button>
      </div>
    </section>
  );
}

function useSecondsLeft(leftMs: number, readAt: number): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  return secondsLeft(leftMs, readAt, Math.max(now, readAt));
}

/** The line that would tell that the network is in force may have ended with the old one, without a word. */
function useDoubt(settingUp: boolean): void {
  useEffect(() => {
    if (!settingUp) return;
    const timer = setInterval(() => live.renew(), doubtMs);
    return () => clearInterval(timer);
  }, [settingUp]);
}

function useEnd(how: 'confirm' | 'undo') {
  const { t } = useI18n();
  const cache = useQueryClient();
  return useMutation({
    mutationFn: () => {
      const signal = AbortSignal.timeout(answerLimitMs);
      return ask(
        how === 'confirm'
          ? api.POST('/api/v1/host/network/confirm', { signal })
          : api.POST('/api/v1/host/network/undo', { signal }),
      );
    },
    onSuccess: (network) => {
      cache.setQueryData(hostNetworkQuery.queryKey, network);
      notify({ tone: 'good', title: t(how === 'confirm' ? 'trial.confirm.done' : 'trial.undo.done') });
    },
    // It may have ended meanwhile.
    onError: () => void cache.invalidateQueries({ queryKey: hostNetworkQuery.queryKey }),
  });
}
