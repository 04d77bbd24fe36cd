// Types text into a guest, key by key: the way to paste where no clipboard reaches.
import { type FormEvent, useState } from 'react';
import { useI18n } from '@/i18n/i18n';
import { Button } from '@/ui/button';
import { Dialog, DialogButtons } from '@/ui/dialog';
import { Field } from '@/ui/field';
import { Message } from '@/ui/message';
import { ProgressBar } from '@/ui/progress-bar';
import { type Layout, strokes } from './typing';
import type { VncScreen } from './vnc-screen';

/** More takes minutes, and is better sent as a file. */
const mostCharacters = 10_000;
const layoutKey = 'qx-console-layout';

export function TypeDialog({ screen, onClose }: { screen: Pick<VncScreen, 'type' | 'cancel'>; onClose: () => void }) {
  const { t } = useI18n();
  const [text, setText] = useState('');
  const [layout, setLayout] = useState<Layout>(() => (localStorage.getItem(layoutKey) === 'de' ? 'de' : 'us'));
  const [typed, setTyped] = useState<number | null>(null);
  const { strokes: wanted, missing } = strokes(text, layout);
  const tooLong = text.length > mostCharacters;
  const problem = tooLong
    ? t('type.tooLong', { most: mostCharacters })
    : missing.length > 0
      ? t('type.missing', { characters: missing.slice(0, 20).join(' ') })
      : undefined;
  const close = () => {
    screen.cancel();
    onClose();
  };
  const type = async () => {
    localStorage.setItem(layoutKey, layout);
    setTyped(0);
    const count = await screen.type(wanted, setTyped);
    if (count === wanted.length) onClose();
    else setTyped(null);
  };
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    if (problem !== undefined || wanted.length === 0 || typed !== null) return;
    void type();
  };
  return (
    <Dialog title={t('screen.type')} onClose={close}>
      <form onSubmit={onSubmit} noValidate>
        <div className="space-y-4 text-sm">
          <Field label={t('type.text')} problem={problem}>
            {(control) => (
              <textarea
                {...control}
                data-initial-focus
                className="field min-h-32 font-mono"
                spellCheck={false}
                autoCapitalize="none"
                value={text}
                onChange={(event) => setText(event.target.value)}
              />
            )}
          </Field>
          <Field label={t('type.layout')} hint={t('type.layout.hint')}>
            {(control) => (
              <select {...control} className="field" value={layout} onChange={(event) => setLayout(event.target.value === 'de' ? 'de' : 'us')}>
                <option value="us">{t('type.layout.us')}</option>
                <option value="de">{t('type.layout.de')}</option>
              </select>
            )}
          </Field>
          {typed !== null && (
            <ProgressBar label={t('type.progress')} share={Math.floor((typed / Math.max(1, wanted.length)) * 100)} />
          )}
          <Message tone="info">{t('type.explained')}</Message>
        </div>
        <DialogButtons>
          <Button onClick={close}>{t('action.cancel')}</Button>
          <Button type="submit" variant="primary" busy={typed !== null}>{t('type.submit')}</Button>
        </DialogButtons>
      </form>
    </Dialog>
  );
}
