import type { RequestReply } from '@ckm/api';
import {
  AvailabilityError,
  type CkmError,
  PeerFaultError,
  PolicyError,
  type Remedy,
  StateError,
} from '@ckm/foundation';
import { isForgotten } from '../carrier/server-link.js';
import { isOtherEpoch } from '../keys/changes/catch-up.js';
import type { RequestRecord } from '../requests/request-record.js';
import { namesOf, type Participant } from '../servers/ask-all.js';
import { causeOf } from '../servers/causes.js';
import { clocksDiffer, judgeClocks } from '../servers/clock-difference.js';
import { listed } from '../servers/faults.js';
import { shortId } from '../store/track.js';
import { peopleWaits, waitsText } from './people.js';
import { rejectedBy, rejectedByPeople, rejections } from './rejections.js';
import { bySlot, type Refusal, type SignRun, thoseThatAre } from './sign-job.js';

/** A server's answer that is a no. */
export function refusalFrom({ server }: Participant, { state, reason, people }: RequestReply): CkmError {
  const because = reason === null || reason === '' ? '' : `: ${reason}`;
  const facts = { server: server.name, ...(reason === null ? {} : { reason }) };
  if (state === 'rejected' && people !== undefined && people.no.length > 0)
    return rejectedByPeople(people, facts);
  if (state === 'rejected') {
    return new PolicyError(`${server.name} rejected the request${because}`, {
      code: 'REQUEST_REJECTED',
      hint: `talk to the operator of ${server.name}, then ask again`,
      retryable: false,
      facts,
    });
  }
  return new StateError(`the request on ${server.name} is ${state}${because}`, {
    code: state === 'expired' ? 'REQUEST_EXPIRED' : 'REQUEST_CANCELLED',
    hint: 'ask again',
    facts,
  });
}

/** Why no signature comes out: the reason somebody can act on, and everybody's part in it. */
export function tooFewServers(run: SignRun): CkmError {
  const { needed } = run.key.public.quorum;
  const spare = run.participants.length - needed;
  const noes = rejections(run);
  if (noes.length > spare) return rejectedBy(run, noes);
  const ofEpoch = run.refusals.find(({ error }) => isOtherEpoch(error.code));
  // It says more than what others make up before it is heard.
  const refusal = ofEpoch ?? run.refusals[0];
  const refusing = new Set(run.refusals.map(({ participant }) => participant));
  if (refusal !== undefined && noes.length === 0 && refusing.size > spare) return refusal.error;
  const clocks = clockDifference(run, spare);
  if (clocks !== null) return clocks;
  const faulty = bySlot(thoseThatAre(run, 'faulty'));
  if (faulty.length > 0 && run.silences.length === 0 && run.refusals.length === 0)
    return onlyFaults(run, faulty);
  const each = [
    ...bySlot(thoseThatAre(run, 'silent')).map((one) => told(one, run.silences, 'does not answer')),
    ...bySlot(thoseThatAre(run, 'refused')).map((one) => told(one, run.refusals, 'refuses')),
    ...faulty.map(({ server }) => `${server.name} misbehaves`),
  ];
  return new AvailabilityError(`too few servers can sign, ${needed} are needed: ${each.join(', ')}`, {
    code: 'TOO_FEW_SERVERS',
    ...wayOn(run),
    facts: {
      needed,
      servers: [...run.silences, ...run.refusals].map(({ participant }) => participant.server.name),
      ...(ofEpoch === undefined ? {} : { isOtherEpoch: true }),
    },
    cause: run.silences[0]?.error ?? refusal?.error,
  });
}

/** @param otherwise what it does when there is no error that says why */
function told(one: Participant, errors: readonly Refusal[], otherwise: string): string {
  const found = errors.findLast(({ participant }) => participant === one);
  return `${one.server.name} ${found === undefined ? otherwise : causeOf(found.error)}`;
}

/** Whose clock is wrong, where that alone leaves too few. @param spare how many may be missing */
function clockDifference({ context, silences, key }: SignRun, spare: number): CkmError | null {
  const unheard = silences.filter(({ error }) => error.code === 'CLOCK_DIFFERS');
  if (new Set(unheard.map(({ participant }) => participant)).size <= spare) return null;
  const difference = judgeClocks(context.clockOffsets());
  if (difference === null) return null;
  const text = `too few servers can sign, ${key.public.quorum.needed} are needed: ${difference.text}`;
  return clocksDiffer({ ...difference, text });
}

/** One that says it does not know us: it may have lost its accounts, and does not know us by itself again. */
function forgetful({ silences }: SignRun): Refusal | undefined {
  return silences.find(({ error }) => isForgotten(error));
}

function wayOn(run: SignRun): { readonly hint: string; readonly remedy: Remedy } {
  const forgotten = forgetful(run)?.participant.server;
  if (forgotten === undefined)
    return { hint: 'look at each of them, then ask again', remedy: { kind: 'diagnose' } };
  const { name, url } = forgotten;
  return { hint: 'add that server again, then ask again', remedy: { kind: 'addServer', name, url } };
}

function onlyFaults(run: SignRun, faulty: readonly Participant[]): PeerFaultError {
  const names = namesOf(faulty);
  const { code, evidence } = run.faults[0]!;
  return new PeerFaultError(`${listed(names)} ${whatTheyDid(code)}; too few others are left`, {
    code,
    hint:
      code === 'SUSPECT_NONCES_LOST'
        ? NONCES_LOST_HINT
        : `ask the operator of ${listed(names)}; what was seen is kept for your own eyes`,
    facts: { servers: names, culprits: faulty.map(({ slot }) => slot), evidence },
  });
}

/** Commitments are known to the process that made them: replicas without affinity look like a server that forgets. */
const NONCES_LOST_HINT =
  'ask its operator: where a server runs as several processes, its proxy has to keep a client at one of them, by CKM-Route';

function whatTheyDid(code: string): string {
  return code.startsWith('SUSPECT_') ? 'forgot commitments again and again' : 'sent what does not match';
}

/** Too few have signed, and enough others wait for their operators. */
export function requestWaiting(run: SignRun): PolicyError {
  const names = namesOf(bySlot(thoseThatAre(run, 'waiting')));
  const id = shortId(run.requestId);
  const waits = peopleWaits(run);
  const whom = waits.length === 0 ? `a person at ${listed(names)}` : waitsText(waits);
  return new PolicyError(`the request waits for ${whom}`, {
    code: 'REQUEST_WAITING',
    hint: 'go on with it when it is approved',
    remedy: { kind: 'resumeRequest', id },
    facts: { session: id, servers: names, expiresAt: run.expiresAt },
  });
}

/** Names are given to other keys, and an older record can be put back: a request never goes on with another key. */
export function keyDiffers({ requestId, keyName }: RequestRecord): StateError {
  const id = shortId(requestId);
  return new StateError(`request ${id} was for another key than the one that is called ${keyName} now`, {
    code: 'REQUEST_KEY_DIFFERS',
    hint: 'cancel it, and ask anew',
    remedy: { kind: 'cancelRequest', id },
    retryable: false,
  });
}
