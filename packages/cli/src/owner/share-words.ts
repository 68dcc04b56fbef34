import type { DeletedAt, DepositPlace, DepositView, ShareAt, StoredAt } from '@ckm/client';
import { AvailabilityError, type CkmError, PeerFaultError, StateError } from '@ckm/foundation';
import { optionInvalid } from '../command-line/option-values.js';
import { readInvite } from '../command-line/invite-flag.js';
import { formatTable } from '../terminal/table.js';

/** The names behind `--servers`, or another flag. @throws UsageError `OPTION_INVALID` */
export function serverNames(
  text: string | undefined,
  flag: '--servers' | '--gone' = '--servers',
): readonly string[] | undefined {
  if (text === undefined) return undefined;
  const names = text.split(',').map((one) => one.trim());
  if (!names.includes('')) return names;
  throw optionInvalid(
    `${flag} holds an empty name`,
    `write the names with single commas between: ${flag} alpha,bravo`,
  );
}

/** Codes that let one in, each in a file of its own, by the name of the server. @throws UsageError `OPTION_INVALID`; as `readInvite` */
export async function readInvites(given: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const invites = new Map<string, string>();
  for (const one of given) {
    const [, name, file] = /^([^=]+)=(.+)$/.exec(one) ?? [];
    if (name === undefined || file === undefined)
      throw optionInvalid(
        `--invite-file holds ${JSON.stringify(one.slice(0, 40))}, which is not a server and a file`,
        'write for example --invite-file alpha=code.txt',
      );
    invites.set(name, (await readInvite(file))!);
  }
  return invites;
}

/** Of five any three bring back what they keep, also where two sufficed: those were of the first three. */
const NEEDED_OF_FIVE = 3;

function neededOf({ needed, places }: DepositView): number {
  return places.length === 5 ? NEEDED_OF_FIVE : needed;
}

/** How many of how many shares bring back what they keep. */
export function needText(view: DepositView): string {
  const needed = neededOf(view);
  const text = `any ${needed} of ${view.places.length} bring it back`;
  return view.needed < needed ? `${text}, and any ${view.needed} of the first three` : text;
}

export function placesText(places: readonly DepositPlace[]): string {
  return formatTable(
    places.map(({ name, url }) => [name, url]),
    '  ',
  );
}

export function placesObject(view: DepositView) {
  const servers = view.places.map(({ name, url, xid }) => ({ name, url, xid }));
  return { needed: neededOf(view), servers };
}

const STORED: Readonly<Record<StoredAt['outcome'], string>> = {
  stored: 'has its share',
  there: 'had its share already',
  silent: 'has NO share yet',
  refused: 'has NO share',
};

export function storedText(servers: readonly StoredAt[]): string {
  return rows(servers.map(({ server, outcome, text }) => [server, STORED[outcome], text]));
}

const DELETED: Readonly<Record<DeletedAt['outcome'], string>> = {
  deleted: 'keeps nothing any more',
  none: 'kept nothing',
  gone: 'is gone, as you say: whoever has its data has one share',
  silent: 'still has its share',
  refused: 'still has its share',
};

export function deletedText(servers: readonly DeletedAt[]): string {
  return rows(servers.map(({ server, outcome, text }) => [server, DELETED[outcome], text]));
}

const FOUND: Readonly<Record<ShareAt['outcome'], string>> = {
  good: 'has its share',
  faulty: 'MISBEHAVES',
  none: 'has no share',
  silent: 'gave none',
};

export function foundText(servers: readonly ShareAt[]): string {
  return rows(servers.map(({ server, outcome, text }) => [server, FOUND[outcome], text]));
}

function rows(cells: readonly (readonly string[])[]): string {
  return formatTable(cells, '  ');
}

interface DoneAt {
  readonly server: string;
  readonly outcome: string;
  readonly text: string;
  readonly error: CkmError | null;
}

export function doneObject(servers: readonly DoneAt[]) {
  return servers.map(({ server, outcome, text, error }) => ({
    server,
    outcome,
    code: error?.code ?? null,
    text: text === '' ? null : text,
  }));
}

const OPEN: readonly string[] = ['silent', 'refused'];

/** What is left to do: null where every server has done it. @param what as in "has no share yet" */
export function notAtAll(servers: readonly DoneAt[], what: string): CkmError | null {
  const left = servers.filter(({ outcome }) => OPEN.includes(outcome));
  const refusing = left.find(({ outcome }) => outcome === 'refused');
  if (left.length === 0) return null;
  if (refusing !== undefined) return refusing.error;
  const names = left.map(({ server }) => server);
  return new AvailabilityError(`${names.join(', ')} ${what}`, {
    code: 'SERVERS_MISSING',
    hint: 'do the same again when they answer, with the same words: what is done is not done twice',
    facts: { servers: names },
  });
}

/** Who gave what is not a share of these: null where nobody did. */
export function faultyShares(servers: readonly ShareAt[]): CkmError | null {
  const faulty = servers.filter(({ outcome }) => outcome === 'faulty');
  if (faulty.length === 0) return null;
  const names = faulty.map(({ server }) => server);
  return new PeerFaultError(faulty.map(({ server, text }) => `${server} ${text}`).join('; '), {
    code: 'FAULT_SHARE',
    hint: `the others suffice; tell the operator of ${names.join(', ')}, and take new shares: ckm csr rotate`,
    facts: { servers: names },
  });
}

/** Who has no share though he is to have one, else who did not answer: null where all gave theirs. */
export function missingShares(missing: readonly ShareAt[]): CkmError | null {
  const namesOf = (outcome: ShareAt['outcome']) =>
    missing.filter((one) => one.outcome === outcome).map(({ server }) => server);
  const [none, silent] = [namesOf('none'), namesOf('silent')];
  if (none.length > 0)
    return new StateError(`no share of these lies at ${none.join(', ')}`, {
      code: 'DEPOSIT_UNFINISHED',
      hint: 'the others suffice; have it stored there once more, with the same words: ckm csr store',
      retryable: true,
    });
  if (silent.length === 0) return null;
  return new AvailabilityError(`${silent.join(', ')} did not answer`, {
    code: 'SERVERS_MISSING',
    hint: 'the others suffice; check again when all of them answer',
    facts: { servers: silent },
  });
}

/** @param orElse what to do where they are lost, as in "begin anew: …" */
export function notThoseBegun(orElse: string): StateError {
  return new StateError('these are not the words of the shares that were begun', {
    code: 'DEPOSIT_UNKNOWN',
    hint: `type those that were shown then; if they are lost, ${orElse}`,
    retryable: false,
  });
}
