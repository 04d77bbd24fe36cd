// Shown over the page when the session has expired. The page and what was typed into it stay.
import { useStore } from '@/app/store';
import { useI18n } from '@/i18n/i18n';
import { Button } from '@/ui/button';
import { Dialog } from '@/ui/dialog';
import { LoginForm } from './login-form';
import { leave, logInAgain } from './requests';
import { sessionStore } from './store';

export function RenewDialog() {
  const { t } = useI18n();
  const state = useStore(sessionStore);
  if (state.kind !== 'expired') return null;
  return (
    <Dialog title={t('renew.title')}>
      <p className="mb-4 text-sm text-muted">{t('renew.text')}</p>
      <LoginForm username={state.session.username} submit={logInAgain} onDone={() => undefined} />
      <Button variant="quiet" className="mt-2 w-full" onClick={leave}>
        {t('renew.leave')}
      </Button>
    </Dialog>
  );
}
