import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { createPublicKey, randomBytes, verify } from 'node:crypto';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AgentFrames } from '../agent/agent-wire.js';
import { ed25519Host, field, loginData, signMessage } from '../test/agent-messages.js';
import { hasProgram } from '../test/programs.js';
import { CKM, errorOf, runCkm, runProgram } from '../test/run-ckm.js';
import { createKey, type Setup, openSetup } from '../test/run-server.js';

const isHere = hasProgram('ssh-add', '-?') && hasProgram('ssh-keygen', '-?');

let setup: Setup;
let line: string;

beforeAll(async () => {
  if (!isHere) return;
  setup = await openSetup();
  await createKey(setup, 'laptop', '--for', 'ssh', '--allow-blind');
  await createKey(setup, 'strict', '--for', 'ssh');
  await createKey(setup, 'diary', '--for', 'message');
  line = (await setup.ckm(['key', 'show', 'laptop', '--public'])).stdout.trim();
});
afterAll(async () => {
  if (isHere) await setup.close();
});

/** Runs a program under the agent, as `ckm ssh-agent -- PROGRAM`: it has the streams of a process of its own. */
const withAgent = (flags: readonly string[], program: readonly string[]) =>
  runCkm(['ssh-agent', ...flags, '--', ...program], { environment: setup.environment });

/** More than ever were served at once. */
const LOG_INS = 200;

/** An agent that waits to be told to end, and what it says to a shell. */
async function startAlone(socket: string) {
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn(process.execPath, [CKM, 'ssh-agent', '--socket', socket, '-q'], {
    env: { PATH, HOME, ...setup.environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const [said] = (await once(child.stdout, 'data')) as [Buffer];
  return { child, said, stderr: () => stderr };
}

/** What an agent answers to one message; a program that has asked says that it asks no more. */
async function askAgent(path: string, message: Uint8Array): Promise<readonly Uint8Array[]> {
  const socket = connect({ path, allowHalfOpen: true });
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.end(field(message));
  await once(socket, 'end');
  return new AgentFrames().push(Buffer.concat(chunks))!;
}

const hasSshd = isHere && hasProgram('/usr/sbin/sshd', '-?') && hasProgram('ssh', '-V') && isRoot();

describe.skipIf(!isHere)('the agent (needs ssh-add and ssh-keygen)', () => {
  test('offers the keys that were made for SSH to ssh-add, and no others', async () => {
    const { stdout } = await withAgent([], ['ssh-add', '-L']);
    expect(stdout.trim().split('\n').sort()).toEqual([
      expect.stringMatching(/^ssh-ed25519 \S+ ckm:(laptop|strict) \(2 of 3\)$/),
      expect.stringMatching(/^ssh-ed25519 \S+ ckm:(laptop|strict) \(2 of 3\)$/),
    ]);
    expect(stdout).toContain(line.split(' ')[1]);
    const one = await withAgent(['--key', 'strict'], ['ssh-add', '-L']);
    expect(one.stdout).toMatch(/^ssh-ed25519 \S+ ckm:strict \(2 of 3\)\n$/);
  });

  test('signs a file for ssh-keygen, which ssh-keygen verifies', async () => {
    const [key, file] = [setup.scratch.file('laptop.pub', line), setup.scratch.file('letter', 'Dear Ben\n')];
    const signed = await withAgent(['--blind'], ['ssh-keygen', '-Y', 'sign', '-n', 'file', '-f', key, file]);
    expect(signed.status).toBe(0);
    expect(signed.stderr.replace(/\s+/g, ' ')).toMatch(
      /blind signing.* in the SSH namespace file with laptop/,
    );
    const allowed = setup.scratch.file('allowed', `alice ${line}\n`);
    const check = ['-Y', 'verify', '-n', 'file', '-f', allowed, '-I', 'alice', '-s', `${file}.sig`];
    expect((await runProgram('ssh-keygen', check, { stdin: 'Dear Ben\n' })).status).toBe(0);
    expect((await runProgram('ssh-keygen', check, { stdin: 'Dear Bob\n' })).status).not.toBe(0);
  });

  test('V52: signs no bare digest with a key whose policy forbids it, and says why', async () => {
    const strict = (await setup.ckm(['key', 'show', 'strict', '--public'])).stdout;
    const [key, file] = [
      setup.scratch.file('strict.pub', strict),
      setup.scratch.file('digest', 'Dear Ben\n'),
    ];
    const refused = await withAgent(['--blind'], ['ssh-keygen', '-Y', 'sign', '-n', 'file', '-f', key, file]);
    expect(refused.status).not.toBe(0);
    expect(refused.stderr).toMatch(/ckm: code: POLICY_BLIND/);
    expect(refused.stderr).toContain('ckm sign strict FILE --ssh-namespace file --out FILE.sig');
    expect(existsSync(`${file}.sig`)).toBe(false);
  });

  test.each([['file'], ['letters']])(
    'V52: a bare digest in namespace %s is signed neither silently nor by itself: --quiet, --no-input and --yes say nothing to it',
    async (namespace) => {
      const [key, file] = [
        setup.scratch.file('laptop.pub', line),
        setup.scratch.file(`mute-${namespace}`, 'x'),
      ];
      const sign = ['ssh-keygen', '-Y', 'sign', '-n', namespace, '-f', key, file];
      const refused = await withAgent(['-q', '--no-input', '--yes'], sign);
      expect(refused.status).not.toBe(0);
      expect(refused.stderr.replace(/\s+/g, ' ')).toMatch(
        new RegExp(`blind signing.* in the SSH namespace ${namespace} with laptop`),
      );
      expect(refused.stderr).toMatch(/ckm: code: CONFIRMATION_NEEDED/);
      expect(existsSync(`${file}.sig`)).toBe(false);
    },
  );

  test('V52: the digest of a commit is refused, however blind the agent may sign', async () => {
    const [key, file] = [setup.scratch.file('laptop.pub', line), setup.scratch.file('commit', 'tree 0\n')];
    const sign = ['ssh-keygen', '-Y', 'sign', '-n', 'git', '-f', key, file];
    const refused = await withAgent(['--blind'], sign);
    expect(refused.status).not.toBe(0);
    expect(refused.stderr).toMatch(/ckm: code: SSH_NAMESPACE_IS_GIT/);
    expect(existsSync(`${file}.sig`)).toBe(false);
  });

  test('what is signed is told although --quiet silences talk', async () => {
    const [key, file] = [setup.scratch.file('laptop.pub', line), setup.scratch.file('told', 'x')];
    const sign = ['ssh-keygen', '-Y', 'sign', '-n', 'file', '-f', key, file];
    const signed = await withAgent(['-q', '--blind'], sign);
    expect(signed.status).toBe(0);
    expect(signed.stderr).toContain('blind signing');
    expect(signed.stderr).not.toContain('signed by');
  });

  test('asked to confirm where nobody can be asked, signs nothing', async () => {
    const [key, file] = [setup.scratch.file('laptop.pub', line), setup.scratch.file('secretly', 'x')];
    const refused = await withAgent(
      ['--confirm'],
      ['ssh-keygen', '-Y', 'sign', '-n', 'file', '-f', key, file],
    );
    expect(refused.stderr).toMatch(/ckm: code: INPUT_NEEDED/);
    expect(existsSync(`${file}.sig`)).toBe(false);
  });

  test('ends with its program, with the status of its program', async () => {
    expect((await withAgent([], ['sh', '-c', 'test -S "$SSH_AUTH_SOCK" && exit 7'])).status).toBe(7);
    expect(existsSync(`${setup.environment['CKM_HOME']}/agent.sock`)).toBe(false);
    const missing = await withAgent([], ['no-such-program']);
    expect([missing.status, errorOf(missing).code]).toEqual([64, 'PROGRAM_MISSING']);
  });

  test.each([
    [['--key', 'diary'], 64, 'KEY_NOT_FOR_SSH'],
    [['--key', 'nobody'], 64, 'KEY_UNKNOWN'],
    [['--socket', '/nowhere/agent.sock'], 74, 'AGENT_SOCKET_UNUSABLE'],
    [['--wait', 'long'], 64, 'OPTION_INVALID'],
  ])('is not started with %j', async (flags, status, code) => {
    const refused = await withAgent(flags, ['true']);
    expect([refused.status, errorOf(refused).code]).toEqual([status, code]);
  });

  test(`${LOG_INS} programs that log in at once all get their signature`, async () => {
    const socket = `${setup.scratch.path}/many.sock`;
    const { child } = await startAlone(socket);
    const user = new Uint8Array(Buffer.from(line.split(' ')[1]!, 'base64'));
    const key = createPublicKey({
      key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(user.slice(-32)).toString('base64url') },
      format: 'jwk',
    });
    const logIn = async () => {
      const data = loginData(new Uint8Array(randomBytes(32)), ed25519Host().blob, user);
      const [answer] = await askAgent(socket, signMessage(user, data));
      return answer![0] === 14 && verify(null, data, key, answer!.slice(-64));
    };
    const signed = await Promise.all(Array.from({ length: LOG_INS }, logIn));
    expect(signed.filter((isGood) => !isGood)).toEqual([]);
    child.kill('SIGTERM');
    await once(child, 'close');
  });

  test('says what it refuses, although --quiet silences talk', async () => {
    const socket = `${setup.scratch.path}/denials.sock`;
    const { child, stderr } = await startAlone(socket);
    expect(await askAgent(socket, Uint8Array.of(17))).toEqual([Uint8Array.of(5)]);
    child.kill('SIGTERM');
    await once(child, 'close');
    expect(stderr().replace(/\s+/g, ' ')).toContain(
      'ckm: note: refused: a program wanted to add a key, which this agent does not do',
    );
  });

  test('started alone tells a shell where it is, and ends with status 0 when told', async () => {
    const socket = `${setup.scratch.path}/it's.sock`;
    const { child, said } = await startAlone(socket);
    const listed = spawnSync('sh', ['-c', `${said.toString()} ssh-add -L`], { encoding: 'utf8' });
    expect(listed.stdout).toContain(line.split(' ')[1]);
    child.kill('SIGTERM');
    expect(await once(child, 'close')).toEqual([0, null]);
    expect(existsSync(socket)).toBe(false);
  });
});

describe.skipIf(!hasSshd)('OpenSSH’s own server (needs sshd, ssh, unshare and root)', () => {
  test('lets the quorum’s key in, and not when too few servers are left', async () => {
    const port = await freePort();
    const files = sshdFiles(port);
    // sshd wants /run/sshd: it gets a /run of its own, so that the machine is not touched.
    const script = `mount -t tmpfs tmpfs /run && mkdir /run/sshd && exec /usr/sbin/sshd -D -e -f '${files.config}'`;
    const sshd = spawn('unshare', ['-m', 'sh', '-c', script], { stdio: ['ignore', 'ignore', 'pipe'] });
    try {
      await listens(port);
      const where = ['-F', 'none', '-p', String(port), '-o', `UserKnownHostsFile=${files.known}`];
      const how = ['-o', 'StrictHostKeyChecking=yes', '-o', 'PreferredAuthentications=publickey'];
      const login = ['ssh', ...where, ...how, 'root@127.0.0.1', 'echo', 'inside'];
      const inside = await withAgent(['--key', 'laptop'], login);
      expect([inside.status, inside.stdout]).toEqual([0, 'inside\n']);
      expect(inside.stderr).toMatch(/Log in as root to the SSH server with host key\s+SHA256:/);
      await Promise.all(['alpha', 'bravo'].map((name) => setup.servers[name]!.stop('SIGKILL')));
      const outside = await withAgent(['--key', 'laptop'], login);
      expect(outside.status).toBe(255);
      expect(outside.stderr).toMatch(/ckm: code: TOO_FEW_SERVERS/);
    } finally {
      sshd.kill();
      await once(sshd, 'close');
    }
  });
});

/** sshd logs in only whom it may become, and unshare needs to be allowed. */
function isRoot(): boolean {
  return process.getuid?.() === 0 && spawnSync('unshare', ['-m', 'true']).status === 0;
}

function sshdFiles(port: number): { readonly config: string; readonly known: string } {
  const folder = `${setup.scratch.path}/sshd`;
  mkdirSync(folder);
  const made = spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', `${folder}/host`]);
  expect(made.status).toBe(0);
  const host = spawnSync('ssh-keygen', ['-y', '-f', `${folder}/host`], { encoding: 'utf8' }).stdout.trim();
  writeFileSync(`${folder}/known`, `[127.0.0.1]:${port} ${host}\n`);
  writeFileSync(`${folder}/authorized`, `${line}\n`);
  const settings = [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${folder}/host`,
    `AuthorizedKeysFile ${folder}/authorized`,
    'StrictModes no',
    'UsePAM no',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'PermitRootLogin yes',
    'PidFile none',
  ];
  writeFileSync(`${folder}/config`, `${settings.join('\n')}\n`);
  return { config: `${folder}/config`, known: `${folder}/known` };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  return port;
}

/** Resolves when somebody answers at a port. */
async function listens(port: number): Promise<void> {
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    const answers = await Promise.race([
      once(socket, 'connect').then(() => true),
      once(socket, 'error').then(() => false),
    ]).catch(() => false);
    socket.destroy();
    if (answers) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
}
