import { equalBytes, StateError } from '@ckm/foundation';
import { sshFingerprint } from '@ckm/requests';
import { lstat, unlink } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import {
  AGENT_FAILURE,
  AGENT_SUCCESS,
  AgentFrames,
  type AgentRequest,
  encodeIdentities,
  encodeSignature,
  parseAgentRequest,
} from './agent-wire.js';
import { type BoundSessions, createBoundSessions, type Hop } from './bound-sessions.js';
import { createConnections } from './connections.js';
import { createTurns } from './turns.js';
import { listenPrivately } from '../home/listen-privately.js';

/** A key as an agent offers it. */
export interface AgentKey {
  /** SSH public key blob. */
  readonly blob: Uint8Array;
  readonly comment: string;
  /**
   * The SSH signature blob over exactly `data`; null: who asked has ended before anybody was asked. Rejects when the quorum or a
   * policy says no.
   */
  sign(data: Uint8Array, asker: Asker): Promise<Uint8Array | null>;
}

/** A program that wants a signature. */
export interface Asker {
  /** The SSH servers over which the agent was handed on to it, the nearest first; none: it runs here. */
  readonly hops: readonly Hop[];
  /** Whether it still waits for its answer. */
  isThere(): Promise<boolean>;
}

export interface AgentOptions {
  readonly socketPath: string;
  readonly keys: readonly AgentKey[];
  /** A signature that was not given. */
  readonly onRefusal: (key: AgentKey, reason: unknown) => void;
  /** Whatever else was answered with a failure: what somebody wanted, for people. May hold any character. */
  readonly onDenial: (what: string) => void;
}

export interface RunningAgent {
  readonly socketPath: string;
  close(): Promise<void>;
}

/** Connections up to which nobody has to give way. */
const MOST_CONNECTIONS = 512;
/** Signatures that are asked of the quorum at once: some may wait for people. */
const MOST_SIGNATURES = 32;

/**
 * An OpenSSH agent on a Unix socket that only its owner can reach. It holds no key: each signature is asked of `keys`.
 * A request that fails is answered with a failure and told; the agent goes on.
 * @throws StateError `AGENT_SOCKET_BUSY` when another agent answers there.
 */
export async function startAgent(options: AgentOptions): Promise<RunningAgent> {
  const { socketPath } = options;
  await removeDeadSocket(socketPath);
  const connections = createConnections(MOST_CONNECTIONS);
  const inTurn = createTurns(MOST_SIGNATURES);
  // Who asks and then closes its half waits for the answer.
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const connection = connections.open(socket);
    const sessions = createBoundSessions();
    const answer = async (message: Uint8Array) => {
      connections.asked(connection);
      connection.isBusy = true;
      const request = parseAgentRequest(message);
      const answered = await answerTo(request, { ...options, socket, sessions, inTurn });
      connection.isBusy = false;
      return answered;
    };
    socket.on('error', () => socket.destroy());
    serve(socket, answer, options.onDenial).catch(() => socket.destroy());
  });
  await listenPrivately(server, socketPath);
  return {
    socketPath,
    close: () => {
      connections.closeAll();
      return new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
      });
    },
  };
}

/** One connection's answers come in the order of its requests, which is all that tells them apart. */
async function serve(
  socket: Socket,
  answer: (message: Uint8Array) => Promise<Uint8Array>,
  onDenial: AgentOptions['onDenial'],
): Promise<void> {
  const frames = new AgentFrames();
  for await (const chunk of socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    const messages = frames.push(chunk);
    if (messages === null) {
      onDenial('something sent what is no message of an agent');
      socket.destroy();
      return;
    }
    for (const message of messages) await write(socket, await answer(message));
  }
  socket.end();
}

/** Returns when it is out: what somebody does not read is not followed by more. */
function write(socket: Socket, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.write(bytes, (error) => {
      if (error === null || error === undefined) resolve();
      else reject(error);
    });
  });
}

/** One who closes half of a connection waits for the answer; where all of it is closed, even nothing cannot be written. */
function isAttended(socket: Socket): Promise<boolean> {
  return write(socket, new Uint8Array()).then(
    () => true,
    () => false,
  );
}

interface Asked extends AgentOptions {
  readonly socket: Socket;
  readonly sessions: BoundSessions;
  readonly inTurn: ReturnType<typeof createTurns>;
}

async function answerTo(request: AgentRequest, asked: Asked): Promise<Uint8Array> {
  if (request.type === 'identities') return encodeIdentities(asked.keys);
  if (request.type === 'sign') return answerSigning(request, asked);
  const denial = denialOf(request, asked.sessions);
  if (denial === null) return AGENT_SUCCESS;
  asked.onDenial(denial);
  return AGENT_FAILURE;
}

/** Why something else than a list or a signature is not done, for people; null: it is. */
function denialOf(
  request: Exclude<AgentRequest, { type: 'identities' | 'sign' }>,
  sessions: BoundSessions,
): string | null {
  if (request.type === 'other') return otherWish(request.number);
  if (request.type === 'extension')
    return `a program wanted the extension “${request.name}”, which this agent does not have`;
  const reason = sessions.bind(request);
  return reason === null ? null : `a program bound its connection to an SSH session: ${reason}`;
}

async function answerSigning(
  { keyBlob, data }: Extract<AgentRequest, { type: 'sign' }>,
  { keys, socket, sessions, inTurn, onRefusal, onDenial }: Asked,
): Promise<Uint8Array> {
  const key = keys.find(({ blob }) => equalBytes(blob, keyBlob));
  const objection =
    key === undefined ? `the key ${sshFingerprint(keyBlob)} is not offered here` : sessions.objectionTo(data);
  if (key === undefined || objection !== null) {
    onDenial(`a program wanted a signature: ${objection}`);
    return AGENT_FAILURE;
  }
  try {
    return await inTurn(async () => {
      const asker = { hops: sessions.hops(), isThere: () => isAttended(socket) };
      // Nobody is asked for a signature that has nowhere to go.
      const signature = (await asker.isThere()) ? await key.sign(data, asker) : null;
      if (signature !== null) return encodeSignature(signature);
      onDenial(`a program that has ended wanted a signature of ${key.comment}: nobody was asked`);
      return AGENT_FAILURE;
    });
  } catch (reason) {
    onRefusal(key, reason);
    return AGENT_FAILURE;
  }
}

/** What is asked of agents that keep keys themselves. Source: draft-ietf-sshm-ssh-agent §5.1. */
const OTHER_WISHES: Readonly<Record<number, string>> = {
  17: 'add a key',
  18: 'remove a key',
  19: 'remove all keys',
  20: 'add a key of a card',
  21: 'remove a key of a card',
  22: 'lock the agent',
  23: 'unlock the agent',
  25: 'add a key',
  26: 'add a key of a card',
};

function otherWish(number: number | null): string {
  if (number === null) return 'a program sent a request that cannot be read';
  const wish = OTHER_WISHES[number];
  return wish === undefined
    ? `a program sent a request of an unknown kind (${number})`
    : `a program wanted to ${wish}, which this agent does not do: its keys are with your servers`;
}

async function removeDeadSocket(path: string): Promise<void> {
  const found = await lstat(path).catch(() => null);
  if (found === null) return;
  if (!found.isSocket() || (await isAnswered(path))) {
    throw new StateError(`something else is at ${path}`, {
      code: 'AGENT_SOCKET_BUSY',
      hint: 'choose another path with --socket, or stop the agent that is there',
    });
  }
  await unlink(path);
}

function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', () => {
      resolve(false);
    });
  });
}
