// New shares for a thousand keys of one owner, by one command, which is killed once in the middle and said again.
import { createClient, fileStore, openSeedFile, secret } from '@ckm/client/node';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openOwner } from './owner.mjs';
import { CKM } from './processes.mjs';
import { figure } from './report.mjs';

const KEYS = 1_000;
/** Keys that are made at the same time. */
const AT_ONCE = 4;
const MOST_BYTES = 512 * 2 ** 20;

/** @param keys how many; others than the usual number are for looking */
export async function manyKeysFigures(say, keys = KEYS) {
  const folder = mkdtempSync(join(tmpdir(), 'ckm-bench-many-'));
  const servers = [];
  try {
    const env = await openOwner(folder, servers);
    say(`${keys} keys are made`);
    await makeKeys(env.CKM_HOME, keys - 1);
    say('new shares for half of them, and a kill');
    const first = await refresh(env, Math.floor(keys / 2));
    say('new shares for the others');
    const rest = await refresh(env, Number.POSITIVE_INFINITY);
    const done = first.times.length + rest.times.length;
    if (done < keys || rest.status !== 0) throw new Error(`${done} of ${keys} keys have new shares`);
    return figuresOf(keys, first, rest);
  } finally {
    await Promise.all(servers.map(({ stop }) => stop()));
    rmSync(folder, { recursive: true, force: true });
  }
}

async function makeKeys(home, count) {
  const seed = await openSeedFile(join(home, 'seed'), secret('river lamp seven onions'));
  const client = createClient({ seed, store: fileStore(join(home, 'store')) });
  const servers = ['alpha', 'bravo', 'charlie'];
  const quorum = { needed: 2, of: 3 };
  let next = 0;
  const work = async () => {
    while (next < count) {
      const name = `key-${String(next++).padStart(4, '0')}`;
      await client.createKey({ name, purpose: 'message', quorum, servers });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  await client.close();
}

/** Runs the command, and kills it after so many keys; `times` are of the line that tells of each key, since the first of them. */
function refresh(env, killAfter) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [CKM, 'key', 'refresh', '--all', '--yes'], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const times = [];
    let said = '';
    let bytes = 0;
    child.stderr.setEncoding('utf8').on('data', (text) => (said = (said + text).slice(-2_000)));
    child.stdout.setEncoding('utf8').on('data', (text) => {
      for (const _ of text.matchAll(/^\d+ of \d+ .*epoch/gm)) times.push(performance.now());
      bytes = Math.max(bytes, mostBytes(child.pid));
      if (times.length >= killAfter) child.kill('SIGKILL');
    });
    // Not "exit": what it said before it was killed may come after that.
    child.once('close', (status) => {
      const isWanted = status === 0 || (status === null && times.length >= killAfter);
      if (isWanted) resolve({ times, bytes, status });
      else reject(new Error(`new shares ended with exit status ${status}: ${said}`));
    });
  });
}

/** The most memory that a process has had resident; 0 where the system does not tell. */
function mostBytes(pid) {
  const file = `/proc/${pid}/status`;
  if (!existsSync(file)) return 0;
  return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(file, 'utf8'))?.[1] ?? 0) * 1024;
}

function figuresOf(keys, first, rest) {
  const perKey = ({ times }, from, to) => (times[to - 1] - times[from]) / (to - 1 - from);
  const part = Math.floor(rest.times.length / 5);
  const begin = perKey(first, 0, part);
  const end = perKey(rest, rest.times.length - part, rest.times.length);
  return [
    figure({
      name: `new shares for one key of ${keys}, by one command, at its end`,
      ours: end,
      unit: 'ms',
      peer: 'the same at its beginning',
      peerValue: begin,
      ratio: end / begin,
      goal: '≤ 1.5 × the beginning',
      met: end <= 1.5 * begin,
    }),
    figure({
      name: `memory of the command that gives ${keys} keys new shares`,
      ours: Math.max(first.bytes, rest.bytes) / 2 ** 20,
      unit: 'MiB',
      peer: 'the same after half of them',
      peerValue: first.bytes / 2 ** 20,
      ratio: rest.bytes / first.bytes,
      goal: `≤ ${MOST_BYTES / 2 ** 20} MiB`,
      met: Math.max(first.bytes, rest.bytes) <= MOST_BYTES,
    }),
  ];
}
