// Says that what a draft was made from has changed, and offers to begin anew.
import { useI18n } from '@/i18n/i18n';
import { Button } from './button';
import { Message } from './message';

export function Outdated({ onDiscard }: { onDiscard: () => void }) {
  const { t } = useI18n();
  return (
    <Message tone="warn" live title={t('draft.outdated')}>
      <p>{t('draft.outdated.text')}</p>
      <Button className="mt-2" onClick={onDiscard}>{t('draft.discard')}</Button>
    </Message>
  );
}
