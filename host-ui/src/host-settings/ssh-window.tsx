// SSH for a while: how long it is still on, on for some minutes, off again.
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useEffect, useState } from 'react';
import { api, ask } from '@/api/client';
import { ApiError } from '@/api/problem';
import { hostConfigQuery } from '@/api/queries';
import type { HostConfig } from '@/api/types';
import { asSentence, formatDuration } from '@/i18n/format';
import { useI18n } from '@/i18n/i18n';
import { Badge } from '@/ui/badge';
import { Button } from '@/ui/button';
import { Field } from '@/ui/field';
import { ErrorMessage } from '@/ui/message';
import { minutesOf, stillFor } from './settings-form';

type Props = { ssh: HostConfig['ssh']; readAt: number; disabledReason: string | null };

export function SshWindow({ ssh, readAt, disabledReason }: Props) {
  const { t, language } = useI18n();
  const [minutes, setMinutes] = useState('30');
  const [wrong, setWrong] = useState(false);
  const set = useSet();
  const left = useStill(ssh.on_for_s, readAt);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (disabledReason !== null || set.isPending) return;
    const wanted = minutesOf(minutes);
    setWrong(wanted === null);
    if (wanted !== null) set.mutate(wanted);
  };
  const refused = set.error instanceof ApiError ? set.error.fields[0] : undefined;
  const problem = wrong ? t('sshWindow.minutes.wrong') : refused && asSentence(refused.reason);
  return (
    <section aria-label={t('sshWindow.title')} className="card space-y-3 p-4 text-sm sm:p-5">
      <div className="flex flex-wrap items-center gap-2">
        <h2 className="font-semibold">{t('sshWindow.title')}</h2>
        {left !== null && <Badge tone="warn">{t('sshWindow.left', { time: formatDuration(left, language) })}</Badge>}
        {left === null && <Badge tone={ssh.enabled ? 'good' : 'plain'}>{t(ssh.enabled ? 'sshWindow.on' : 'sshWindow.off')}</Badge>}
      </div>
      <p className="text-muted">{t('sshWindow.text')}</p>
      <form onSubmit={submit} noValidate className="flex flex-wrap items-end gap-2">
        <div className="w-32">
          <Field label={t('sshWindow.minutes')} problem={problem}>
            {(control) => (
              <input
                {...control}
                className="field"
                inputMode="numeric"
                autoComplete="off"
                value={minutes}
                onChange={({ target }) => {
                  setMinutes(target.value);
                  setWrong(false);
                  set.reset();
                }}
              />
            )}
          </Field>
        </div>
        <Button type="submit" busy={set.isPending && set.variables > 0} disabledReason={disabledReason}>{t('sshWindow.open')}</Button>
        {left !== null && (
          <Button busy={set.isPending && set.variables === 0} disabledReason={disabledReason} onClick={() => set.mutate(0)}>
            {t('sshWindow.close')}
          </Button>
        )}
      </form>
      {refused === undefined && <ErrorMessage error={set.error} title={t('sshWindow.failed')} />}
    </section>
  );
}

function useSet() {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (minutes: number) => ask(api.PATCH('/api/v1/host/config', { body: { ssh: { on_for_minutes: minutes } } })),
    onSuccess: (config) => void cache.setQueryData(hostConfigQuery.queryKey, config),
    onError: () => void cache.invalidateQueries({ queryKey: hostConfigQuery.queryKey }),
  });
}

/** Seconds that are left; `null` when SSH is not on for a while. */
function useStill(leftS: number | null, readAt: number): number | null {
  const [now, setNow] = useState(() => Date.now());
  const runs = leftS !== null;
  useEffect(() => {
    if (!runs) return;
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, [runs]);
  return leftS === null ? null : stillFor(leftS, readAt, Math.max(now, readAt));
}
