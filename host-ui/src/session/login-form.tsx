// The log-in form, on its page and in the dialog that renews an expired session.
import { useMutation } from '@tanstack/react-query';
import { type FormEvent, useRef, useState } from 'react';
import { ApiError } from '@/api/problem';
import { useI18n } from '@/i18n/i18n';
import { Button } from '@/ui/button';
import { Field } from '@/ui/field';
import { ErrorMessage, Message } from '@/ui/message';

type Props = {
  /** Filled in and fixed when the session of this user is renewed. */
  username?: string;
  submit: (username: string, password: string) => Promise<void>;
  onDone: () => void;
};

export function LoginForm({ username: fixed, submit, onDone }: Props) {
  const { t } = useI18n();
  const [username, setUsername] = useState(fixed ?? 'root');
  const [password, setPassword] = useState('');
  const passwordField = useRef<HTMLInputElement>(null);
  const login = useMutation({
    mutationFn: () => submit(username, password),
    onSuccess: onDone,
    onError: (error) => {
      // Without an answer the password may well be right.
      if (error instanceof ApiError) setPassword('');
      passwordField.current?.focus();
    },
  });
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    if (!login.isPending) login.mutate();
  };
  return (
    <form onSubmit={onSubmit} className="space-y-4">
      <LoginProblem error={login.error} />
      <Field label={t('login.username')}>
        {(control) => (
          <input
            {...control}
            className="field"
            name="username"
            autoComplete="username"
            autoCapitalize="none"
            spellCheck={false}
            required
            readOnly={fixed !== undefined}
            value={username}
            onChange={(event) => setUsername(event.target.value)}
          />
        )}
      </Field>
      <Field label={t('login.password')}>
        {(control) => (
          <input
            {...control}
            ref={passwordField}
            className="field"
            name="password"
            type="password"
            autoComplete="current-password"
            required
            autoFocus
            data-initial-focus
            value={password}
            onChange={(event) => setPassword(event.target.value)}
          />
        )}
      </Field>
      <Button type="submit" variant="primary" className="w-full" busy={login.isPending}>
        {t('login.submit')}
      </Button>
    </form>
  );
}

function LoginProblem({ error }: { error: Error | null }) {
  const { t } = useI18n();
  if (error instanceof ApiError && error.status === 401) {
    return (
      <Message tone="danger" live title={t('login.wrong.title')}>
        {t('login.wrong.text')}
      </Message>
    );
  }
  return <ErrorMessage error={error} />;
}
