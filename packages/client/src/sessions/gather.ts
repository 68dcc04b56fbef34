import { AvailabilityError, CkmError, encodeHex } from '@ckm/foundation';
import { isForgotten } from '../carrier/server-link.js';
import { askAll, namesOf, type Participant } from '../servers/ask-all.js';
import { causeOf } from '../servers/causes.js';
import { clocksDiffer, judgeClocks } from '../servers/clock-difference.js';
import { listed } from '../servers/faults.js';
import { pause } from '../servers/pause.js';
import { shortId } from '../store/track.js';
import { judgeAccusation } from './accusations.js';
import type { Gathering } from './ceremony.js';
import { reportStep, type SessionRun } from './session-run.js';

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 1_000;

/**
 * Asks whoever is missing until nobody is, or until the patience of one timeout is used up.
 * @throws AvailabilityError `SERVERS_MISSING`; whatever a server is at fault for, or refuses
 */
export async function gather(run: SessionRun, { step, missing, ask }: Gathering): Promise<void> {
  let patienceMs = run.context.timeoutMs;
  let pauseMs = FIRST_PAUSE_MS;
  reportStep(run, step, missing());
  while (missing().length > 0) {
    const before = missing();
    const { silent } = await askAll(
      before,
      (participant) =>
        ask(participant, run.links.get(participant)!).catch(async (error: unknown) => {
          throw await judgeRefusal(run, participant, error);
        }),
      () => {
        reportStep(run, step, missing());
      },
    );
    const after = missing();
    if (after.length === 0) return;
    // No patience sets a clock.
    const clocks = clockDifference(run, silent);
    if (clocks !== null) throw clocks;
    const timedOut = [...silent.values()].some(({ code }) => code === 'SERVER_TIMEOUT');
    patienceMs = after.length < before.length ? run.context.timeoutMs : patienceMs - pauseMs;
    if (timedOut || patienceMs <= 0) throw serversMissing(run, after, silent);
    await pause(pauseMs);
    pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
  }
}

/** A refusal that blames somebody is an accusation like any other. */
async function judgeRefusal(run: SessionRun, accuser: Participant, error: unknown): Promise<unknown> {
  const isAccusing =
    error instanceof CkmError &&
    error.facts['server'] === accuser.server.name &&
    /^(FAULT|SUSPECT)_/.test(error.code);
  if (!isAccusing) return error;
  const culprits = error.facts['culprits'];
  const slots = Array.isArray(culprits) ? culprits.map(Number) : [];
  return judgeAccusation(run, { accuser, code: error.code, culprits: slots });
}

/** Whose clock is wrong, where that is why a server takes no message. */
function clockDifference(
  { context, session: { sessionId } }: SessionRun,
  silent: ReadonlyMap<Participant, CkmError>,
): AvailabilityError | null {
  if (![...silent.values()].some(({ code }) => code === 'CLOCK_DIFFERS')) return null;
  const difference = judgeClocks(context.clockOffsets());
  return difference === null
    ? null
    : clocksDiffer(difference, { kind: 'resumeSession', id: shortId(sessionId) });
}

function serversMissing(
  run: SessionRun,
  missing: readonly Participant[],
  silent: ReadonlyMap<Participant, CkmError>,
): AvailabilityError {
  const names = namesOf(missing);
  const id = shortId(run.session.sessionId);
  const forgetful = missing.find((participant) => isForgotten(silent.get(participant) ?? null));
  if (forgetful !== undefined) return forgotten(run, forgetful, names);
  if (missing.every((participant) => run.undecided.has(participant))) return undecided(run, names);
  const why = whyMissing(missing, silent);
  return new AvailabilityError(`still waiting for ${listed(names)}${why === '' ? '' : `: ${why}`}`, {
    code: 'SERVERS_MISSING',
    hint: 'nothing is lost: go on when all servers run',
    remedy: { kind: 'resumeSession', id },
    facts: { servers: names, session: encodeHex(run.session.sessionId) },
  });
}

/** They have been asked, and people take their time. */
function undecided({ session: { sessionId } }: SessionRun, names: readonly string[]): AvailabilityError {
  const [whose, has] = names.length === 1 ? ['operator', 'has'] : ['operators', 'have'];
  return new AvailabilityError(`the ${whose} of ${listed(names)} ${has} not decided yet`, {
    code: 'SERVERS_MISSING',
    hint: 'nothing is lost: go on when they have',
    remedy: { kind: 'resumeSession', id: shortId(sessionId) },
    facts: { servers: [...names], session: encodeHex(sessionId) },
  });
}

/** In the words of the one that is missing; of several, in short. Who has not decided yet has said nothing. */
function whyMissing(missing: readonly Participant[], silent: ReadonlyMap<Participant, CkmError>): string {
  const errors = missing.flatMap((one) => {
    const error = silent.get(one);
    return error === undefined ? [] : [{ name: one.server.name, error }];
  });
  if (errors.length === 1) return errors[0]!.error.message;
  return errors.map(({ name, error }) => `${name} ${causeOf(error)}`).join(', ');
}

/**
 * One that lost its accounts does not know us by itself again. Anybody on the way could have said so: nothing is given up
 * for it, and our owner looks.
 */
function forgotten(
  { session: { sessionId } }: SessionRun,
  { server: { name, url } }: Participant,
  servers: readonly string[],
): AvailabilityError {
  return new AvailabilityError(`still waiting for ${listed(servers)}: ${name} does not know you any more`, {
    code: 'SERVERS_MISSING',
    hint: 'nothing is lost: add that server again, then go on',
    remedy: { kind: 'addServer', name, url },
    facts: { servers, session: encodeHex(sessionId), forgotten: name },
  });
}
