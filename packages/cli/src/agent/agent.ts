import { equalBytes, StateError } from '@ckm/foundation';
import { lstat, unlink } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import {
  AGENT_FAILURE,
  AGENT_SUCCESS,
  AgentFrames,
  encodeIdentities,
  encodeSignature,
  parseAgentRequest,
} from './agent-wire.js';
import { listenPrivately } from '../home/listen-privately.js';

/** A key as an agent offers it. */
export interface AgentKey {
  /** SSH public key blob. */
  readonly blob: Uint8Array;
  readonly comment: string;
  /** The SSH signature blob over exactly `data`. Rejects when the quorum or a policy says no. */
  sign(data: Uint8Array): Promise<Uint8Array>;
}

export interface RunningAgent {
  readonly socketPath: string;
  close(): Promise<void>;
}

/** More programs than this at once are not served. */
const MAX_CONNECTIONS = 32;

/**
 * An OpenSSH agent on a Unix socket that only its owner can reach. It holds no key: each signature is asked of `keys`.
 * A request that fails is answered with a failure and told to `onRefusal`; the agent goes on.
 * @throws StateError `AGENT_SOCKET_BUSY` when another agent answers there.
 */
export async function startAgent(args: {
  readonly socketPath: string;
  readonly keys: readonly AgentKey[];
  readonly onRefusal: (key: AgentKey, reason: unknown) => void;
}): Promise<RunningAgent> {
  await removeDeadSocket(args.socketPath);
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    serve(socket, args);
  });
  server.maxConnections = MAX_CONNECTIONS;
  await listenPrivately(server, args.socketPath);
  return {
    socketPath: args.socketPath,
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
      });
    },
  };
}

function serve(socket: Socket, args: Parameters<typeof startAgent>[0]): void {
  const frames = new AgentFrames();
  let last: Promise<void> = Promise.resolve();
  const reply = async (message: Uint8Array) => {
    const answer = await answerTo(message, args);
    if (socket.writable) socket.write(answer);
  };
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk) => {
    const messages = frames.push(chunk);
    if (messages === null) {
      socket.destroy();
      return;
    }
    // One connection's answers come in the order of its requests, which is all that tells them apart.
    for (const message of messages) last = last.then(() => reply(message));
  });
}

async function answerTo(
  message: Uint8Array,
  { keys, onRefusal }: Parameters<typeof startAgent>[0],
): Promise<Uint8Array> {
  const request = parseAgentRequest(message);
  if (request.type === 'identities') return encodeIdentities(keys);
  // A binding restricts forwarded agents; what is signed says itself to which host it belongs.
  if (request.type === 'extension' && request.name === 'session-bind@openssh.com') return AGENT_SUCCESS;
  if (request.type !== 'sign') return AGENT_FAILURE;
  const key = keys.find(({ blob }) => equalBytes(blob, request.keyBlob));
  if (key === undefined) return AGENT_FAILURE;
  try {
    return encodeSignature(await key.sign(request.data));
  } catch (reason) {
    onRefusal(key, reason);
    return AGENT_FAILURE;
  }
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
