// A VM's serial line in a terminal: what was kept of its output first, searched and copied.
import { type FormEvent, useEffect, useRef, useState } from 'react';
import type { Vm } from '@/api/types';
import { Store, useStore } from '@/app/store';
import { useI18n } from '@/i18n/i18n';
import { Button } from '@/ui/button';
import { SearchIcon } from '@/ui/icons';
import type { ConsoleState } from './connection';
import { useCopy } from './copy';
import { SerialLine } from './serial-line';
import { ConsoleStatus } from './status';
import { openScreen, type Screen } from './terminal';

const idle = new Store<ConsoleState>({ kind: 'idle' });

export function SerialConsole({ vm, powered }: { vm: Vm; powered: boolean }) {
  const { t } = useI18n();
  const element = useRef<HTMLDivElement>(null);
  const heading = useRef<HTMLHeadingElement>(null);
  const [opened, setOpened] = useState<{ line: SerialLine; screen: Screen } | null>(null);
  const connection = opened?.line.connection;
  const state = useStore(connection?.state ?? idle);
  const label = t('console.screen', { name: vm.name });
  const copy = useCopy();

  // The terminal and the line live as long as the page: both are outside React.
  useEffect(() => {
    if (element.current === null) return;
    const line = new SerialLine(vm.id, (bytes) => screen.write(bytes), () => screen.reset());
    const screen = openScreen(element.current, {
      label,
      onInput: (text) => line.send(text),
      onLeave: () => heading.current?.focus(),
    });
    screen.focus();
    setOpened({ line, screen });
    return () => {
      line.connection.close();
      screen.dispose();
    };
  }, [vm.id, label]);

  useEffect(() => {
    if (powered) connection?.open();
    else connection?.close();
  }, [connection, powered]);

  return (
    <section aria-label={label} className="card flex min-h-80 flex-1 flex-col overflow-hidden">
      <div className="flex min-h-12 flex-wrap items-center gap-x-3 gap-y-1 border-b border-line px-4 py-1.5 text-sm">
        <h2 ref={heading} tabIndex={-1} className="font-semibold">{t('console.title')}</h2>
        <ConsoleStatus powered={powered} state={state} retry={() => connection?.retry()} />
        <div className="ml-auto flex flex-wrap items-center gap-2">
          {opened !== null && <Search screen={opened.screen} />}
          <Button onClick={() => opened !== null && copy(opened.screen.text())}>{t('console.copy')}</Button>
          <p className="hidden text-xs text-muted lg:block">{t('console.leave')}</p>
        </div>
      </div>
      <div className="min-h-80 flex-1 bg-[#0b0f13] p-2">
        <div ref={element} className="h-full" />
      </div>
    </section>
  );
}

function Search({ screen }: { screen: Screen }) {
  const { t } = useI18n();
  const [text, setText] = useState('');
  const [missing, setMissing] = useState(false);
  const find = (backwards: boolean) => setMissing(text !== '' && !screen.find(text, backwards));
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    // From the end, where a reader is.
    find(true);
  };
  return (
    <form role="search" onSubmit={onSubmit} className="flex items-center gap-1">
      <input
        type="search"
        className="field w-40"
        aria-label={t('console.search')}
        placeholder={t('console.search')}
        aria-invalid={missing || undefined}
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          setMissing(false);
        }}
      />
      <Button type="submit" variant="quiet" icon={<SearchIcon />} aria-label={t('console.search.before')} />
      <Button variant="quiet" onClick={() => find(false)}>{t('console.search.next')}</Button>
      <span role="status" className="text-xs text-warn">{missing ? t('console.search.none') : ''}</span>
    </form>
  );
}
