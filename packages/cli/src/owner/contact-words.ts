import type { CaseView } from '@ckm/api';
import type { AloneContact, CaseAt, ContactAt } from '@ckm/client';
import { encodeHex } from '@ckm/foundation';
import { formatInstant, unixNow } from '../terminal/instant.js';
import { likenessLine } from '../terminal/likeness.js';

/** What a contact is, in words. */
export const KIND_TEXT: Readonly<Record<ContactAt['kind'], string>> = {
  totp: 'an authenticator app',
  xid: 'another person',
  mail: 'an address for e-mail',
  operator: 'the operator in person',
};

const STATE_TEXT: Readonly<Record<ContactAt['state'], string>> = {
  unverified: 'NOT verified: it counts for nothing yet',
  coming: 'counts later',
  inForce: 'in force',
  leaving: 'leaves, and counts until then',
};

const DAY = 86_400;

/** @param account of the owner there, in hex, where the operator is to know it */
export function contactRow(
  { server, id, kind, state, name, delaySeconds, readyAt }: ContactAt,
  account?: string,
): string[] {
  const called = kind === 'xid' ? name.slice(0, 8) : calledOf(name, account);
  const until = readyAt === null ? '' : formatInstant(readyAt, unixNow());
  const delay = `waits ${Math.round(delaySeconds / DAY)} d`;
  return [server, encodeHex(id).slice(0, 8), KIND_TEXT[kind], called, delay, STATE_TEXT[state], until];
}

function calledOf(name: string, account: string | undefined): string {
  return name === '' && account !== undefined ? `as ${accountDigits(account)}` : name;
}

export function contactObject({ id, setBy, ...contact }: ContactAt) {
  return { id: encodeHex(id), ...contact, setBy: encodeHex(setBy) };
}

/** Of an account as many digits as an operator notes: whoever wants it back is found by them. */
function accountDigits(account: string): string {
  return account.slice(0, 8);
}

/** What the operator has to know beforehand, who sees nothing but numbers. @param account its XID, in hex */
export function accountText(server: string, account: string): string {
  return `have the operator of ${server} note, with your name, the first digits of your account there: ${accountDigits(account)}`;
}

const WHO: Readonly<Record<string, string>> = {
  app: 'one and the same telephone with your apps',
  person: 'one and the same person',
};

/** Whoever has this contact alone has the key: the quorum is gone around. */
export function aloneText({ who, key, servers, needed }: AloneContact): string {
  const whom = WHO[who] ?? who;
  return `NOT a way back: ${whom} would bring back ${servers.join(', ')}, and ${needed} of them are enough for ${key}: choose different contacts at different servers`;
}

const CASE_TEXT: Readonly<Record<CaseView['state'], string>> = {
  waiting: 'waits',
  vetoed: 'stopped: somebody has said no',
  done: 'done: that device has taken the place of all others',
  over: 'over',
};

/** Nobody has said no to it: another one came before it, or the account rested. */
const BEHIND_TEXT =
  'waits for nothing: another one has as many contacts or more, or the account has rested; show a contact again, or one more';

/** How far a recovery is, in one sentence. */
export function caseText({ state, proofs, readyAt, vetoes, pausedUntil }: CaseView): string {
  const shown = `shown: ${proofs.map((kind) => KIND_TEXT[kind]).join(', ')}`;
  const now = unixNow();
  const when =
    state !== 'waiting'
      ? ''
      : readyAt === null
        ? ', and can be finished'
        : ` until ${formatInstant(readyAt, now)}, while its server runs`;
  const rests = pausedUntil === null ? '' : `; nothing begins there until ${formatInstant(pausedUntil, now)}`;
  const said = vetoes === 0 ? '' : `; ${vetoes} said no`;
  const isBehind = state === 'vetoed' && vetoes === 0 && pausedUntil === null;
  return `${isBehind ? BEHIND_TEXT : CASE_TEXT[state]}${when} (${shown}${said})${rests}`;
}

export function caseRow(one: CaseAt): string[] {
  return [one.server, likenessLine(one.caseId), caseText(one)];
}

export function caseObject({ caseId, ...view }: CaseView) {
  return { id: encodeHex(caseId), ...view };
}
