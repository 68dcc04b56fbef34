import {
  AvailabilityError,
  type CkmError,
  EncodingError,
  PeerFaultError,
  StateError,
  UsageError,
} from '@ckm/foundation';
import { listed } from '../servers/faults.js';

/** @param missing servers, each with what it did: "bravo does not answer" */
export function sharesTooFew(have: number, needed: number, missing: readonly string[]): StateError {
  const who = missing.length === 0 ? '' : `: ${missing.join('; ')}`;
  return new StateError(`${have} of the ${needed} shares that it takes are here${who}`, {
    code: 'DEPOSIT_SHARES_TOO_FEW',
    hint: 'try again when more of these servers answer, or name another server that has a share',
    retryable: true,
    facts: { have, needed, missing },
  });
}

/** A server that was asked for shares; its error where it did not answer. */
export interface AskedForShares {
  readonly name: string;
  readonly error: CkmError | null;
}

/** Nobody has shown a share. That nothing is kept is said where all have answered: who is silent may keep one. */
export function nothingKept(asked: readonly AskedForShares[]): CkmError {
  const at = asked.filter(({ error }) => error === null).map(({ name }) => name);
  const silent = asked.filter(({ error }) => error !== null);
  if (silent.length > 0) return at.length === 0 ? silent[0]!.error! : nothingYet(at, silent);
  return new StateError(`${listed(at)} keeps nothing under these words`, {
    code: 'DEPOSIT_NOT_FOUND',
    hint: 'type the words that were shown when the shares were stored, or name another server',
    retryable: false,
  });
}

function nothingYet(at: readonly string[], silent: readonly AskedForShares[]): CkmError {
  const names = silent.map(({ name }) => name);
  const text = `nothing lies under these words at ${listed(at)}, and ${listed(names)} did not answer`;
  return new AvailabilityError(text, {
    code: 'SERVERS_MISSING',
    hint: 'do the same again when all of them answer, or name another server that has a share',
    facts: { servers: names },
  });
}

export function wrongCount(count: number): UsageError {
  return new UsageError(
    `shares go to three servers, or to five of which three are needed, and here are ${count}`,
    {
      code: 'DEPOSIT_SERVERS',
      hint: 'name three of your servers, or five; add more of them first where there are too few',
      remedy: { kind: 'listServers' },
    },
  );
}

export function alreadyStored(places: readonly string[]): StateError {
  return new StateError(`your words lie in shares at ${listed(places)} already`, {
    code: 'DEPOSIT_EXISTS',
    hint: 'rotate them, or upgrade them; where their words are lost, store them anew beside the old ones',
    retryable: false,
  });
}

/** What is under these words is not what was to be stored there. */
export function keepsAnother(): StateError {
  return new StateError('another secret lies under these words already', {
    code: 'DEPOSIT_OTHER',
    hint: 'take words of their own for each secret: have new ones drawn',
    retryable: false,
  });
}

/** What was begun under these words names its servers in each share: others are named under other words. */
export function begunElsewhere(places: readonly string[]): StateError {
  return new StateError(`the shares under these words were begun at ${listed(places)}, and nowhere else`, {
    code: 'DEPOSIT_BEGUN',
    hint: 'leave the servers out and go on; where one of those never comes, begin others under new words',
    retryable: false,
  });
}

export function wordsOfOwner(): UsageError {
  return new UsageError('these are the words of the owner, and not those of the shares', {
    code: 'DEPOSIT_WORDS_OWNER',
    hint: 'type the 24 words that were shown when the shares were stored: who has the owner’s words needs no shares',
  });
}

export function neverHadShare(name: string): UsageError {
  return new UsageError(`no server called ${name} is known to have had one of these shares`, {
    code: 'SERVER_UNKNOWN',
    hint: 'name it as the shares do: they are listed with what is on record of them',
  });
}

export function sameWords(): UsageError {
  return new UsageError('the words of the new shares are those of the old ones', {
    code: 'DEPOSIT_WORDS_SAME',
    hint: 'type other words, which were shown when the new shares were begun, or leave them out and have new ones drawn',
  });
}

export function depositUnknown(): StateError {
  return new StateError('nothing is on record here of shares under these words', {
    code: 'DEPOSIT_UNKNOWN',
    hint: 'type the words that were shown when the shares were stored, or name a server that has one of them',
    retryable: false,
  });
}

export function depositDamaged(): EncodingError {
  return new EncodingError('what these servers keep does not open, though enough of it is here', {
    code: 'DEPOSIT_DAMAGED',
    hint: 'try again with other servers that have a share',
  });
}

export function notStoredYet(): StateError {
  return new StateError('not every server has its share yet', {
    code: 'DEPOSIT_UNFINISHED',
    hint: 'store them once more, with the same words: what is done is not done twice',
    retryable: true,
  });
}

export function receiptDiffers(server: string): PeerFaultError {
  return new PeerFaultError(`${server} gave a receipt for something else than its share`, {
    code: 'FAULT_DEPOSIT_RECEIPT',
    hint: `tell the operator of ${server}, and take another server in its place`,
    facts: { servers: [server] },
  });
}

export function shareDenied(server: string): PeerFaultError {
  return new PeerFaultError(`${server} has said that it keeps its share, and does not give it back`, {
    code: 'FAULT_DEPOSIT_RECEIPT',
    hint: `tell the operator of ${server}, and take another server in its place; no old share is deleted`,
    facts: { servers: [server] },
  });
}
