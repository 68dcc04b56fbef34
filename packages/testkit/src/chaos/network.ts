import { setImmediate as turn } from 'node:timers/promises';
import { type HttpReply, type HttpSend, unreachable } from '@ckm/client';
import { encodeUtf8 } from '@ckm/foundation';
import type { Identity } from '@ckm/gordian';
import type { ChaosServer } from './chaos-server.js';
import { Crash, type CrashPoint } from './crash-point.js';
import type { Observer } from './observer.js';
import type { Seeded } from './seeded.js';

/** What can happen to one message. The numbers say how often, in a hundred. */
const FAULTS = {
  'lose the question': 4,
  'lose the answer': 5,
  'bring it twice': 4,
  'bring it again later': 3,
  'hold it up': 8,
  'crash the server soon': 3,
  'restart from an older database': 1,
  'keep a backup': 1,
  'lose a share': 1,
  'move a clock': 1,
} as const;
type Fault = keyof typeof FAULTS;

/** How many further messages a dead server stays dead for, at most. */
const LONGEST_ABSENCE = 12;
/** After how many further steps a server crashes, at most: within this message, or within one of the next. */
const MOST_STEPS_TO_CRASH = 60;
/** Within what servers tolerate, and rarely beyond. */
const SKEWS = [-50, -20, 0, 20, 50, 200] as const;

export interface Network {
  /** The way of one client to all servers; it is gone with the client. */
  senderOf(owner: (server: ChaosServer) => Identity, crashPoint: CrashPoint): HttpSend;
  /** From now on nothing goes wrong any more. */
  stopFaults(): Promise<void>;
  /** What went wrong, how often. */
  readonly faults: Map<string, number>;
}

export interface NetworkOptions {
  readonly servers: readonly ChaosServer[];
  readonly seeded: Seeded;
  readonly observer: Observer;
  readonly tick: () => void;
  readonly crashed: (server: ChaosServer, error: unknown) => void;
}

export function createNetwork({ servers, seeded, observer, tick, crashed }: NetworkOptions): Network {
  let isOver = false;
  const faults = new Map<string, number>();
  const absences = new Map<ChaosServer, number>();
  const late: { readonly server: ChaosServer; readonly bytes: Uint8Array }[] = [];

  // Some schedules are nearly quiet and get far, others get nowhere.
  const mildness = seeded.pick([1, 1, 2, 4, 8]);

  function drawFault(): Fault | null {
    if (isOver || !seeded.oneIn(mildness)) return null;
    let number = seeded.below(100);
    for (const [fault, share] of Object.entries(FAULTS) as [Fault, number][]) {
      if (number < share) {
        faults.set(fault, (faults.get(fault) ?? 0) + 1);
        return fault;
      }
      number -= share;
    }
    return null;
  }

  /** Starts a server whose time has come; a start may crash too. */
  async function wake(server: ChaosServer): Promise<void> {
    if (server.isUp()) return;
    const left = absences.get(server) ?? seeded.below(LONGEST_ABSENCE);
    absences.set(server, left - 1);
    if (left > 0 && !isOver) return;
    absences.delete(server);
    if (!isOver && seeded.oneIn(5)) server.endWithin(seeded.below(20));
    await start(server);
  }

  async function start(server: ChaosServer, how = () => server.start()): Promise<void> {
    try {
      await how();
    } catch (error) {
      if (!(error instanceof Crash)) crashed(server, error);
    }
  }

  async function shake(server: ChaosServer, fault: Fault): Promise<void> {
    if (fault === 'crash the server soon') server.endWithin(seeded.below(MOST_STEPS_TO_CRASH));
    if (fault === 'move a clock') server.skew = seeded.pick(SKEWS);
    if (fault === 'keep a backup') await start(server, () => server.restartAfter('backup'));
    if (fault === 'restart from an older database') await start(server, () => server.restartAfter('restore'));
    if (fault === 'lose a share') await start(server, () => server.restartAfter('loss'));
  }

  async function carry(server: ChaosServer, owner: Identity, bytes: Uint8Array): Promise<HttpReply> {
    await wake(server);
    const askedAt = observer.moment();
    const { status, body } = await server.receive(bytes);
    if (status === 200) observer.see({ server, owner, request: bytes, reply: body, askedAt });
    return { status, contentType: 'application/octet-stream', body };
  }

  /** What nobody waits for. */
  function forget(work: Promise<unknown>): void {
    work.catch(() => undefined);
  }

  async function bring(server: ChaosServer, owner: Identity, bytes: Uint8Array): Promise<HttpReply> {
    const fault = drawFault();
    for (const old of late.splice(0)) {
      if (seeded.oneIn(2)) forget(carry(old.server, owner, old.bytes));
      else late.push(old);
    }
    if (fault === 'lose the question') throw new Crash('the question was lost');
    if (fault === 'hold it up') for (let turns = seeded.below(40); turns > 0; turns--) await turn();
    if (fault === 'bring it again later') late.push({ server, bytes });
    if (fault !== null) await shake(server, fault);
    if (fault === 'bring it twice') forget(carry(server, owner, bytes));
    const reply = await carry(server, owner, bytes);
    if (fault === 'lose the answer') throw new Crash('the answer was lost');
    return reply;
  }

  return {
    faults,
    senderOf: (ownerAt, crashPoint) => async (url, request) => {
      crashPoint.step();
      tick();
      const server = servers.find((one) => one.url === url)!;
      try {
        if (request.method === 'GET') {
          await wake(server);
          if (!server.isUp()) throw new Crash('no answer');
          return card(server);
        }
        return await bring(server, ownerAt(server), request.body!);
      } catch (error) {
        if (!(error instanceof Crash)) throw error;
        throw unreachable(url, error);
      } finally {
        crashPoint.step();
      }
    },
    stopFaults: async () => {
      isOver = true;
      late.length = 0;
      for (const server of servers) {
        server.endWithin(Number.POSITIVE_INFINITY);
        server.skew = 0;
        await start(server);
      }
    },
  };
}

function card(server: ChaosServer): HttpReply {
  const body = encodeUtf8(JSON.stringify(server.open().card));
  return { status: 200, contentType: 'application/json', body };
}
