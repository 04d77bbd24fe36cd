// Boxes that tell something: a warning inside a page, an empty list, an error in place of content.
import type { ReactNode } from 'react';
import { ApiError, type FieldProblem, UnreachableError } from '@/api/problem';
import { useI18n } from '@/i18n/i18n';
import { Button } from './button';
import { cx } from './cx';
import { Spinner, WarnIcon } from './icons';

type Tone = 'info' | 'warn' | 'danger';
const tones: Record<Tone, string> = {
  info: 'bg-info-soft text-info',
  warn: 'bg-warn-soft text-warn',
  danger: 'bg-danger-soft text-danger',
};

type MessageProps = { tone: Tone; title?: ReactNode; children?: ReactNode; live?: boolean };

/** A coloured box. With `live` a screen reader reads it out as it appears. */
export function Message({ tone, title, children, live = false }: MessageProps) {
  return (
    <div role={live ? 'alert' : undefined} className={cx('flex gap-2.5 rounded-lg px-3.5 py-2.5 text-sm', tones[tone])}>
      <WarnIcon />
      <div className="min-w-0 [overflow-wrap:anywhere]">
        {title !== undefined && <p className="font-semibold">{title}</p>}
        {children}
      </div>
    </div>
  );
}

/** Any error as a sentence: the daemon's own words where there are some. */
export function useErrorText(): (error: unknown) => string {
  const { t } = useI18n();
  return (error) => {
    if (error instanceof UnreachableError) return t('error.unreachable');
    if (error instanceof ApiError && error.status === 401) return t('error.expired');
    if (error instanceof ApiError) return error.message;
    return t('error.unexpected', { detail: String(error) });
  };
}

/** An error beside what it is about; nothing when there is none. */
export function ErrorMessage({ error, title }: { error: unknown; title?: string }) {
  const { t } = useI18n();
  const textOf = useErrorText();
  if (error === null || error === undefined) return null;
  const request = error instanceof ApiError ? error.requestId : null;
  return (
    <Message tone="danger" live {...(title === undefined ? {} : { title })}>
      <p>{textOf(error)}</p>
      {request !== null && <p className="mt-1 text-xs">{t('error.request', { id: request })}</p>}
    </Message>
  );
}

type RefusalProps = {
  error: unknown;
  title: string;
  /** What stands beside fields. */
  fields: Readonly<Record<string, string | undefined>>;
  /** What belongs to no field of the form. */
  rest: readonly FieldProblem[];
};

/** Why a form was refused, without saying again what stands beside its fields. */
export function FormRefusal({ error, title, fields, rest }: RefusalProps) {
  const { t } = useI18n();
  const beside = Object.keys(fields).length > 0 && error instanceof ApiError;
  // A single one is what the error says itself.
  const said = error instanceof ApiError && error.fields.length === 1 && !beside;
  return (
    <>
      {beside ? <Message tone="danger" live title={title}>{t('error.fields')}</Message> : <ErrorMessage error={error} title={title} />}
      {!said &&
        rest.map(({ field, reason }) => (
          <Message key={field} tone="danger">{`${field}: ${reason}`}</Message>
        ))}
    </>
  );
}

type PlaceholderProps = { icon?: ReactNode; title: string; children?: ReactNode; action?: ReactNode };

/** What stands where content would be: nothing there yet, not found, not allowed. */
export function Placeholder({ icon, title, children, action }: PlaceholderProps) {
  return (
    <div className="flex flex-col items-center gap-2 px-6 py-12 text-center">
      {icon !== undefined && <div className="mb-1 text-muted [&_svg]:size-8">{icon}</div>}
      <p className="text-base font-semibold">{title}</p>
      {children !== undefined && <div className="max-w-md text-sm text-muted">{children}</div>}
      {action !== undefined && <div className="mt-3">{action}</div>}
    </div>
  );
}

/** Content is being read. */
export function Loading({ label }: { label: string }) {
  return (
    <div role="status" className="flex items-center justify-center gap-2 px-6 py-12 text-sm text-muted">
      <Spinner />
      {label}
    </div>
  );
}

/** Content could not be read: says why, and offers another try where that may help. */
export function LoadError({ error, what, retry }: { error: unknown; what: string; retry: () => void }) {
  const { t } = useI18n();
  const textOf = useErrorText();
  if (error instanceof ApiError && error.status === 403) {
    return <Placeholder title={t('error.forbidden.title', { what })}>{textOf(error)}</Placeholder>;
  }
  const again = <Button onClick={retry}>{t('action.retry')}</Button>;
  return (
    <div role="alert">
      <Placeholder icon={<WarnIcon />} title={t('error.load.title', { what })} action={again}>
        {textOf(error)}
      </Placeholder>
    </div>
  );
}
