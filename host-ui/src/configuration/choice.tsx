// One of several things to choose from, and a box to tick, each with what it means.
import { useId } from 'react';

type Props = { name?: string; label: string; hint?: string; checked: boolean; onChoose: (checked: boolean) => void };

/** With a `name` one of that group's radio buttons, else a box of its own. */
export function Choice({ name, label, hint, checked, onChoose }: Props) {
  const id = useId();
  return (
    <div className="flex items-start gap-2.5 py-1">
      <input
        id={id}
        type={name === undefined ? 'checkbox' : 'radio'}
        name={name}
        className="mt-0.5 size-4 shrink-0 accent-accent"
        checked={checked}
        aria-describedby={hint === undefined ? undefined : `${id}-hint`}
        onChange={(event) => onChoose(event.target.checked)}
      />
      <div>
        <label htmlFor={id}>{label}</label>
        {hint !== undefined && <p id={`${id}-hint`} className="text-xs text-muted">{hint}</p>}
      </div>
    </div>
  );
}
