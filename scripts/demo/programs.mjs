// Runs real programs: ckm itself and those that judge what it makes.
import { spawn } from 'node:child_process';
import { join } from 'node:path';

const CKM = join(import.meta.dirname, '../../packages/cli/bin/ckm.js');

/** Runs a program to its end. Rejects with what it said when it fails, unless `allowed` holds its exit status; null: any. */
export function run(command, args, { input, env, cwd, allowed = [0] } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const said = { stdout: '', stderr: '' };
    for (const stream of ['stdout', 'stderr']) {
      child[stream].setEncoding('utf8');
      child[stream].on('data', (text) => (said[stream] += text));
    }
    child.once('error', reject);
    child.once('close', (status) => {
      if (allowed === null || allowed.includes(status)) resolve({ ...said, status });
      else
        reject(
          new Error(
            `${command} ${args.join(' ')} ended with exit status ${status}\n${said.stdout}${said.stderr}`,
          ),
        );
    });
    child.stdin.on('error', () => undefined);
    child.stdin.end(input ?? '');
  });
}

/** The owner's `ckm`: answers yes, because nobody sits at the demo. @param machine the folder it has there */
export function owner(folder, machine = 'owner') {
  const env = {
    CKM_HOME: join(folder, machine),
    CKM_PASSPHRASE_FILE: join(folder, 'passphrase'),
    NO_COLOR: '1',
  };
  const given = (args) => [CKM, ...args, '--yes', '--no-input'];
  const ckm = (...args) => run(process.execPath, given(args), { env });
  return {
    env,
    /** What the command talks about while it works, and its answer. */
    talk: ckm,
    /** The same of a command that may end without what it was asked for. */
    attempt: (...args) => run(process.execPath, given(args), { env, allowed: null }),
    /** Its answer as data. */
    json: async (...args) => JSON.parse((await ckm(...args, '--json')).stdout),
  };
}

/** An operator's `ckm`. */
export function operator(...args) {
  return run(process.execPath, [CKM, ...args, '--no-input'], { env: { NO_COLOR: '1' } });
}

/** A program that goes on running; resolves when its output matches `ready`. */
export function startProgram(command, args, { env, cwd, ready }) {
  const child = spawn(command, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  const ended = new Promise((resolve) => child.once('close', resolve));
  const up = new Promise((resolve, reject) => {
    const hear = (text) => {
      said += text;
      const found = ready.exec(said);
      if (found !== null) resolve(found);
    };
    child.stdout.setEncoding('utf8').on('data', hear);
    child.stderr.setEncoding('utf8').on('data', hear);
    child.once('error', reject);
    child.once('close', (status) =>
      reject(new Error(`${command} ended with exit status ${status}\n${said}`)),
    );
  });
  return { child, ended, up };
}

export function startCkm(args, options) {
  return startProgram(process.execPath, [CKM, ...args], options);
}
