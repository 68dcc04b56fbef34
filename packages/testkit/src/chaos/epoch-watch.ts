import { type FunctionName, type Parameters, type Result, sharesIn } from '@ckm/api';
import { encodeHex } from '@ckm/foundation';
import { parseStatement, type PromiseStatement, type Statement, type YieldStatement } from '@ckm/threshold';
import type { ChaosServer } from './chaos-server.js';
import type { Exchange, Opened } from './exchange.js';

/**
 * Watches what servers say of the epochs of keys, and do in them, for what none may ever do:
 * - go over to another certificate of an epoch than somebody else did (V33);
 * - give a share in an epoch that is over there, or while the key is frozen there, unless its database was put back since;
 * - say two things in one place of a decision, or forget what it gave way to, whatever became of its database (L14).
 */
export interface EpochWatch {
  see(exchange: Exchange, opened: Opened, now: number): void;
  /** How many epochs began that were not the first of their key. */
  epochs(): number;
}

/** Something a server said that holds from then on. */
interface Said {
  /** As the observer counts. */
  readonly at: number;
  /** How often the server had lost something by then. */
  readonly setbacks: number;
}

type Vote = 'change.promise' | 'change.lock' | 'change.yield';

export function createEpochWatch(note: (server: ChaosServer, what: string) => void): EpochWatch {
  const certified = new Map<string, string>();
  const reached = new Map<string, Said & { readonly epoch: number }>();
  const frozen = new Map<string, Said & { readonly until: number; readonly thaws: number }>();
  const statements = new Map<string, string>();
  const votes = new Map<string, Statement[]>();

  function seeCommit(
    { server }: Exchange,
    { keyId }: Parameters<'change.commit'>,
    { transcriptHash, epoch, isEntered }: Result<'change.commit'>,
    now: number,
  ): void {
    const name = `${encodeHex(keyId)} ${epoch}`;
    const hash = encodeHex(transcriptHash);
    if ((certified.get(name) ?? hash) !== hash) note(server, `uses another certificate of epoch ${epoch}`);
    certified.set(name, hash);
    const place = `${server.name} ${encodeHex(keyId)}`;
    if (!isEntered || (reached.get(place)?.epoch ?? 0) >= epoch) return;
    reached.set(place, { epoch, at: now, setbacks: server.setbacks });
  }

  function seeFreeze(
    { server }: Exchange,
    { keyId }: Parameters<'key.freeze'>,
    { frozen: stands }: Result<'key.freeze'>,
    now: number,
  ): void {
    if (stands === null) return;
    const { setbacks, thaws } = server;
    frozen.set(`${server.name} ${encodeHex(keyId)}`, { until: stands.until, at: now, setbacks, thaws });
  }

  function seeShare({ server, askedAt }: Exchange, { keyId, epoch }: Parameters<'request.ask'>): void {
    const place = `${server.name} ${encodeHex(keyId)}`;
    const holds = (said: Said | undefined) =>
      said !== undefined && said.at < askedAt && said.setbacks === server.setbacks;
    const over = reached.get(place);
    if (holds(over) && epoch < over!.epoch)
      note(server, `gives a share in epoch ${epoch}, after it went over to ${over!.epoch}`);
    const freeze = frozen.get(place);
    if (holds(freeze) && freeze!.thaws === server.thaws && server.clock() < freeze!.until)
      note(server, 'gives a share with a key that is frozen there');
  }

  function seeVote(server: ChaosServer, { keyId, epoch }: Parameters<Vote>, said: Result<Vote>): void {
    const statement = parseStatement(said.statement);
    const place = `${server.name} ${encodeHex(keyId)} ${epoch}`;
    const spot = `${place} ${statement.kind} ${statement.attempt}`;
    const bytes = encodeHex(said.statement);
    if ((statements.get(spot) ?? bytes) !== bytes) note(server, `says two things: ${spot}`);
    if (statements.has(spot)) return;
    statements.set(spot, bytes);
    const before = votes.get(place) ?? [];
    if (before.some((other) => forgets(statement, other) || forgets(other, statement)))
      note(server, `promises without what it gave way to: ${spot}`);
    votes.set(place, [...before, statement]);
  }

  return {
    epochs: () => certified.size,
    see: (exchange, { name, parameters, result }, now) => {
      if (result === null) return;
      if (name === 'change.commit') seeCommit(exchange, parameters as never, result as never, now);
      if (name === 'key.freeze') seeFreeze(exchange, parameters as never, result as never, now);
      if (isVote(name)) seeVote(exchange.server, parameters as never, result as never);
      if (name === 'request.ask' && sharesIn(result as Result<'request.ask'>).length > 0)
        seeShare(exchange, parameters as never);
    },
  };
}

function isVote(name: FunctionName): name is Vote {
  return name === 'change.promise' || name === 'change.lock' || name === 'change.yield';
}

/** Whether a promise of a later attempt does not name what its member gave way to, or something later. */
function forgets(promise: Statement, yielded: Statement): boolean {
  if (promise.kind !== 'promise' || yielded.kind !== 'yield' || promise.attempt <= yielded.attempt)
    return false;
  return !isKnownTo(promise, yielded);
}

function isKnownTo({ highest }: PromiseStatement, { attempt, next }: YieldStatement): boolean {
  if (highest === null || highest.attempt < attempt) return false;
  return highest.attempt > attempt || encodeHex(highest.next) === encodeHex(next);
}
