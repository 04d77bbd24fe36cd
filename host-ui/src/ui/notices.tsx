// Short news in the corner: what an action led to. Errors stay until dismissed, the rest goes by itself.
import { Store, useStore } from '@/app/store';
import { useI18n } from '@/i18n/i18n';
import { cx } from './cx';
import { CheckIcon, CloseIcon, WarnIcon } from './icons';

type Notice = { id: number; tone: 'good' | 'danger'; title: string; detail?: string };

const notices = new Store<readonly Notice[]>([]);
const visibleMs = 6_000;
let lastId = 0;

const dismiss = (id: number) => notices.set(notices.get().filter((notice) => notice.id !== id));

/** Shows a notice. */
export function notify(notice: Omit<Notice, 'id'>): void {
  lastId += 1;
  const id = lastId;
  notices.set([...notices.get(), { ...notice, id }]);
  if (notice.tone === 'good') setTimeout(() => dismiss(id), visibleMs);
}

/** Where notices appear. */
export function Notices() {
  const { t } = useI18n();
  const shown = useStore(notices);
  return (
    <div
      role="log"
      aria-label={t('notices.label')}
      className="pointer-events-none fixed inset-x-3 bottom-3 z-50 flex flex-col items-end gap-2 sm:left-auto sm:w-96"
    >
      {shown.map((notice) => (
        <div key={notice.id} className="card pointer-events-auto flex w-full gap-2.5 p-3 text-sm shadow-over">
          <span className={cx('mt-0.5', notice.tone === 'good' ? 'text-good' : 'text-danger')}>
            {notice.tone === 'good' ? <CheckIcon /> : <WarnIcon />}
          </span>
          <div className="min-w-0 flex-1 [overflow-wrap:anywhere]">
            <p className="font-medium">{notice.title}</p>
            {notice.detail !== undefined && <p className="mt-0.5 text-muted">{notice.detail}</p>}
          </div>
          <button
            type="button"
            aria-label={t('action.dismiss')}
            onClick={() => dismiss(notice.id)}
            className="-m-1 grid size-8 shrink-0 place-items-center rounded-md text-muted hover:bg-sunken"
          >
            <CloseIcon />
          </button>
        </div>
      ))}
    </div>
  );
}
