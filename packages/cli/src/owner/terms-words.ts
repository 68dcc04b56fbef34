import type { KeyTerms, TermsVerdict } from '@ckm/api';
import { readTermsFile, draftTerms, MOST_TERMS_FILE_BYTES, type CertifiedKey } from '@ckm/client';
import type { PastAnswer, RuleAnswer, TermsAnswer } from '@ckm/client';
import { readInput } from '../terminal/read-input.js';

/** What a terms file is read for. */
export interface TermsSubject {
  readonly purpose: string;
  readonly network: CertifiedKey['record']['network'];
}

/**
 * A terms file, unread. @param path `-` is stdin
 * @throws StorageError `FILE_UNREADABLE`; UsageError `FILE_TOO_LARGE`
 */
export function readTermsBytes(path: string): Promise<Uint8Array> {
  return readInput(path, MOST_TERMS_FILE_BYTES, 'name fewer rules, or fewer destinations in them');
}

/**
 * The terms that a file says, which can be judged though nobody in them has a key yet.
 * @throws as {@link readTermsBytes}; EncodingError `TERMS_FILE_…`, `TERMS_…`
 */
export async function judgedTermsAt(path: string, subject: TermsSubject): Promise<KeyTerms> {
  return draftTerms(readTermsFile(await readTermsBytes(path), subject));
}

/** What terms make of a request, for whoever asks servers: in a few words. */
function verdictText(verdict: TermsVerdict): string {
  if (verdict.verdict === 'yes') return 'yes, and nobody is asked';
  if (verdict.verdict === 'waits') return `waits for ${verdict.awaits.map(awaitedText).join(', and ')}`;
  if (verdict.because === 'people') return `no: rule ${verdict.rule} names too few who have a say`;
  const { unknown } = verdict;
  return unknown.length === 0
    ? 'no: no rule fits'
    : `no: no rule surely fits, since the request does not say ${unknown.join(', ')}`;
}

function awaitedText({ needed, of }: { readonly needed: number; readonly of: readonly string[] }): string {
  return of.length === 1 ? of.join('') : `${needed} of ${of.join(', ')}`;
}

/** What terms answer to a request, rule by rule. */
export function answerLines(answer: TermsAnswer): string[] {
  const { refusal, verdict, verdictWhenSpent, rules } = answer;
  const [now, later] = [verdictText(verdict), verdictText(verdictWhenSpent)];
  const verdicts =
    now === later
      ? [`  Answer  ${now}`]
      : [
          `  Answer  while little was let in before: ${now}`,
          `          once its limits are used up: ${later}`,
        ];
  return [
    ...rules.flatMap((rule) => [`  Rule ${rule.rule}  ${rule.sentence}`, `          ${fitText(rule)}`]),
    ...(refusal === null ? verdicts : [`  Answer  no: ${refusal.message} (${refusal.code})`]),
  ];
}

const FITS = {
  fits: 'it fits',
  mayFit: 'it may fit: the request does not say enough, and whom it names is asked',
  fitsNot: 'it does not fit',
} as const;

function fitText({ fit, fitWhenSpent }: RuleAnswer): string {
  if (fit === fitWhenSpent) return FITS[fit];
  return `while little was let in before: ${FITS[fit]}; once its limit is used up: ${FITS[fitWhenSpent]}`;
}

/** The same in one line, of a request that is over. */
export function pastText({ answer, code }: PastAnswer): string {
  if (answer === null) return `cannot be read any more (${code ?? 'unknown'})`;
  if (answer.refusal !== null) return `no: ${answer.refusal.message}`;
  const [now, later] = [verdictText(answer.verdict), verdictText(answer.verdictWhenSpent)];
  return now === later ? now : `${now}; with its limits used up: ${later}`;
}
