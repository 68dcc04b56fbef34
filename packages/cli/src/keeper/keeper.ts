import { reveal, type Secret, wipe } from '@ckm/foundation';
import { lstatSync } from 'node:fs';
import { lstat, unlink } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { listenPrivately } from '../home/listen-privately.js';

/** An open seed that is kept for a while, so that its passphrase is not asked for again. */
export interface Keeper {
  /** Resolves when the seed is wiped and nobody is answered any more. */
  readonly ended: Promise<void>;
  end(): void;
}

export interface KeeperOptions {
  readonly socketPath: string;
  /** An owner seed of 32 bytes, or a device as bytes; wiped when the keeper ends, however it ends. */
  readonly seed: Secret<Uint8Array>;
  readonly lifetimeMs: number;
  /** Milliseconds that only ever go up, whatever is done to the clock. */
  readonly monotonic?: () => number;
  /** Milliseconds of the clock on the wall: a leap against {@link KeeperOptions.monotonic} means that the machine slept. */
  readonly wall?: () => number;
}

const TICK_MS = 1_000;
/** A wall clock this far ahead of the steps of a running machine: it was suspended, or somebody set the clock. */
const LEAP_MS = 10_000;
const MOST_CONNECTIONS = 16;
const MOST_QUESTION_BYTES = 16;
const LONGEST_QUESTION_MS = 1_000;

/**
 * Answers on a socket that only its owner can reach: `seed` with the seed, `left` with the seconds that are left, `lock` by
 * ending. It ends by itself after its time, measured by a clock that nobody can set, and when the machine was suspended.
 * Secrecy: whoever acts as this user, or takes the machine while it is unlocked, gets the seed, as from any agent.
 * @throws whatever the socket cannot be opened for
 */
export async function startKeeper(options: KeeperOptions): Promise<Keeper> {
  const { socketPath, seed, lifetimeMs } = options;
  const monotonic = options.monotonic ?? (() => performance.now());
  const wall = options.wall ?? (() => Date.now());
  const [began, beganWall] = [monotonic(), wall()];
  const sockets = new Set<Socket>();
  let finish: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => (finish = resolve));
  // Against the last look, not the first: a wall clock that was set back would hide a suspend for as long as it was set back.
  let last = { monotonic: began, wall: beganWall };
  let hasSlept = false;
  const look = () => {
    const now = { monotonic: monotonic(), wall: wall() };
    hasSlept ||= now.wall - last.wall - (now.monotonic - last.monotonic) > LEAP_MS;
    last = now;
  };
  const leftMs = () => {
    look();
    return hasSlept ? 0 : lifetimeMs - (last.monotonic - began);
  };
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    answer(socket, { seed: () => (leftMs() > 0 ? seed : null), leftMs, lock: end });
  });
  server.maxConnections = MOST_CONNECTIONS;
  const timer = setInterval(() => {
    if (leftMs() <= 0 || (inode !== null && inodeOf(socketPath) !== inode)) end();
  }, TICK_MS);
  const alarm = setTimeout(end, lifetimeMs);
  // Nobody reaches a keeper any more whose socket was taken away or replaced: no command could end it.
  let inode: number | null = null;
  let isOver = false;
  function end(): void {
    if (isOver) return;
    isOver = true;
    clearInterval(timer);
    clearTimeout(alarm);
    wipe(seed);
    server.close(() => {
      finish();
    });
    for (const socket of sockets) socket.end();
  }
  try {
    await listen(server, socketPath);
    inode = inodeOf(socketPath);
  } catch (error) {
    end();
    throw error;
  }
  return { ended, end };
}

function inodeOf(path: string): number | null {
  return lstatSync(path, { throwIfNoEntry: false })?.ino ?? null;
}

interface Answers {
  seed(): Secret<Uint8Array> | null;
  leftMs(): number;
  lock(): void;
}

function answer(socket: Socket, { seed, leftMs, lock }: Answers): void {
  let question = '';
  // Whoever asks nothing takes no place from those who do.
  socket.setTimeout(LONGEST_QUESTION_MS, () => socket.destroy());
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk) => {
    question += chunk.toString('latin1');
    if (question.length > MOST_QUESTION_BYTES) socket.destroy();
    if (!question.endsWith('\n')) return;
    switch (question.trimEnd()) {
      case 'seed': {
        const held = seed();
        if (held === null) socket.end();
        else handOver(socket, reveal(held, 'handing the open seed to a command of its owner').slice());
        return;
      }
      case 'left':
        socket.end(String(Math.max(0, Math.ceil(leftMs() / 1_000))));
        return;
      case 'lock':
        socket.end('ok');
        lock();
        return;
      default:
        socket.destroy();
    }
  });
}

function handOver(socket: Socket, copy: Uint8Array): void {
  socket.end(copy, () => copy.fill(0));
}

/** A socket that is there already is of a keeper that has ended, or was told to. */
async function listen(server: Server, path: string): Promise<void> {
  const found = await lstat(path).catch(() => null);
  if (found?.isSocket() === true) await unlink(path);
  await listenPrivately(server, path);
}
