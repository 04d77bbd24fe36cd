// What the agent in a guest is asked to do.
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ask } from '@/api/client';
import type { Role, Schemas, Vm } from '@/api/types';
import { useI18n } from '@/i18n/i18n';
import { Button } from '@/ui/button';
import { FormDialog, TextField } from '@/ui/form-dialog';
import { useErrorText } from '@/ui/message';
import { notify } from '@/ui/notices';
import { roleReason } from '@/vms/rules';

type Props = { vm: Vm; role: Role; guest: Schemas['GuestInfo']; again: () => void };

export function GuestActions({ vm, role, guest, again }: Props) {
  const { t } = useI18n();
  const errorText = useErrorText();
  const [asking, setAsking] = useState(false);
  const params = { path: { id: vm.id } };
  const act = useMutation({
    mutationFn: ({ send }: { send: () => Promise<unknown>; done: string }) => send(),
    onSuccess: (_, { done }) => notify({ tone: 'good', title: done }),
    onError: (error) => notify({ tone: 'danger', title: t('guest.failed', { name: vm.name }), detail: errorText(error) }),
    onSettled: again,
  });
  const denied = roleReason(role);
  /** Why it can't be asked for: the role, or an agent that does not know the command. */
  const reason = (command: string) => {
    if (denied !== null) return t(denied);
    return guest.commands.includes(command) ? null : t('guest.noCommand');
  };
  const button = (label: string, command: string, done: string, send: () => Promise<unknown>) => (
    <Button disabledReason={reason(command)} busy={act.isPending} onClick={() => act.mutate({ send, done })}>{label}</Button>
  );
  const { name } = vm;
  return (
    <section className="card flex flex-wrap items-center gap-2 p-4" aria-label={t('guest.actions')}>
      {button(t('guest.shutdown'), 'guest-shutdown', t('guest.asked', { name }), () =>
        ask(api.POST('/api/v1/vms/{id}/guest/shutdown', { params })))}
      {button(t('guest.reboot'), 'guest-shutdown', t('guest.asked', { name }), () =>
        ask(api.POST('/api/v1/vms/{id}/guest/reboot', { params })))}
      {guest.frozen === true
        ? button(t('guest.thaw'), 'guest-fsfreeze-thaw', t('guest.thawed', { name }), () =>
            ask(api.POST('/api/v1/vms/{id}/guest/thaw', { params })))
        : button(t('guest.freeze'), 'guest-fsfreeze-freeze', t('guest.frozenNow', { name }), () =>
            ask(api.POST('/api/v1/vms/{id}/guest/freeze', { params, body: { mount_points: [] } })))}
      {button(t('guest.trim'), 'guest-fstrim', t('guest.asked', { name }), () =>
        ask(api.POST('/api/v1/vms/{id}/guest/trim', { params })))}
      {button(t('guest.setTime'), 'guest-set-time', t('guest.timeSet', { name }), () =>
        ask(api.POST('/api/v1/vms/{id}/guest/time', { params, body: { time: null } })))}
      <Button disabledReason={reason('guest-set-user-password')} onClick={() => setAsking(true)}>{t('guest.password')}</Button>
      {asking && <PasswordDialog vm={vm} onClose={() => setAsking(false)} />}
    </section>
  );
}

function PasswordDialog({ vm, onClose }: { vm: Vm; onClose: () => void }) {
  const { t } = useI18n();
  const [username, setUsername] = useState('root');
  const [password, setPassword] = useState('');
  const send = () =>
    ask(api.POST('/api/v1/vms/{id}/guest/password', { params: { path: { id: vm.id } }, body: { username, password, crypted: false } }));
  const onDone = () => {
    notify({ tone: 'good', title: t('guest.passwordSet', { name: username }) });
    onClose();
  };
  return (
    <FormDialog title={t('guest.password.title', { name: vm.name })} submit={t('guest.password.submit')} send={send} onDone={onDone} onClose={onClose}>
      {(problem) => (
        <>
          <TextField label={t('guest.password.user')} value={username} onChange={setUsername} problem={problem('username')} first />
          <TextField
            label={t('guest.password.new')}
            password="new-password"
            value={password}
            onChange={setPassword}
            problem={problem('password')}
          />
        </>
      )}
    </FormDialog>
  );
}
