import type { PeopleAsked } from '@ckm/api';
import { type CkmError, PolicyError } from '@ckm/foundation';
import type { ServerRefusal } from '../progress/progress.js';
import { namesOf } from '../servers/ask-all.js';
import { listed } from '../servers/faults.js';
import { type Refusal, type SignRun, thoseThatAre } from './sign-job.js';

const CODE = 'REQUEST_REJECTED';

/** The operators who said no, each once, in the order of their servers. */
export function rejections({ refusals }: Pick<SignRun, 'refusals'>): readonly Refusal[] {
  const said = new Map(
    refusals.filter(({ error }) => error.code === CODE).map((one) => [one.participant.slot, one]),
  );
  return [...said.values()].toSorted((a, b) => a.participant.slot - b.participant.slot);
}

/** What an operator wrote with a no; empty when nothing. */
export function reasonIn({ facts }: CkmError): string {
  const { reason } = facts;
  return typeof reason === 'string' ? reason : '';
}

/** The servers that refuse although nobody there has decided anything, each once, in the order of their slots. */
export function refusalsByRule({ refusals }: Pick<SignRun, 'refusals'>): readonly ServerRefusal[] {
  const said = new Map(
    refusals.filter(({ error }) => error.code !== CODE).map((one) => [one.participant.slot, one]),
  );
  return [...said.values()]
    .toSorted((a, b) => a.participant.slot - b.participant.slot)
    .map(({ participant, error }) => {
      const { name } = participant.server;
      return { server: name, reason: error.message.replace(`server ${name}: `, ''), code: error.code };
    });
}

/** Whether nothing can come of a request any more because operators said no. */
export function isRejection(error: unknown): error is PolicyError {
  return error instanceof PolicyError && error.code === CODE;
}

/** Servers where a rejected request may still stand before an operator, or wait for others after his yes. */
export function leftByRejection(run: SignRun) {
  return thoseThatAre(run, 'open', 'asked', 'waiting', 'silent');
}

/** A no of people whom the terms of the key ask: a server that hears it ends the request. */
export function rejectedByPeople(
  { no: names, reasons = [] }: Pick<PeopleAsked, 'no' | 'reasons'>,
  facts: CkmError['facts'],
): PolicyError {
  const said = names.map((name) => {
    const reason = reasons.find((one) => one.name === name)?.reason;
    return reason === undefined ? name : `${name} (“${reason}”)`;
  });
  return new PolicyError(`${listed(said)} said no to the request`, {
    code: CODE,
    hint: `talk to ${listed(names)}, then ask again`,
    retryable: false,
    facts: { ...facts, people: [...names] },
  });
}

/** Too many operators said no: all of them, and where the request is taken back. */
export function rejectedBy(run: SignRun, all: readonly Refusal[]): PolicyError {
  const said = all.map(({ participant, error }) => {
    const reason = reasonIn(error);
    return `${participant.server.name}${reason === '' ? '' : ` (“${reason}”)`}`;
  });
  const back = namesOf(leftByRejection(run));
  const undone = back.length === 0 ? '' : `; the request is taken back from ${listed(back)}`;
  const [only, ...more] = all;
  if (only !== undefined && all.every(({ error }) => error.facts['people'] !== undefined))
    return byPeople(only.error, undone);
  const what =
    only === undefined || more.length > 0
      ? `too few operators agree: ${listed(said)} said no`
      : only.error.message;
  return new PolicyError(what, {
    code: CODE,
    hint: `talk to ${more.length === 0 ? 'that operator' : 'them'}, then ask again${undone}`,
    retryable: false,
    facts: { servers: all.map(({ participant }) => participant.server.name) },
  });
}

/** What people said is the same at all servers. */
function byPeople({ message, hint, facts }: CkmError, undone: string): PolicyError {
  return new PolicyError(message, { code: CODE, hint: `${hint}${undone}`, retryable: false, facts });
}
