// A button with a menu, on the platform's popover: above everything, put away by Escape or a click elsewhere.
// Keys as in the ARIA authoring practices: arrows, Home, End, first letters.
import { type KeyboardEvent, type ReactNode, type ToggleEvent, useId, useRef, useState } from 'react';
import { buttonClass } from './button';
import { cx } from './cx';
import { MoreIcon } from './icons';

export type MenuEntry = {
  label: string;
  icon: ReactNode;
  /** Why it can't be chosen now; `null` when it can. */
  reason: string | null;
  danger?: boolean;
  onChoose: () => void;
};

const gapPx = 4;

/** Puts the popup below its button, right edges in line; above it where there is no room below. */
function place(popup: HTMLElement, button: HTMLElement): void {
  const at = button.getBoundingClientRect();
  const { clientWidth, clientHeight } = document.documentElement;
  const fits = at.bottom + gapPx + popup.offsetHeight <= clientHeight || at.top < popup.offsetHeight + gapPx;
  popup.style.right = `${clientWidth - at.right}px`;
  popup.style.top = fits ? `${at.bottom + gapPx}px` : `${at.top - gapPx - popup.offsetHeight}px`;
}

/** The entry that a key leads to from the entry at `from`; `undefined` when the key is not ours. */
function target(key: string, entries: readonly HTMLElement[], from: number): HTMLElement | undefined {
  const count = entries.length;
  if (key === 'ArrowDown') return entries[(from + 1) % count];
  if (key === 'ArrowUp') return entries[(from + count - 1) % count];
  if (key === 'Home') return entries[0];
  if (key === 'End') return entries[count - 1];
  const after = [...entries.slice(from + 1), ...entries.slice(0, from + 1)];
  return after.find((entry) => key.length === 1 && entry.textContent.toLowerCase().startsWith(key.toLowerCase()));
}

/** The menu and its button; `groups` are separated by lines. */
export function Menu({ label, groups }: { label: string; groups: readonly (readonly MenuEntry[])[] }) {
  const id = useId();
  const button = useRef<HTMLButtonElement>(null);
  const popup = useRef<HTMLDivElement>(null);
  const [open, setOpen] = useState(false);
  const hide = () => popup.current?.hidePopover();
  const onToggle = (event: ToggleEvent) => {
    if (event.newState !== 'open' || popup.current === null || button.current === null) return;
    place(popup.current, button.current);
    popup.current.style.visibility = 'visible';
    popup.current.querySelector<HTMLElement>('[role=menuitem]')?.focus();
    addEventListener('scroll', hide, { once: true, capture: true });
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Tab') hide();
    const entries = [...(popup.current?.querySelectorAll<HTMLElement>('[role=menuitem]') ?? [])];
    const next = target(event.key, entries, entries.indexOf(document.activeElement as HTMLElement));
    if (next === undefined) return;
    event.preventDefault();
    next.focus();
  };
  return (
    <>
      <button
        ref={button}
        type="button"
        popoverTarget={id}
        aria-label={label}
        aria-haspopup="menu"
        aria-expanded={open}
        className={cx(buttonClass('quiet'), 'px-2')}
        onKeyDown={(event) => {
          if (event.key !== 'ArrowDown') return;
          event.preventDefault();
          popup.current?.showPopover();
        }}
      >
        <MoreIcon />
      </button>
      <div
        ref={popup}
        id={id}
        popover="auto"
        role="menu"
        tabIndex={-1}
        aria-label={label}
        onBeforeToggle={(event) => setOpen(event.newState === 'open')}
        onToggle={onToggle}
        onKeyDown={onKeyDown}
        className="card invisible inset-auto m-0 min-w-56 divide-y divide-line bg-surface text-sm text-ink shadow-over outline-none"
      >
        {open && groups.map((entries) => <Group key={entries[0]?.label} entries={entries} hide={hide} />)}
      </div>
    </>
  );
}

function Group({ entries, hide }: { entries: readonly MenuEntry[]; hide: () => void }) {
  return (
    <div role="group" className="py-1">
      {entries.map((entry) => (
        <button
          key={entry.label}
          type="button"
          role="menuitem"
          tabIndex={-1}
          aria-disabled={entry.reason !== null || undefined}
          onClick={() => {
            if (entry.reason !== null) return;
            hide();
            entry.onChoose();
          }}
          className={cx(
            'flex w-full gap-2.5 px-3 py-1.5 text-left -outline-offset-2 hover:bg-sunken focus:bg-sunken',
            'aria-disabled:cursor-not-allowed aria-disabled:text-muted',
            entry.danger === true && 'not-aria-disabled:text-danger',
          )}
        >
          <span className="mt-0.5">{entry.icon}</span>
          <span>
            {entry.label}
            {entry.reason !== null && <span className="block max-w-56 text-xs text-muted">{entry.reason}</span>}
          </span>
        </button>
      ))}
    </div>
  );
}
