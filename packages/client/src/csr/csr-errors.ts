import { type CkmError, EncodingError, PeerFaultError, StateError, UsageError } from '@ckm/foundation';
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

/** @param at names of servers that have answered */
export function nothingKept(at: readonly string[], silent: CkmError | null): CkmError {
  if (silent !== null && at.length === 0) return silent;
  return new StateError(`${listed(at)} keeps nothing under these words`, {
    code: 'DEPOSIT_NOT_FOUND',
    hint: 'type the words that were shown when the shares were stored, or name another server',
    retryable: false,
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

export function wordsOfOwner(): UsageError {
  return new UsageError('these are the words of the owner, and not those of the shares', {
    code: 'DEPOSIT_WORDS_OWNER',
    hint: 'type the 24 words that were shown when the shares were stored: who has the owner’s words needs no shares',
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
