// Fields of a form whose values are texts by name, with the problem of each beside it.
import { useI18n } from '@/i18n/i18n';
import type { MessageKey } from '@/i18n/translate';
import { Field } from './field';

/** What every field of one form shares. */
export type FormState<F extends object, Name extends string> = {
  form: F;
  problems: Partial<Record<Name, string>>;
  change: (part: Partial<F>) => void;
};

type Props<F extends object, Name extends string> = FormState<F, Name> & { name: Name; label: MessageKey; hint?: MessageKey };

/** One line, or several with `rows`. */
export function TextOf<F extends Record<Name, string>, Name extends string>(
  props: Props<F, Name> & { rows?: number; list?: string },
) {
  const { form, problems, change, name, label, hint, rows, list } = props;
  const { t } = useI18n();
  return (
    <Field label={t(label)} problem={problems[name]} hint={hint && t(hint)}>
      {(control) => {
        const shared = {
          ...control,
          autoComplete: 'off',
          autoCapitalize: 'none',
          spellCheck: false,
          value: form[name],
          onChange: ({ target }: { target: { value: string } }) => change({ [name]: target.value } as unknown as Partial<F>),
        };
        return rows === undefined ? (
          <input {...shared} list={list} className="field" />
        ) : (
          <textarea {...shared} rows={rows} wrap="off" className="field block font-mono" />
        );
      }}
    </Field>
  );
}

/** One of several. */
export function ChoiceOf<F extends Record<Name, string>, Name extends string>(
  props: Props<F, Name> & { options: readonly (readonly [value: string, label: MessageKey])[] },
) {
  const { form, problems, change, name, label, hint, options } = props;
  const { t } = useI18n();
  return (
    <Field label={t(label)} problem={problems[name]} hint={hint && t(hint)}>
      {(control) => (
        <select
          {...control}
          className="field"
          value={form[name]}
          onChange={({ target }) => change({ [name]: target.value } as unknown as Partial<F>)}
        >
          {options.map(([value, text]) => (
            <option key={value} value={value}>{t(text)}</option>
          ))}
        </select>
      )}
    </Field>
  );
}
