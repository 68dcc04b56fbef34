import { AvailabilityError, type CkmError, PolicyError, StateError, UsageError } from '@ckm/foundation';
import { formatWords, likenessOf } from '@ckm/gordian';
import { isSilence, namesOf } from '../../servers/ask-all.js';
import { causeOf } from '../../servers/causes.js';
import { listed } from '../../servers/faults.js';
import type { Gathered } from '../../servers/gathered.js';
import type { Done } from '../votes/ballot.js';
import { votesTooFew } from '../votes/too-few.js';
import type { Fork } from './read-fork.js';
import { type SettleMember, type SettleRun, settling } from './settle-run.js';

type Failures = ReadonlyMap<SettleMember, CkmError>;

const goOn = ({ keyName }: Pick<SettleRun, 'keyName'>) => ({ kind: 'settleKey', key: keyName }) as const;

export function notForked(key: string): StateError {
  return new StateError(`no two certificates of one epoch of ${key} are known`, {
    code: 'KEY_NOT_FORKED',
    hint: 'nothing is to be settled; look how the key stands',
    remedy: { kind: 'verifyKey', key },
    retryable: false,
  });
}

export function choiceUnknown(key: string, id: string, ids: readonly string[]): UsageError {
  return new UsageError(
    `no certificate of ${key} that could count begins with ${JSON.stringify(id.slice(0, 70))}`,
    {
      code: 'FORK_CHOICE_UNKNOWN',
      hint: `choose one of ${listed(ids)}`,
    },
  );
}

/** Which comes first is up to servers where nothing of it is on record here, or votes stand against that. */
export function choiceNeeded(
  key: string,
  { isContested, fork }: { readonly isContested: boolean; readonly fork: Pick<Fork, 'choices'> },
): UsageError {
  const why = isContested
    ? `servers show votes against what was settled here of ${key}`
    : `this client went on by none of the certificates of ${key}`;
  return new UsageError(`${why}: say which is to count`, {
    code: 'FORK_CHOICE_UNKNOWN',
    hint: `choose one of ${listed(fork.choices.map(({ id }) => id))}`,
  });
}

/** Another choice is on its way: it goes on, or is taken back first. */
export function settlementOpen(key: string): StateError {
  return new StateError(`which certificate of ${key} counts is being settled already, on another one`, {
    code: 'CHANGE_OPEN',
    hint: 'go on with that, or take it back first',
    remedy: { kind: 'cancelSettlement', key },
    retryable: false,
  });
}

/** Somebody has to answer before it goes on. */
export function settlersMissing(run: SettleRun, failures: Failures, doing: string): AvailabilityError {
  const names = namesOf(failures.keys());
  const why = [...failures].map(([{ server }, error]) => `${server.name} ${causeOf(error)}`).join(', ');
  const missing = names.length === 0 ? 'servers of the key' : `${listed(names)}: ${why}`;
  return new AvailabilityError(`${doing} waits for ${missing}`, {
    code: 'SERVERS_MISSING',
    hint: 'nothing is lost: go on when they answer',
    remedy: goOn(run),
    facts: {
      servers: names,
      silent: namesOf([...failures].flatMap(([member, error]) => (isSilence(error) ? [member] : []))),
    },
  });
}

/** Of those who settle too few know what they said, and nothing reminds the others. @param isOrdered whether servers have heard of it, and are stopped */
export function settlersForgot(
  run: SettleRun,
  forgot: readonly SettleMember[],
  { isOrdered }: { readonly isOrdered: boolean },
): StateError {
  const { keyName: key, settlers } = run;
  const names = namesOf(forgot.toSorted((a, b) => a.slot - b.slot));
  const have = names.length === 1 ? 'has' : 'have';
  return new StateError(
    `${listed(names)} ${have} forgotten what was said in that epoch: fewer than the ${settlers.needed} are left that settle which certificate of ${key} counts`,
    {
      code: 'SETTLERS_FORGOT',
      hint: isOrdered
        ? 'make another key: no command settles this one any more, and the servers that have heard of the order stay stopped'
        : `nothing was ordered, and no server is stopped by it: while servers sign by the certificate of this client, leave ${listed(names)} out of them by a change, or make another key and move`,
      facts: { needed: settlers.needed, servers: names },
      retryable: false,
    },
  );
}

/** With the certificate that is to count too few would have shares. */
export function notHeld(
  run: SettleRun,
  ready: readonly SettleMember[],
  without: readonly SettleMember[],
): StateError {
  const { needed } = run.epochs[0]!.params.quorum;
  const names = namesOf(without);
  return new StateError(
    `only ${ready.length} of the ${needed} servers that are needed would have their shares by that certificate; ${listed(names)} would not`,
    {
      code: 'SETTLEMENT_NOT_HELD',
      hint: 'choose another certificate: with this one the key could not sign any more',
      facts: { needed, servers: names },
      remedy: goOn(run),
      retryable: false,
    },
  );
}

/** Operators or delays are waited for. @param readyAt UnixSeconds; null: people alone */
export function settlingWaits(
  run: SettleRun,
  asking: readonly string[],
  readyAt: number | null,
): PolicyError {
  const people = asking.length === 0 ? [] : [`the operator of ${listed(asking)} has not answered`];
  const delay =
    readyAt === null ? [] : [`not before ${new Date(readyAt * 1000).toISOString().slice(0, 16)}Z`];
  const words = formatWords(likenessOf(run.orderHash));
  return new PolicyError(`settling ${run.keyName} waits: ${[...people, ...delay].join('; ')}`, {
    code: 'CHANGE_WAITING',
    hint:
      asking.length === 0
        ? 'go on then'
        : `tell each of them the six words of the order: ${words}; then go on`,
    remedy: goOn(run),
    facts: { servers: [...asking], ...(readyAt === null ? {} : { readyAt }) },
    retryable: true,
  });
}

export function settlingOver(run: SettleRun, server: string, reason: string | null): PolicyError {
  const because = reason === null || reason === '' ? '' : `: ${reason}`;
  return new PolicyError(`${server} does not settle ${run.keyName} so${because}`, {
    code: 'CHANGE_OVER',
    hint: 'choose another certificate, or order this one again in a week if you took it back yourself',
    facts: { server },
    remedy: goOn(run),
  });
}

/** Who settles is bound to another one than the owner insists on, which only those can show to be settled who are silent. */
export function boundOtherwise(run: SettleRun): StateError {
  return new StateError(`servers that settle ${run.keyName} are bound to another certificate than yours`, {
    code: 'CHANGE_VOTES_TOO_FEW',
    hint: 'go on when those answer that have settled on yours, or choose the other one',
    remedy: goOn(run),
    retryable: true,
  });
}

/** Too few of those who settle said what it takes. */
export function settlingVotesTooFew(
  run: SettleRun,
  what: Done,
  gathered: Gathered<SettleMember, unknown>,
): StateError {
  const forgot = [...gathered.failures].flatMap(([member, { facts }]) =>
    facts['reason'] === 'forgot' ? [member] : [],
  );
  if (settling(run).length - forgot.length < run.settlers.needed)
    return settlersForgot(run, forgot, { isOrdered: true });
  return votesTooFew(run.settlers.needed, what, gathered, {
    hint: 'go on when the others answer; servers enter a new try every ten minutes',
    remedy: goOn(run),
  });
}
