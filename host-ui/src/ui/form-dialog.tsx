// A dialog with a short form: sends, shows a refusal beside its field, closes when it is done.
import { type QueryKey, useMutation, useQueryClient } from '@tanstack/react-query';
import type { FormEvent, ReactNode } from 'react';
import { ApiError } from '@/api/problem';
import { asSentence } from '@/i18n/format';
import { useI18n } from '@/i18n/i18n';
import { Button } from './button';
import { Dialog, DialogButtons } from './dialog';
import { Field } from './field';
import { ErrorMessage } from './message';

/** What is wrong with a field, in the daemon's words. */
export type ProblemOf = (field: string) => string | undefined;

type Props = {
  title: string;
  submit: string;
  danger?: boolean;
  wide?: boolean;
  /** Read again when it is done; nothing when left out. */
  changes?: QueryKey;
  send: () => Promise<unknown>;
  onDone: () => void;
  onClose: () => void;
  children: (problem: ProblemOf) => ReactNode;
};

export function FormDialog({ title, submit, danger = false, wide = false, changes, send, onDone, onClose, children }: Props) {
  const { t } = useI18n();
  const cache = useQueryClient();
  const sending = useMutation({
    mutationFn: send,
    onSuccess: async () => {
      if (changes !== undefined) await cache.invalidateQueries({ queryKey: changes });
      onDone();
    },
  });
  const fields = sending.error instanceof ApiError ? sending.error.fields : [];
  const shown = new Set<string>();
  const problem: ProblemOf = (field) => {
    shown.add(field);
    const found = fields.find((known) => known.field === field);
    return found && asSentence(found.reason);
  };
  const content = children(problem);
  const beside = fields.length > 0 && fields.every((found) => shown.has(found.field));
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    if (!sending.isPending) sending.mutate();
  };
  return (
    <Dialog title={title} onClose={onClose} locked={sending.isPending} wide={wide}>
      <form onSubmit={onSubmit} noValidate>
        <div className="space-y-4 text-sm">
          {content}
          {!beside && <ErrorMessage error={sending.error} />}
        </div>
        <DialogButtons>
          <Button {...(danger && { 'data-initial-focus': true })} onClick={onClose}>{t('action.cancel')}</Button>
          <Button type="submit" variant={danger ? 'danger' : 'primary'} busy={sending.isPending}>{submit}</Button>
        </DialogButtons>
      </form>
    </Dialog>
  );
}

type TextProps = {
  label: string;
  value: string;
  onChange: (value: string) => void;
  problem?: string | undefined;
  hint?: string;
  password?: 'current-password' | 'new-password';
  /** Where typing begins. */
  first?: boolean;
};

export function TextField({ label, value, onChange, problem, hint, password, first = false }: TextProps) {
  return (
    <Field label={label} hint={hint} problem={problem}>
      {(control) => (
        <input
          {...control}
          data-initial-focus={first || undefined}
          className="field"
          type={password === undefined ? 'text' : 'password'}
          autoComplete={password ?? 'off'}
          autoCapitalize="none"
          spellCheck={false}
          value={value}
          onChange={(event) => onChange(event.target.value)}
        />
      )}
    </Field>
  );
}
