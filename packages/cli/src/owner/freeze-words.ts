import type { BoundFreeze, KeyFreeze, ServerFreeze } from '@ckm/client';
import { AvailabilityError, PolicyError } from '@ckm/foundation';
import { formatInstant, unixNow } from '../terminal/instant.js';
import { plainText } from '../terminal/plain-text.js';
import { formatTable } from '../terminal/table.js';

const LEVELS: Record<ServerFreeze['verdict'], 'ok' | 'warn' | 'fail'> = {
  frozen: 'ok',
  open: 'fail',
  lost: 'warn',
  refused: 'fail',
  silent: 'warn',
  unknown: 'warn',
};

/** "Stopped" only where enough servers have it, also of those that may hold the key next. */
function headLine({ name, quorum, servers, stopping, isStopped, until }: KeyFreeze): string {
  const have = servers.filter(({ verdict }) => verdict === 'frozen').length;
  const end = until === null ? '' : ` until ${formatInstant(until, unixNow())}`;
  const count = `${have} of ${quorum.of} servers have it, ${stopping} are needed`;
  return isStopped ? `${name} is stopped${end}: ${count}` : `${name} is NOT yet stopped: ${count}`;
}

/** What came of it, server by server. */
export function freezeText(frozen: KeyFreeze): string {
  const { name, servers, joining, isStopped } = frozen;
  const rows = (some: readonly ServerFreeze[]) =>
    formatTable(
      some.map((one) => [LEVELS[one.verdict], one.server, one.text]),
      '  ',
    );
  return [
    headLine(frozen),
    rows(servers),
    ...(joining.length === 0
      ? []
      : ['  a change of its servers lets in, and these were told too:', rows(joining)]),
    ...unstopped(frozen).map((one) => `  ${mayGoOn(one)}`),
    ...forkText(frozen, rows),
    ...(isStopped ? [`  it ends by itself; before that only their operators end it: ckm thaw ${name}`] : []),
  ].join('\n');
}

/** The same in one line, with what each server says that does not have it. */
export function freezeLine(frozen: KeyFreeze): string {
  const others = toldOf(frozen).filter(({ verdict }) => verdict !== 'frozen');
  return [
    headLine(frozen),
    ...others.map(({ server, text }) => `${server}: ${plainText(text)}`),
    ...unstopped(frozen).map(mayGoOn),
    ...(frozen.fork === null ? [] : [`it is forked: ckm key settle ${frozen.name}`]),
  ].join('; ');
}

/** Everybody who was told. */
function toldOf({ servers, joining, fork }: KeyFreeze): readonly ServerFreeze[] {
  return [...servers, ...joining, ...(fork?.servers ?? [])];
}

function forkText(
  { name, fork }: KeyFreeze,
  rows: (some: readonly ServerFreeze[]) => string,
): readonly string[] {
  if (fork === null) return [];
  const { branches, servers } = fork;
  return [
    `  ${name} is forked: its servers went on by ${branches.length} certificates of one epoch, and some signed twice, who are not counted; settle it: ckm key settle ${name}`,
    ...branches.map(
      ({ quorum: { needed, of }, have, stopping }) =>
        `  by one it is ${needed} of ${of}: ${have} have it, ${stopping} are needed`,
    ),
    ...(servers.length === 0 ? [] : ['  of the others these were told too:', rows(servers)]),
  ];
}

function unstopped({ bound }: KeyFreeze): readonly BoundFreeze[] {
  return bound.filter(({ have, stopping }) => have < stopping);
}

function mayGoOn({ quorum: { needed, of }, have, stopping }: BoundFreeze): string {
  return `its servers are bound to a change to ${needed} of ${of}, which no freeze stops: ${have} of those ${of} have it, ${stopping} are needed`;
}

/** Of those that hold it, of those that may hold it next, or of each certificate that it has forked into. */
function neededBy(frozen: KeyFreeze): string {
  const { servers, stopping, fork } = frozen;
  const [next] = unstopped(frozen);
  const branch = fork?.branches.find((one) => one.have < one.stopping);
  const isOwn = servers.filter(({ verdict }) => verdict === 'frozen').length < stopping;
  if (!isOwn && next !== undefined) return `${next.stopping} of the next servers`;
  if (!isOwn && branch !== undefined) return `${branch.stopping} servers of another certificate of it`;
  return `${stopping} servers`;
}

/** That it is not stopped, as an error. */
export function notStopped(frozen: KeyFreeze): AvailabilityError | PolicyError {
  const { name } = frozen;
  const told = toldOf(frozen);
  const refusing = told.find(({ verdict }) => verdict === 'refused');
  const facts = {
    servers: told.filter(({ verdict }) => verdict !== 'frozen').map(({ server }) => server),
  };
  const remedy = { kind: 'freezeKey', key: name } as const;
  const text = `${name} is NOT yet stopped: ${neededBy(frozen)} have to be told`;
  if (refusing === undefined)
    return new AvailabilityError(text, {
      code: 'KEY_NOT_FROZEN',
      hint: 'tell those that do not answer again, until it says that the key is stopped',
      remedy,
      facts,
    });
  return new PolicyError(`${text}; ${refusing.server} refuses`, {
    code: 'KEY_NOT_FROZEN',
    hint: `${refusing.text}: ask its operator to allow nothing for the key`,
    facts,
  });
}
