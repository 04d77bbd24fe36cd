// The one form shell: a label, its control, a hint and the problem, tied together for screen readers.
import { type ReactNode, useId } from 'react';

type ControlProps = { id: string; 'aria-invalid': boolean | undefined; 'aria-describedby': string | undefined };
type Props = {
  label: string;
  hint?: ReactNode | undefined;
  /** What is wrong with the value, as a sentence. */
  problem?: string | undefined;
  children: (control: ControlProps) => ReactNode;
};

export function Field({ label, hint, problem, children }: Props) {
  const id = useId();
  const hintId = `${id}-hint`;
  const problemId = `${id}-problem`;
  const described = [problem && problemId, hint && hintId].filter(Boolean).join(' ');
  return (
    <div>
      <label htmlFor={id} className="mb-1 block text-sm font-medium">
        {label}
      </label>
      {children({
        id,
        'aria-invalid': problem === undefined ? undefined : true,
        'aria-describedby': described || undefined,
      })}
      {problem !== undefined && (
        <p id={problemId} className="mt-1 text-sm text-danger">
          {problem}
        </p>
      )}
      {hint !== undefined && (
        <p id={hintId} className="mt-1 text-xs text-muted">
          {hint}
        </p>
      )}
    </div>
  );
}
