import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { encodeUtf8, secret } from '@ckm/foundation';
import { type RunningServer, connectOperator, initServer, startServer } from '@ckm/server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { callCkm } from '../test/call-ckm.js';
import { makeOwner } from '../test/make-owner.js';
import { hasProgram } from '../test/programs.js';
import { errorOf, type Outcome, runCkm, type Scratch, scratchFolder } from '../test/run-ckm.js';

const hasOpenssl = hasProgram('openssl', 'version');
/** What is left of a server that has lost its database, and with it all that it knew of its accounts. */
const SMALL_BACKUP = ['config.json', 'identity', 'storage.key'];
const PASSPHRASE = 'river lamp seven onions';

let scratch: Scratch;
let environment: Readonly<Record<string, string>>;
const running = new Map<string, RunningServer>();
const garbage: Server[] = [];

const folderOf = (name: string) => `${scratch.path}/${name}`;
const passphrase = () => secret(encodeUtf8(PASSPHRASE));
const ckm = (...args: string[]) => callCkm(args, { environment });

async function init(name: string, folder = name, more: Partial<Parameters<typeof initServer>[0]> = {}) {
  const settings = {
    name,
    listen: { host: '127.0.0.1', port: 0 },
    accounts: 'open',
    ...more.settings,
  } as const;
  await initServer({ ...more, dataDir: folderOf(folder), settings });
}

/** @param where the address of the server in whose place it starts */
async function start(name: string, folder = name, where?: string, more = {}): Promise<RunningServer> {
  const variables = {
    CKM_ALLOW_INSPECT: '1',
    ...(where === undefined ? {} : { CKM_LISTEN: new URL(where).host }),
  };
  const server = await startServer({
    dataDir: folderOf(folder),
    variables,
    logDestination: { write: () => undefined },
    ...more,
  });
  running.set(name, server);
  return server;
}

/** Ends a server, and says where it was. */
async function stop(name: string): Promise<string> {
  const server = running.get(name)!;
  running.delete(name);
  await server.close();
  return server.url;
}

/** A certificate that vouches for itself. */
function makeCertificate(): { readonly certificateFile: string; readonly keyFile: string } {
  const files = { certificateFile: `${scratch.path}/ca.pem`, keyFile: `${scratch.path}/ca.key` };
  const request = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=own';
  const names = ['-addext', 'subjectAltName=IP:127.0.0.1'];
  const pair = ['-keyout', files.keyFile, '-out', files.certificateFile];
  execFileSync('openssl', [...request.split(' '), ...names, ...pair], { stdio: 'ignore' });
  return files;
}

/** Whatever it is told, it speaks as an SSH server does. */
async function speakSsh(where: string): Promise<void> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.end('SSH-2.0-OpenSSH_9.9\r\n');
  });
  garbage.push(server);
  server.listen(Number(new URL(where).port), '127.0.0.1');
  await once(server, 'listening');
}

/** What becomes of each server once its owner has added it. */
const BECOMES: Readonly<Record<string, () => Promise<unknown>>> = {
  sealed: async () => start('sealed', 'sealed', await stop('sealed')),
  exchanged: async () => {
    await init('exchanged', 'another');
    return start('exchanged', 'another', await stop('exchanged'));
  },
  suspended: async () => {
    const operator = connectOperator(folderOf('suspended'));
    const { accounts } = await operator.accounts();
    await operator.suspend({ xid: accounts[0]!.xid });
  },
  forgetful: async () => {
    const where = await stop('forgetful');
    for (const file of readdirSync(folderOf('forgetful')))
      if (!SMALL_BACKUP.includes(file)) rmSync(`${folderOf('forgetful')}/${file}`, { recursive: true });
    return start('forgetful', 'forgetful', where);
  },
  foreign: async () => speakSsh(await stop('foreign')),
  gone: () => stop('gone'),
};

beforeAll(async () => {
  scratch = scratchFolder();
  environment = {
    CKM_HOME: `${scratch.path}/home`,
    CKM_PASSPHRASE_FILE: scratch.file('passphrase', `${PASSPHRASE}\n`),
  };
  const names = ['alpha', ...Object.keys(BECOMES)];
  for (const name of names) {
    const isSealed = name === 'sealed';
    await init(
      name,
      name,
      isSealed ? { passphrase: passphrase(), passphraseCost: { logN: 14, r: 8, p: 1 } } : {},
    );
    await start(name, name, undefined, isSealed ? { passphrase: passphrase() } : {});
  }
  await makeOwner(environment, Object.fromEntries(names.map((name) => [name, running.get(name)!.url])));
  if (hasOpenssl) {
    const tls = makeCertificate();
    await init('private', 'private', { settings: { name: 'private', tls } });
    const { url } = await start('private');
    const trusting = { ...environment, NODE_EXTRA_CA_CERTS: tls.certificateFile };
    const added = await runCkm(['server', 'add', 'private', url, '--yes'], { environment: trusting });
    expect(added.status).toBe(0);
  }
  for (const become of Object.values(BECOMES)) await become();
}, 120_000);
afterAll(async () => {
  for (const server of running.values()) await server.close();
  for (const server of garbage) server.close();
  scratch.remove();
});

const STATES: readonly (readonly [name: string, code: string, row: RegExp, fix: RegExp])[] = [
  ['sealed', 'SERVER_SEALED', /sealed +its operator must unseal it/, /is sealed and answers nobody/],
  [
    'exchanged',
    'SERVER_IDENTITY_CHANGED',
    /another server answers +ckm explain SERVER_IDENTITY_CHANGED/,
    /ckm explain SERVER_IDENTITY_CHANGED/,
  ],
  [
    'suspended',
    'ACCOUNT_SUSPENDED',
    /answers you no more: account suspended +ask its operator/,
    /ckm explain ACCOUNT_SUSPENDED/,
  ],
  [
    'forgetful',
    'MESSAGE_NOT_AUTHENTICATED',
    /does not know you any more +ckm doctor/,
    /ckm server add forgetful http:/,
  ],
  [
    'foreign',
    'SERVER_NOT_HTTP',
    /something else listens there +check the address and the port/,
    /does not speak HTTP/,
  ],
  ['gone', 'SERVER_UNREACHABLE', /does not answer +ckm explain SERVER_UNREACHABLE/, /ECONNREFUSED/],
];
const PRIVATE: (typeof STATES)[number] = [
  'private',
  'SERVER_CERTIFICATE_UNKNOWN',
  /its TLS certificate is not trusted +ckm explain SERVER_CERTIFICATE_UNKNOWN/,
  /ckm explain SERVER_CERTIFICATE_UNKNOWN/,
];

describe('a server that gives no answer is told as what it is, by status and by doctor', () => {
  let status: Outcome;
  let machine: Outcome;
  let doctor: Outcome;
  beforeAll(async () => {
    status = await ckm('status');
    machine = await ckm('status', '--json');
    doctor = await ckm('doctor');
  }, 60_000);

  function expectTold([name, code, row, fix]: (typeof STATES)[number]): void {
    const line = status.stdout.split('\n').find((one) => one.startsWith(`  ${name} `));
    expect(line).toMatch(row);
    const { servers } = JSON.parse(machine.stdout) as {
      servers: { name: string; isReachable: boolean; problem: { code: string } | null }[];
    };
    expect(servers.find((one) => one.name === name)).toMatchObject({ isReachable: false, problem: { code } });
    const diagnosed = doctor.stdout.split('\n').filter((one) => new RegExp(`^fail +${name} `).test(one));
    expect(diagnosed.join('\n')).toMatch(fix);
  }

  test.each(STATES)('%s (%s)', (...state) => {
    expectTold(state);
  });

  test.skipIf(!hasOpenssl)('with a certificate of a private authority (needs openssl)', () => {
    expectTold(PRIVATE);
  });

  test('and while one server answers, status is done and doctor is not', () => {
    expect(status.stdout).toMatch(/ {2}alpha +answers in \d+ ms/);
    expect([status.status, machine.status]).toEqual([0, 0]);
    expect([doctor.status, errorOf(doctor).code]).toEqual([69, 'DOCTOR_FOUND_FAULTS']);
  });
});

test('when no server answers, status shows why of each, and ends with the exit status of too few servers', async () => {
  await stop('alpha');
  const status = await ckm('status');
  expect(status.stdout).toMatch(/alpha +does not answer +ckm explain SERVER_UNREACHABLE/);
  const error = errorOf(status);
  expect([status.status, error.code]).toEqual([69, 'NO_SERVER_ANSWERS']);
  expect(error.hint).toMatch(/: ckm doctor$/);
});

test('with --json an answer that ends badly is the one value on stdout', async () => {
  const machine = await ckm('status', '--json');
  expect(machine.status).toBe(69);
  expect(Object.keys(JSON.parse(machine.stdout) as object)).toEqual([
    'servers',
    'keys',
    'openSessions',
    'openRequests',
    'clock',
  ]);
  expect(errorOf(machine).code).toBe('NO_SERVER_ANSWERS');
  const doctor = await ckm('doctor', '--json');
  expect(JSON.parse(doctor.stdout)).toContainEqual(
    expect.objectContaining({ level: 'fail', subject: 'alpha' }),
  );
});
