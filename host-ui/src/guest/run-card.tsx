// Runs a command line in the guest and shows what it wrote, as text.
import { useMutation } from '@tanstack/react-query';
import { type FormEvent, useEffect, useRef, useState } from 'react';
import type { Role, Vm } from '@/api/types';
import { useI18n } from '@/i18n/i18n';
import { Button } from '@/ui/button';
import { Field } from '@/ui/field';
import { ErrorMessage } from '@/ui/message';
import { roleReason } from '@/vms/rules';
import { type Ended, runInGuest, shellFor } from './run';

export function RunCard({ vm, role, os }: { vm: Vm; role: Role; os: string | null | undefined }) {
  const { t } = useI18n();
  const [line, setLine] = useState('');
  const waiting = useRef<AbortController | null>(null);
  const run = useMutation({
    mutationFn: (wanted: string) => {
      waiting.current = new AbortController();
      return runInGuest(vm.id, shellFor(os, wanted), waiting.current.signal);
    },
  });
  useEffect(() => () => waiting.current?.abort(), []);
  const denied = roleReason(role);
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    if (denied === null && line.trim() !== '' && !run.isPending) run.mutate(line);
  };
  return (
    <section className="card p-4" aria-labelledby="run-heading">
      <h2 id="run-heading" className="mb-3 text-base font-semibold">{t('guest.run.title')}</h2>
      <form onSubmit={onSubmit} className="flex flex-wrap items-end gap-2">
        <div className="min-w-60 flex-1">
          <Field label={t('guest.run.line')} hint={t('guest.run.hint')}>
            {(control) => (
              <input
                {...control}
                className="field font-mono"
                autoComplete="off"
                autoCapitalize="none"
                spellCheck={false}
                value={line}
                onChange={(event) => setLine(event.target.value)}
              />
            )}
          </Field>
        </div>
        <Button type="submit" className="mb-5" disabledReason={denied && t(denied)} busy={run.isPending}>{t('guest.run.submit')}</Button>
      </form>
      <ErrorMessage error={run.error} title={t('guest.run.failed')} />
      {run.data !== undefined && !run.isPending && <Output ended={run.data} />}
    </section>
  );
}

function Output({ ended }: { ended: Ended }) {
  const { t } = useI18n();
  const how = ended.signal === null ? t('guest.run.code', { code: ended.code ?? 0 }) : t('guest.run.signal', { signal: ended.signal });
  return (
    <div role="status" className="mt-3 space-y-2 text-sm">
      <p className={ended.code === 0 ? 'text-good' : 'text-warn'}>{how}</p>
      {ended.truncated && <p className="text-warn">{t('guest.run.truncated')}</p>}
      <Written label={t('guest.run.stdout')} text={ended.stdout} />
      <Written label={t('guest.run.stderr')} text={ended.stderr} />
    </div>
  );
}

function Written({ label, text }: { label: string; text: string }) {
  if (text === '') return null;
  return (
    <figure aria-label={label}>
      <figcaption className="text-xs text-muted">{label}</figcaption>
      <pre className="rounded-md bg-sunken p-3 font-mono text-xs whitespace-pre-wrap [overflow-wrap:anywhere]">{text}</pre>
    </figure>
  );
}
