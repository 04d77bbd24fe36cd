// API tokens: one's own, or everybody's for an administrator.
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ask } from '@/api/client';
import type { Role, Token } from '@/api/types';
import { formatTime } from '@/i18n/format';
import { useI18n } from '@/i18n/i18n';
import { Button } from '@/ui/button';
import { Dialog, DialogButtons } from '@/ui/dialog';
import { Field } from '@/ui/field';
import { FormDialog, TextField } from '@/ui/form-dialog';
import { LoadError, Loading, Placeholder } from '@/ui/message';
import { tokensQuery } from './queries';
import { RoleField } from './role-field';

const days = { month: 30, quarter: 90, year: 365 } as const;
type Life = keyof typeof days | 'never';
const dayS = 86_400;

export function TokensCard({ role }: { role: Role }) {
  const { t } = useI18n();
  const tokens = useQuery(tokensQuery);
  const [creating, setCreating] = useState(false);
  const [revoking, setRevoking] = useState<Token | null>(null);
  const [secret, setSecret] = useState<string | null>(null);
  return (
    <section className="card" aria-labelledby="tokens-heading">
      <div className="flex items-center gap-3 border-b border-line p-4">
        <h2 id="tokens-heading" className="text-base font-semibold">{t('tokens.title')}</h2>
        <Button variant="primary" className="ml-auto" onClick={() => setCreating(true)}>{t('tokens.create')}</Button>
      </div>
      {tokens.isPending && <Loading label={t('tokens.loading')} />}
      {tokens.isError && <LoadError error={tokens.error} what={t('tokens.what')} retry={() => void tokens.refetch()} />}
      {tokens.isSuccess && tokens.data.length === 0 && <Placeholder title={t('tokens.none')}>{t('tokens.none.text')}</Placeholder>}
      {tokens.isSuccess && tokens.data.map((token) => <TokenRow key={token.id} token={token} onRevoke={() => setRevoking(token)} />)}
      {creating && <CreateToken most={role} onClose={() => setCreating(false)} onMade={setSecret} />}
      {secret !== null && <SecretDialog secret={secret} onClose={() => setSecret(null)} />}
      {revoking !== null && (
        <FormDialog
          title={t('tokens.revoke.named', { name: revoking.name })}
          submit={t('tokens.revoke')}
          danger
          changes={tokensQuery.queryKey}
          send={() => ask(api.DELETE('/api/v1/tokens/{id}', { params: { path: { id: revoking.id } } }))}
          onDone={() => setRevoking(null)}
          onClose={() => setRevoking(null)}
        >
          {() => <p>{t('tokens.revoke.text')}</p>}
        </FormDialog>
      )}
    </section>
  );
}

function TokenRow({ token, onRevoke }: { token: Token; onRevoke: () => void }) {
  const { t, language } = useI18n();
  const time = (text: string) => formatTime(new Date(text), language);
  return (
    <div className="flex flex-wrap items-center gap-x-4 gap-y-1 border-t border-line px-4 py-2 text-sm">
      <span className="min-w-32 font-medium [overflow-wrap:anywhere]">{token.name}</span>
      <span>{t(`access.role.${token.role}`)}</span>
      <span className="text-muted">{t('tokens.owner', { name: token.owner })}</span>
      <span className="text-muted">{token.expires_at === null ? t('tokens.forever') : t('tokens.until', { time: time(token.expires_at) })}</span>
      <span className="text-muted">{token.last_used_at === null ? t('tokens.unused') : t('tokens.used', { time: time(token.last_used_at) })}</span>
      <Button variant="quiet" className="ml-auto" aria-label={t('tokens.revoke.named', { name: token.name })} onClick={onRevoke}>
        {t('tokens.revoke')}
      </Button>
    </div>
  );
}

function CreateToken({ most, onClose, onMade }: { most: Role; onClose: () => void; onMade: (secret: string) => void }) {
  const { t } = useI18n();
  const [name, setName] = useState('');
  const [role, setRole] = useState<Role>('viewer');
  const [life, setLife] = useState<Life>('quarter');
  const send = async () => {
    const expires_in_s = life === 'never' ? null : days[life] * dayS;
    onMade((await ask(api.POST('/api/v1/tokens', { body: { name, role, expires_in_s } }))).token);
  };
  return (
    <FormDialog
      title={t('tokens.create')}
      submit={t('tokens.create.submit')}
      changes={tokensQuery.queryKey}
      send={send}
      onDone={onClose}
      onClose={onClose}
    >
      {(problem) => (
        <>
          <TextField first label={t('tokens.name')} value={name} onChange={setName} problem={problem('name')} hint={t('tokens.name.hint')} />
          <RoleField value={role} most={most} onChange={setRole} problem={problem('role')} />
          <Field label={t('tokens.life')} problem={problem('expires_in_s')}>
            {(control) => (
              <select {...control} className="field" value={life} onChange={(event) => setLife(event.target.value as Life)}>
                {([...Object.keys(days), 'never'] as Life[]).map((known) => (
                  <option key={known} value={known}>{t(`tokens.life.${known}`)}</option>
                ))}
              </select>
            )}
          </Field>
        </>
      )}
    </FormDialog>
  );
}

function SecretDialog({ secret, onClose }: { secret: string; onClose: () => void }) {
  const { t } = useI18n();
  return (
    <Dialog title={t('tokens.secret.title')}>
      <div className="space-y-3 text-sm">
        <p>{t('tokens.secret.text')}</p>
        <output className="block rounded-md bg-sunken p-3 font-mono text-xs break-all select-all">{secret}</output>
      </div>
      <DialogButtons>
        <Button variant="primary" data-initial-focus onClick={onClose}>{t('action.close')}</Button>
      </DialogButtons>
    </Dialog>
  );
}
