import type { CkmError, Remedy } from '@ckm/foundation';

/** One line of a diagnosis. `fix`: one imperative sentence; `remedy`: the same as data. */
export interface DoctorLine {
  readonly level: 'ok' | 'warn' | 'fail';
  readonly subject: string;
  readonly text: string;
  readonly fix?: string;
  readonly remedy?: Remedy;
  /** Set when it is about this machine, and no server can help. */
  readonly isLocal?: true;
}

/** What an error says, as a line about its subject. */
export function failed(subject: string, { message, hint, remedy }: CkmError): DoctorLine {
  return { level: 'fail', subject, text: message, fix: hint, ...(remedy === null ? {} : { remedy }) };
}

/** What to do about an error, with where more is said about it. */
export function explained(
  fix: string,
  code: string | null | undefined,
): Required<Pick<DoctorLine, 'fix'>> & Pick<DoctorLine, 'remedy'> {
  if (code === null || code === undefined) return { fix };
  return { fix: `${fix}; what that means`, remedy: { kind: 'read', code } };
}
