import type { LeftOut, LookedAt, MatterView, SilentHere, Verdict, VoteGiven } from '@ckm/client';
import { AvailabilityError, type CkmError, encodeHex, UsageError } from '@ckm/foundation';
import { formatDescription } from '../terminal/description.js';
import { formatInstant, unixNow } from '../terminal/instant.js';
import { plainText } from '../terminal/plain-text.js';
import type { Terminal } from '../terminal/terminal.js';

const SAYS: Readonly<Record<Verdict, string>> = {
  yes: 'says yes to',
  no: 'says no to',
  takeBack: 'takes back what was said of',
};

/** As in "bob says yes to: Sign “hello”". */
export function verdictSentence(verdict: Verdict, view: MatterView): string {
  return `${view.approver} ${SAYS[verdict]}: ${sentenceOf(view)}`;
}

/** What waits, in one sentence; what cannot be read says so. */
export function sentenceOf({ description, doubt }: MatterView): string {
  return description?.sentence ?? `something that nobody can say yes to here: ${doubt?.message ?? ''}`;
}

/** As in a list: the sentence first, then what decides it. */
export function matterLines(view: MatterView): string {
  const facts = factsOf(view).map((line) => `          ${plainText(line)}`);
  return [`${view.id}  ${plainText(sentenceOf(view))}`, ...facts].join('\n');
}

/**
 * Everything that is shown of one thing before somebody says yes or no to it.
 * @param isWhole whether all that the terms say is shown, or their rules alone
 */
export function formatMatter(
  terminal: Pick<Terminal, 'style' | 'columns'>,
  view: MatterView,
  isWhole = false,
): string {
  const { description, doubt } = view;
  const terms = view.terms.filter((line) => isWhole || line.startsWith('Rule '));
  const read = description === null ? '' : formatDescription(terminal, description);
  return [
    read,
    ...(doubt === null
      ? []
      : [`  ${terminal.style('red', '!')} ${plainText(doubt.message)}`, `    ${plainText(doubt.hint)}`, '']),
    ...factsOf(view).map((line) => `  ${plainText(line)}`),
    ...(terms.length === 0
      ? []
      : ['', '  The terms of the key:', ...terms.map((line) => `    ${plainText(line)}`)]),
    '',
  ].join('\n');
}

/** The last moment that is written: a change of terms ends when it is decided. UnixSeconds */
const NO_END = 253_402_300_799;

function factsOf(view: MatterView): string[] {
  const { keyName, expiresAt, yes, no, shownBy, notAt, leftOut, silent } = view;
  return [
    `for the key ${keyName}, ${askedBy(view)}; open until ${expiresAt >= NO_END ? 'it is in force or stopped' : formatInstant(expiresAt, unixNow())}`,
    ...(yes.length + no.length === 0 ? [] : [votesLine(yes, no)]),
    ...ownLine(view),
    `asked at ${shownBy.join(', ')}${notAt.length === 0 ? '' : `; NOT at ${notAt.join(', ')}`}`,
    ...leftOut.map(leftOutLine),
    ...silent.map(({ server, text }) => `${server} ${text}`),
  ];
}

function leftOutLine({ server, shows, isFalse }: LeftOut): string {
  const why = isFalse ? 'it contradicts itself' : 'you leave it out';
  return `NOT taken from ${server}, ${why}: ${shows}`;
}

function askedBy({ matter, isOwner, requester }: MatterView): string {
  if (matter !== 'request') return 'wanted by its owner';
  if (isOwner === true) return 'asked for by its owner';
  return requester === null ? 'asked for by nobody in particular' : `asked for by the device ${requester}`;
}

function votesLine(yes: readonly string[], no: readonly string[]): string {
  const said = [
    ...(yes.length === 0 ? [] : [`yes: ${yes.join(', ')}`]),
    ...(no.length === 0 ? [] : [`no: ${no.join(', ')}`]),
  ];
  return `so far ${said.join('; ')}`;
}

function ownLine({ said }: MatterView): string[] {
  if (said === null) return [];
  const what = { yes: 'you said yes', no: 'you said no', takeBack: 'you took back what you said' }[
    said.verdict
  ];
  const isEverywhere = said.votes.every(({ left }) => left.length === 0);
  return [
    `${what} ${formatInstant(said.at, unixNow())}${isEverywhere ? '' : ', and NOT every server has heard it'}`,
  ];
}

/** The same for programs. */
export function matterObject(view: MatterView): object {
  const { matterId, keyId, description, doubt, said, ...rest } = view;
  return {
    ...rest,
    id: encodeHex(matterId),
    keyId: encodeHex(keyId),
    sentence: description?.sentence ?? null,
    rows: description?.rows ?? [],
    warnings: description?.warnings ?? [],
    doubt: doubt === null ? null : { code: doubt.code, text: doubt.message },
    said:
      said === null
        ? null
        : {
            verdict: said.verdict,
            serial: said.serial,
            at: said.at,
            isEverywhere: said.votes.every(({ left }) => left.length === 0),
          },
  };
}

/** Where it has arrived, in words. */
export function arrivedText({ at }: VoteGiven): string {
  return at.length === 0 ? 'NOT yet told to any server' : `told to ${at.join(', ')}`;
}

/** What a program or a person still has to do; null: nothing. */
export function notEverywhere({ refusedBy, silent }: VoteGiven): CkmError | null {
  const away = [
    ...silent.map(({ server, text }) => `${server} ${text}`),
    ...refusedBy.map(({ server, code }) => `${server} counts it as nothing (${code})`),
  ];
  if (away.length === 0) return null;
  return new AvailabilityError(`not every server has it: ${away.join('; ')}`, {
    code: 'APPROVAL_NOT_EVERYWHERE',
    hint: 'run the same command again when they answer, or give it to the owner on paper: --out FILE',
  });
}

/** Words for whoever is told of servers that did not say what waits. */
export function silentLine({ server, text, keyName }: SilentHere & { readonly keyName: string }): string {
  return `${server} ${text}: what waits there for ${keyName} is not known`;
}

/** What nobody reads first is named by its whole id: others could begin with the same digits. @throws UsageError `REQUEST_ID_SHORT` */
export function assertWhole(id: string, { matterId }: Pick<LookedAt, 'matterId'>): void {
  if (id.replace(/^[a-z]+:/, '') === encodeHex(matterId)) return;
  throw new UsageError('with --yes it is named by its whole id', {
    code: 'REQUEST_ID_SHORT',
    hint: 'leave --yes out and read the sentence, or copy all 64 digits from: ckm approver list --json',
  });
}
