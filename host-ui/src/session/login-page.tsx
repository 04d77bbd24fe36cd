// The log-in page.
import { useI18n } from '@/i18n/i18n';
import { Logo } from '@/ui/icons';
import { Preferences } from '@/app/preferences';
import { LoginForm } from './login-form';
import { logIn } from './requests';

export function LoginPage({ onDone }: { onDone: () => void }) {
  const { t } = useI18n();
  return (
    <main className="flex min-h-dvh flex-col items-center justify-center gap-4 p-4">
      <title>{`${t('login.submit')} · Quantix-OS`}</title>
      <div className="card w-full max-w-sm p-6">
        <div className="mb-6 flex items-center gap-3">
          <Logo className="size-9" />
          <div className="min-w-0">
            <h1 className="text-lg leading-tight font-semibold">Quantix-OS</h1>
            <p className="text-sm text-muted [overflow-wrap:anywhere]">{t('login.host', { host: location.hostname })}</p>
          </div>
        </div>
        <LoginForm submit={logIn} onDone={onDone} />
        <p className="mt-4 text-xs text-muted">{t('login.hint')}</p>
      </div>
      <Preferences />
    </main>
  );
}
