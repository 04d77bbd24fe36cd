// The one dialog shell: title, body, buttons. The platform's own modal dialog: it keeps focus inside, makes
// the rest of the page inert and gives focus back to where it was.
import { type KeyboardEvent, type ReactNode, type SyntheticEvent, useId, useLayoutEffect, useRef } from 'react';
import { useI18n } from '@/i18n/i18n';
import { cx } from './cx';
import { CloseIcon } from './icons';

type Props = {
  title: string;
  /** Called when the person closes it; leave out for a dialog that must be answered. */
  onClose?: () => void;
  /** What is under way may not be interrupted by Escape. */
  locked?: boolean;
  wide?: boolean;
  children: ReactNode;
};

/** An open modal dialog. Render it to show it. A control with `data-initial-focus` gets the focus. */
export function Dialog({ title, onClose, locked = false, wide = false, children }: Props) {
  const { t } = useI18n();
  const titleId = useId();
  const element = useRef<HTMLDialogElement>(null);
  // A layout effect, so that it is closed, and focus given back, before it leaves the document.
  useLayoutEffect(() => {
    const dialog = element.current;
    dialog?.showModal();
    dialog?.querySelector<HTMLElement>('[data-initial-focus]')?.focus();
    return () => dialog?.close();
  }, []);
  const close = locked ? undefined : onClose;
  // Escape is handled here and not left to the platform, which closes at the second one whatever we say.
  const onEscape = (event: KeyboardEvent | SyntheticEvent) => {
    if ('key' in event && event.key !== 'Escape') return;
    event.preventDefault();
    event.stopPropagation();
    close?.();
  };
  return (
    <dialog
      ref={element}
      aria-labelledby={titleId}
      onKeyDown={onEscape}
      onCancel={onEscape}
      className={cx(
        'card m-auto max-h-[calc(100dvh-1.5rem)] w-[calc(100%-1.5rem)] overflow-y-auto bg-surface p-5 text-ink shadow-over backdrop:bg-[rgb(0_0_0/0.5)]',
        wide ? 'max-w-2xl' : 'max-w-md',
      )}
    >
      <div className="mb-4 flex items-start justify-between gap-4">
        <h2 id={titleId} className="text-lg font-semibold [overflow-wrap:anywhere]">
          {title}
        </h2>
        {close !== undefined && (
          <button
            type="button"
            aria-label={t('action.close')}
            onClick={close}
            className="-mt-1 -mr-2 grid size-9 shrink-0 place-items-center rounded-md text-muted hover:bg-sunken"
          >
            <CloseIcon />
          </button>
        )}
      </div>
      {children}
    </dialog>
  );
}

/** The row of buttons at a dialog's end; on a narrow screen they stack, the main one on top. */
export function DialogButtons({ children }: { children: ReactNode }) {
  return <div className="mt-6 flex flex-col-reverse gap-2 sm:flex-row sm:justify-end">{children}</div>;
}
