// Why a control is off: shown on hover and focus, put away by Escape, always there for screen readers.
import { type ReactElement, type SyntheticEvent, useState } from 'react';
import { cx } from './cx';

type Props = { text: string; id: string; className?: string | undefined; children: ReactElement };
type Side = 'left' | 'right';

export function Reason({ text, id, className, children }: Props) {
  const [shown, setShown] = useState<Side | null>(null);
  const show = (event: SyntheticEvent<HTMLElement>) => {
    const { left, right } = event.currentTarget.getBoundingClientRect();
    setShown((left + right) / 2 < innerWidth / 2 ? 'left' : 'right');
  };
  const hide = () => setShown(null);
  return (
    <span
      className={cx('relative inline-block', className)}
      onPointerEnter={show}
      onPointerLeave={hide}
      onFocus={show}
      onBlur={hide}
      onKeyDown={(event) => {
        if (event.key === 'Escape') hide();
      }}
    >
      {children}
      <span
        role="tooltip"
        id={id}
        hidden={shown === null}
        className={cx(
          'absolute bottom-full z-30 mb-1.5 w-max max-w-64 rounded-md bg-ink px-2.5 py-1.5 text-left text-xs whitespace-normal text-canvas shadow-over',
          shown === 'left' ? 'left-0' : 'right-0',
        )}
      >
        {text}
      </span>
    </span>
  );
}
