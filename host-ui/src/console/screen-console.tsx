// A VM's screen with its keyboard: what a browser keeps to itself is pressed by buttons, and text is typed.
import { useEffect, useRef, useState } from 'react';
import type { Vm } from '@/api/types';
import { Store, useStore } from '@/app/store';
import { useI18n } from '@/i18n/i18n';
import type { MessageKey } from '@/i18n/translate';
import { Button } from '@/ui/button';
import { KeyboardIcon } from '@/ui/icons';
import { Menu, type MenuEntry } from '@/ui/menu';
import { ConsoleConnection, type ConsoleState } from './connection';
import { ConsoleStatus } from './status';
import { TypeDialog } from './type-dialog';
import { type Modifier, VncScreen } from './vnc-screen';

const idle = new Store<ConsoleState>({ kind: 'idle' });
const sticky: readonly Modifier[] = ['ctrl', 'alt', 'shift', 'meta'];
const functionKeys = Array.from({ length: 12 }, (_, at) => `F${at + 1}`);

type Opened = { connection: ConsoleConnection; screen: VncScreen };

export function ScreenConsole({ vm, powered }: { vm: Vm; powered: boolean }) {
  const { t } = useI18n();
  const element = useRef<HTMLDivElement>(null);
  const section = useRef<HTMLElement>(null);
  const heading = useRef<HTMLHeadingElement>(null);
  const [opened, setOpened] = useState<Opened | null>(null);
  const state = useStore(opened?.connection.state ?? idle);
  const label = t('screen.label', { name: vm.name });

  // The screen and its connection live as long as the page: both are outside React.
  useEffect(() => {
    if (element.current === null) return;
    const screen = new VncScreen(element.current, { label, onLeave: () => heading.current?.focus() });
    const connection = new ConsoleConnection(vm.id, 'vnc', screen.attach);
    setOpened({ connection, screen });
    return () => {
      connection.close();
      screen.dispose();
    };
  }, [vm.id, label]);

  const connection = opened?.connection;
  useEffect(() => {
    if (powered) connection?.open();
    else connection?.close();
  }, [connection, powered]);

  return (
    <section ref={section} aria-label={label} className="card flex min-h-80 flex-1 flex-col overflow-hidden">
      <div className="flex min-h-12 flex-wrap items-center gap-x-3 gap-y-1 border-b border-line px-4 py-1.5 text-sm">
        <h2 ref={heading} tabIndex={-1} className="font-semibold">{t('screen.title')}</h2>
        <ConsoleStatus powered={powered} state={state} retry={() => connection?.retry()} />
        {opened !== null && <Tools screen={opened.screen} open={state.kind === 'open'} whole={() => section.current} />}
      </div>
      <div className="min-h-80 flex-1 bg-[#0b0f13]">
        <div ref={element} className="h-full" />
      </div>
      <p className="border-t border-line px-4 py-1 text-xs text-muted">{t('screen.leave')}</p>
    </section>
  );
}

type ToolProps = { screen: VncScreen; open: boolean; whole: () => HTMLElement | null };

function Tools({ screen, open, whole }: ToolProps) {
  const { t } = useI18n();
  const [held, setHeld] = useState<readonly Modifier[]>([]);
  const [scaled, setScaled] = useState(true);
  const [typing, setTyping] = useState(false);
  const reason = open ? null : t('screen.notOpen');
  const toggle = (modifier: Modifier) => {
    const down = !held.includes(modifier);
    setHeld(down ? [...held, modifier] : held.filter((other) => other !== modifier));
    screen.hold(modifier, down);
  };
  const names: Record<string, MessageKey> = { ctrl: 'key.ctrl', alt: 'key.alt', shift: 'key.shift', meta: 'key.meta' };
  const key = (label: string, modifiers: readonly Modifier[], code: string): MenuEntry => ({
    label,
    icon: <KeyboardIcon />,
    reason,
    onChoose: () => screen.chord(modifiers, code),
  });
  const ctrlAlt = `${t('key.ctrl')}+${t('key.alt')}+`;
  const groups = [
    [
      key(`${t('key.alt')}+Tab`, ['alt'], 'Tab'),
      key(`${t('key.alt')}+F4`, ['alt'], 'F4'),
      key(t('key.print'), [], 'PrintScreen'),
      key(t('key.escape'), [], 'Escape'),
    ],
    functionKeys.map((code) => key(code, [], code)),
    functionKeys.map((code) => key(`${ctrlAlt}${code}`, ['ctrl', 'alt'], code)),
  ];
  return (
    <div className="ml-auto flex flex-wrap items-center gap-2">
      <div role="group" aria-label={t('screen.sticky')} className="flex">
        {sticky.map((modifier) => (
          <Button
            key={modifier}
            variant={held.includes(modifier) ? 'primary' : 'secondary'}
            className="-ml-px rounded-none px-2"
            aria-pressed={held.includes(modifier)}
            disabledReason={reason}
            onClick={() => toggle(modifier)}
          >
            {t(names[modifier] ?? 'key.ctrl')}
          </Button>
        ))}
      </div>
      <Button disabledReason={reason} onClick={() => screen.chord(['ctrl', 'alt'], 'Delete')}>
        {`${ctrlAlt}${t('key.delete')}`}
      </Button>
      <Button disabledReason={reason} onClick={() => setTyping(true)}>{t('screen.type')}</Button>
      <Button
        aria-pressed={scaled}
        className="aria-pressed:bg-sunken"
        onClick={() => {
          screen.scale(!scaled);
          setScaled(!scaled);
        }}
      >
        {t('screen.fit')}
      </Button>
      <Button onClick={() => void whole()?.requestFullscreen().then(() => screen.focus())}>{t('screen.full')}</Button>
      <Menu label={t('screen.keys')} groups={groups} />
      {typing && <TypeDialog screen={screen} onClose={() => setTyping(false)} />}
    </div>
  );
}
