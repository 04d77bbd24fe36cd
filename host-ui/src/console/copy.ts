// Puts text on the clipboard, and says so.
import { useI18n } from '@/i18n/i18n';
import { notify } from '@/ui/notices';

export function useCopy(): (text: string) => void {
  const { t } = useI18n();
  return (text) => {
    navigator.clipboard.writeText(text).then(
      () => notify({ tone: 'good', title: t('console.copied') }),
      (error: unknown) => notify({ tone: 'danger', title: t('console.notCopied'), detail: String(error) }),
    );
  };
}
