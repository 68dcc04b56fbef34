import { nameOfOrder } from '@ckm/api';
import { AvailabilityError, type CkmError, PolicyError, StateError } from '@ckm/foundation';
import { formatWords, likenessOf } from '@ckm/gordian';
import { isSilence, namesOf } from '../../servers/ask-all.js';
import { causeOf } from '../../servers/causes.js';
import { listed } from '../../servers/faults.js';
import type { Gathered } from '../../servers/gathered.js';
import { shortId } from '../../store/track.js';
import type { Done } from '../votes/ballot.js';
import { votesTooFew } from '../votes/too-few.js';
import { isOtherEpoch } from './catch-up.js';
import type { ChangeMember, ChangeRun } from './change-run.js';

/** What a server answers to an order. */
type Failures = ReadonlyMap<ChangeMember, CkmError>;

/** Somebody has to answer before the change goes on; nothing is lost meanwhile. */
export function membersMissing(
  run: ChangeRun,
  failures: Failures,
  doing: 'the change' | 'the decision' | 'the new epoch',
): AvailabilityError {
  const names = namesOf(failures.keys());
  const why = [...failures].map(([{ server }, error]) => `${server.name} ${causeOf(error)}`).join(', ');
  const silent = [...failures].flatMap(([member, error]) => (isSilence(error) ? [member] : []));
  const around = doing === 'the change' && canLeaveOut(run, silent) ? WITHOUT_THE_DEAD : '';
  return new AvailabilityError(`${doing} waits for ${listed(names)}: ${why}`, {
    code: 'SERVERS_MISSING',
    hint: `nothing is lost, and the key signs as before: ${around}go on when they answer${doing === 'the decision' ? strictHint(run) : ''}`,
    remedy: { kind: 'resumeSession', id: shortId(run.orderHash) },
    facts: {
      servers: names,
      silent: namesOf(silent),
      ...([...failures.values()].some(({ code }) => isOtherEpoch(code)) ? { isOtherEpoch: true } : {}),
    },
  });
}

/** One dead server holds up each change that has it among the next, until one leaves it out. */
const WITHOUT_THE_DEAD = 'cancel it and order one without whoever is gone for good, or ';

/** Whether those of the present epoch that answer are enough to decide without the others. */
function canLeaveOut({ before: { params }, deciders }: ChangeRun, silent: readonly ChangeMember[]): boolean {
  const old = silent.filter(({ oldSlot }) => oldSlot !== null);
  return silent.length > 0 && params.quorum.of - old.length >= deciders.needed;
}

/** Operators or delays are waited for. @param readyAt UnixSeconds; null: people alone */
export function changeWaiting(
  run: ChangeRun,
  asking: readonly string[],
  readyAt: number | null,
): PolicyError {
  const { keyName } = run.record;
  const who = asking.length === 1 ? 'the operator of' : 'the operators of';
  const people =
    asking.length === 0
      ? []
      : [`${who} ${listed(asking)} ${asking.length === 1 ? 'has' : 'have'} not answered`];
  const delay =
    readyAt === null ? [] : [`not before ${new Date(readyAt * 1000).toISOString().slice(0, 16)}Z`];
  return new PolicyError(`the change of ${keyName} waits: ${[...people, ...delay].join('; ')}`, {
    code: 'CHANGE_WAITING',
    hint:
      asking.length === 0
        ? 'go on then; the key signs as before meanwhile'
        : `tell each of them the six words of the change: ${formatWords(likenessOf(nameOfOrder(run.orderHash, run.record.byWords)))}; then go on`,
    remedy: { kind: 'resumeSession', id: shortId(run.orderHash) },
    facts: { servers: [...asking], ...(readyAt === null ? {} : { readyAt }) },
    retryable: true,
  });
}

/** A change was to be taken back, and no server heard of it. */
export function nobodyTold(run: ChangeRun, names: readonly string[]): AvailabilityError {
  return new AvailabilityError(`no server has taken back the change of ${run.record.keyName}`, {
    code: 'SERVERS_MISSING',
    hint: 'it goes on: cancel it again when they answer',
    remedy: { kind: 'cancelSession', id: shortId(run.orderHash) },
    facts: { servers: [...names] },
  });
}

/** A session moved shares for a change that is not on record any more: nobody decides on what it made. */
export function withoutChange({ keyName }: { readonly keyName: string }): StateError {
  return new StateError(`the change of ${keyName} that this session belongs to is over`, {
    code: 'CHANGE_OVER',
    hint: 'order the change again',
    retryable: false,
  });
}

/** Another client of the owner has taken the change back: whoever goes on with it must not begin it anew. */
export function cancelledElsewhere({ record: { keyName } }: ChangeRun, server: string): PolicyError {
  return new PolicyError(`${server} says that this change of ${keyName} was cancelled from another client`, {
    code: 'CHANGE_OVER',
    hint: 'nothing has changed; if you still want it, order it again',
    facts: { server },
  });
}

/** A server takes no part any more. */
export function changeOver(run: ChangeRun, server: string, reason: string | null): PolicyError {
  const because = reason === null || reason === '' ? '' : `: ${reason}`;
  return new PolicyError(`${server} does not take part in this change of ${run.record.keyName}${because}`, {
    code: 'CHANGE_OVER',
    hint: 'order another change, without that server if need be',
    facts: { server },
  });
}

/** Too few old members said what the change needs. */
export function changeVotesTooFew(
  run: ChangeRun,
  what: Done,
  gathered: Gathered<ChangeMember, unknown>,
): StateError {
  const isEarly = [...gathered.failures.values()].some(({ facts }) => facts['reason'] === 'too-soon');
  return votesTooFew(run.deciders.needed, what, gathered, {
    hint: isEarly
      ? 'servers enter a new try every ten minutes: go on then'
      : `go on when the others answer; the key signs as before meanwhile${strictHint(run)}`,
    remedy: { kind: 'resumeSession', id: shortId(run.orderHash) },
  });
}

/** What no waiting ends: nothing takes from a strict key that so many of its servers decide. */
function strictHint({ before: { params }, deciders, record: { byWords } }: ChangeRun): string {
  if (byWords) return '';
  if (!params.flags.strict) return '';
  return `; it was made strict, so that ${deciders.needed} of its ${params.quorum.of} servers have to decide: with fewer left for good, have fewer decide by the words, or make a new key`;
}
