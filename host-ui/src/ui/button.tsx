// Buttons. One that is off stays focusable and says why: `disabledReason` is its tooltip and its
// description for screen readers.
import type { ComponentProps, ReactNode } from 'react';
import { useId } from 'react';
import { cx } from './cx';
import { Spinner } from './icons';
import { Reason } from './reason';

export type ButtonVariant = 'primary' | 'secondary' | 'quiet' | 'danger';

const looks: Record<ButtonVariant, string> = {
  primary: 'bg-accent text-on-accent border-transparent not-aria-disabled:hover:brightness-110',
  secondary: 'bg-surface text-ink border-control not-aria-disabled:hover:bg-sunken',
  quiet: 'bg-transparent text-ink border-transparent not-aria-disabled:hover:bg-sunken',
  danger: 'bg-danger-solid text-[#fff] border-transparent not-aria-disabled:hover:brightness-110',
};

const shape =
  'inline-flex min-h-9 items-center justify-center gap-1.5 whitespace-nowrap rounded-md border px-3 text-sm font-medium no-underline transition';
const off = 'aria-disabled:cursor-not-allowed aria-disabled:border-line aria-disabled:bg-sunken aria-disabled:text-muted';

/** The classes of a button, for a link that looks like one. */
export const buttonClass = (variant: ButtonVariant = 'secondary'): string => cx(shape, off, looks[variant]);

type Props = Omit<ComponentProps<'button'>, 'disabled'> & {
  variant?: ButtonVariant;
  /** Why it can't be used now; `null` when it can. */
  disabledReason?: string | null;
  /** It was pressed and the answer is still to come. */
  busy?: boolean;
  icon?: ReactNode;
  'data-initial-focus'?: boolean;
};

/** A button. While `busy` or with a `disabledReason` presses are ignored. */
export function Button({ variant, disabledReason = null, busy = false, icon, children, onClick, className, ...rest }: Props) {
  const reasonId = useId();
  const ignored = busy || disabledReason !== null;
  const button = (
    <button
      type="button"
      {...rest}
      className={cx(buttonClass(variant), disabledReason === null ? className : 'w-full')}
      aria-disabled={ignored || undefined}
      aria-busy={busy || undefined}
      aria-describedby={disabledReason === null ? rest['aria-describedby'] : reasonId}
      onClick={(event) => {
        if (ignored) event.preventDefault();
        else onClick?.(event);
      }}
    >
      {busy ? <Spinner /> : icon}
      {children}
    </button>
  );
  if (disabledReason === null) return button;
  return (
    <Reason text={disabledReason} id={reasonId} className={className}>
      {button}
    </Reason>
  );
}
