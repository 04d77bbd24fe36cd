// The host's logs: one of them, narrowed down by a word, and read on as it is written.
import { useLayoutEffect, useRef, useState } from 'react';
import type { HostLogName } from '@/api/types';
import { PageTitle } from '@/app/page-title';
import { useI18n } from '@/i18n/i18n';
import { Button } from '@/ui/button';
import { Check } from '@/ui/check';
import { Field } from '@/ui/field';
import { LoadError, Loading, Placeholder } from '@/ui/message';
import { saveFile } from '@/ui/save-file';
import { SupportBundle } from './support-bundle';
import { type LogWish, useLog } from './use-log';

const logs: readonly HostLogName[] = ['system', 'daemon', 'kernel', 'boot', 'install'];

export function LogsPage() {
  const { t } = useI18n();
  const [wish, setWish] = useState<LogWish>({ log: 'system', contains: '' });
  const [follow, setFollow] = useState(true);
  const { read, lines, again } = useLog(wish, follow);
  const save = () => saveFile(`${wish.log}.log`, new Blob([lines.map((line) => `${line}\n`).join('')], { type: 'text/plain' }));
  return (
    <>
      <PageTitle page={t('nav.logs')} />
      <h1 className="sr-only">{t('nav.logs')}</h1>
      <section className="card flex min-h-0 flex-col" aria-label={t(`logs.${wish.log}`)}>
        <div className="flex flex-wrap items-end gap-x-4 gap-y-2 border-b border-line p-4">
          <Field label={t('logs.log')}>
            {(control) => (
              <select {...control} className="field" value={wish.log} onChange={(event) => setWish({ ...wish, log: event.target.value as HostLogName })}>
                {logs.map((log) => <option key={log} value={log}>{t(`logs.${log}`)}</option>)}
              </select>
            )}
          </Field>
          <Search onSearch={(contains) => setWish({ ...wish, contains })} />
          <Check label={t('logs.follow')} checked={follow} onChange={setFollow} />
          <div className="ml-auto flex flex-wrap gap-2">
            {!follow && <Button busy={read.isRefetching} onClick={again}>{t('performance.refresh')}</Button>}
            <Button disabledReason={lines.length === 0 ? t('logs.empty') : null} onClick={save}>{t('logs.save')}</Button>
            <SupportBundle />
          </div>
        </div>
        {read.isPending && <Loading label={t('logs.loading')} />}
        {read.isError && <LoadError error={read.error} what={t('logs.what')} retry={() => void read.refetch()} />}
        {read.isSuccess && lines.length === 0 && <Placeholder title={t(wish.contains === '' ? 'logs.empty' : 'logs.none')} />}
        {read.isSuccess && lines.length > 0 && <Lines lines={lines} follow={follow} />}
      </section>
    </>
  );
}

/** Looks when Enter is pressed or the field is left, not with every letter. */
function Search({ onSearch }: { onSearch: (text: string) => void }) {
  const { t } = useI18n();
  const [text, setText] = useState('');
  return (
    <form
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        onSearch(text);
      }}
    >
      <Field label={t('logs.contains')}>
        {(control) => (
          <input
            {...control}
            className="field"
            type="search"
            maxLength={256}
            spellCheck={false}
            autoComplete="off"
            value={text}
            onChange={(event) => setText(event.target.value)}
            onBlur={() => onSearch(text)}
          />
        )}
      </Field>
    </form>
  );
}

/** Stays at the newest line, unless somebody has scrolled away from it. */
function Lines({ lines, follow }: { lines: readonly string[]; follow: boolean }) {
  const { t } = useI18n();
  const box = useRef<HTMLPreElement>(null);
  const atEnd = useRef(true);
  useLayoutEffect(() => {
    if (box.current !== null && atEnd.current && follow && lines.length > 0) box.current.scrollTop = box.current.scrollHeight;
  }, [lines, follow]);
  return (
    <pre
      ref={box}
      // A box that scrolls has to be reached by the keyboard.
      // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
      tabIndex={0}
      aria-label={t('logs.lines')}
      className="h-[calc(100dvh-15rem)] min-h-60 lg:h-[calc(100dvh-11rem)] overflow-auto p-4 font-mono text-xs whitespace-pre-wrap -outline-offset-2 [overflow-wrap:anywhere]"
      onScroll={({ currentTarget: { scrollHeight, scrollTop, clientHeight } }) => {
        atEnd.current = scrollHeight - scrollTop - clientHeight < 40;
      }}
    >
      {lines.join('\n')}
    </pre>
  );
}
