// @module-tag long
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { initServer, startServer } from '@ckm/server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { callCkm } from '../test/call-ckm.js';
import { hasProgram } from '../test/programs.js';
import { errorOf, type Outcome } from '../test/run-ckm.js';
import { openSetup, type Setup } from '../test/run-server.js';
import { HAPROXY, NGINX, startHaproxyFront, startTlsFront, type TlsFront } from '../test/tls-front.js';

const isPossible = hasProgram('openssl', 'version') && existsSync(NGINX);

describe.skipIf(!isPossible)(
  'nginx with real certificates in front of a server (needs nginx and openssl)',
  () => {
    let setup: Setup;
    let front: TlsFront;
    let environment: Readonly<Record<string, string>>;

    beforeAll(async () => {
      setup = await openSetup();
      const folder = join(setup.scratch.path, 'tls');
      mkdirSync(folder);
      front = await startTlsFront(folder, new URL(setup.servers['alpha']!.url).host);
      environment = { ...setup.environment, CKM_HOME: join(setup.scratch.path, 'behind-tls') };
      expect((await callCkm(['init'], { environment })).status).toBe(0);
    }, 120_000);
    afterAll(async () => {
      await front.stop();
      await setup.close();
    });

    const ckm = (...args: readonly string[]): Promise<Outcome> => callCkm(args, { environment });
    const add = (url: string, ...more: readonly string[]) =>
      ckm('server', 'add', 'alpha', url, '--yes', ...more);
    const ca = () => ['--ca', front.authority];

    test.each([
      ['right', false, 'SERVER_CERTIFICATE_UNKNOWN', /is of an authority that this machine does not know/],
      ['own', false, 'SERVER_CERTIFICATE_UNKNOWN', /is self-signed: no authority vouches for it/],
      ['own', true, 'SERVER_CERTIFICATE_UNKNOWN', /is self-signed/],
      ['expired', true, 'SERVER_CERTIFICATE_TIME', /has expired$/],
      ['early', true, 'SERVER_CERTIFICATE_TIME', /is not valid yet$/],
      ['renamed', true, 'SERVER_CERTIFICATE_NAME', /is for another name: other\.example$/],
    ] as const)(
      'a certificate that is %s (authority known: %s) is told as what it is',
      async (kind, isKnown, code, text) => {
        const outcome = await add(front.urls[kind], ...(isKnown ? ca() : []));
        const error = errorOf(outcome);
        expect([outcome.status, error.code]).toEqual([69, code]);
        expect(error.message).toMatch(text);
        if (code === 'SERVER_CERTIFICATE_UNKNOWN')
          expect(error.hint).toMatch(new RegExp(`: ckm server add NAME ${front.urls[kind]} --ca FILE$`));
      },
    );

    test('http where https is spoken, and https where http is, say which it is', async () => {
      const plain = errorOf(await add(front.urls.right.replace('https:', 'http:')));
      expect([plain.code, plain.hint]).toEqual([
        'SERVER_PROXY_ANSWERED',
        expect.stringContaining('begins with https'),
      ]);
      const secure = errorOf(await add(setup.servers['alpha']!.url.replace('http:', 'https:')));
      expect(secure.code).toBe('SERVER_NOT_HTTP');
      expect(secure.message).toMatch(/does not speak TLS$/);
      expect(secure.hint).toMatch(/begin the address with http, /);
    });

    test('http where our own server speaks TLS says so, and status does when a server turned to it', async () => {
      const tls = { certificateFile: front.fileOf('right'), keyFile: front.keyOf('right') };
      const dataDir = join(setup.scratch.path, 'secure');
      const listen = { host: '127.0.0.1', port: 0 };
      const quiet = { variables: { CKM_ALLOW_INSPECT: '1' }, logDestination: { write: () => undefined } };
      await initServer({ dataDir, settings: { name: 'secure', accounts: 'open', listen } });
      const plain = await startServer({ dataDir, ...quiet });
      expect((await ckm('server', 'add', 'secure', plain.url, '--yes')).status).toBe(0);
      const { host } = new URL(plain.url);
      await plain.close();
      const config = JSON.parse(readFileSync(join(dataDir, 'config.json'), 'utf8')) as object;
      writeFileSync(join(dataDir, 'config.json'), JSON.stringify({ ...config, tls }));
      const secure = await startServer({
        dataDir,
        ...quiet,
        variables: { CKM_ALLOW_INSPECT: '1', CKM_LISTEN: host },
      });
      const added = errorOf(await ckm('server', 'add', 'again', plain.url, '--yes'));
      const status = await ckm('status');
      await secure.close();
      expect([added.code, added.message]).toEqual([
        'SERVER_NOT_HTTP',
        `what listens at ${plain.url} speaks TLS`,
      ]);
      expect(added.hint).toBe('check the port; or begin the address with https');
      expect(status.stdout).toMatch(/secure +something else listens there/);
      expect((await ckm('server', 'remove', 'secure', '--yes')).status).toBe(0);
    });

    test('a file that holds no certificate is refused before anybody is asked', async () => {
      const key = setup.scratch.file(
        'no.pem',
        '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
      );
      for (const file of [key, setup.scratch.file('empty.pem', '')]) {
        const outcome = await add(front.urls.right, '--ca', file);
        expect([outcome.status, errorOf(outcome).code]).toEqual([65, 'AUTHORITY_INVALID']);
      }
    });

    test('with --ca the server is added, the authority is kept with it, and everything that follows trusts it', async () => {
      expect((await add(front.urls.right, ...ca())).status).toBe(0);
      expect((await ckm('status')).stdout).toMatch(/alpha +answers in/);
      expect((await ckm('server', 'show', 'alpha')).stdout).toMatch(/authority +CN=home authority, until /);
      // Adding it again without the file keeps it.
      expect((await add(front.urls.right)).status).toBe(0);
      expect((await ckm('doctor')).stdout).toMatch(
        /^ok +alpha +its TLS certificate lasts (29|30) days more$/m,
      );
      // A certificate that vouches for itself is its own authority.
      expect((await add(front.urls.own, '--ca', front.fileOf('own'))).status).toBe(0);
      expect((await ckm('status')).stdout).toMatch(/alpha +answers in/);
    });

    test.skipIf(!existsSync(HAPROXY))(
      'with the same certificates at HAProxy each is told as what it is, and --ca trusts the right one (needs haproxy)',
      async () => {
        const proxy = await startHaproxyFront(
          join(setup.scratch.path, 'tls'),
          front,
          new URL(setup.servers['bravo']!.url).host,
        );
        const addBravo = (url: string, ...more: readonly string[]) =>
          ckm('server', 'add', 'bravo', url, '--yes', ...more);
        const { right, expired, renamed } = proxy.urls;
        const codes = [];
        for (const [url, ...more] of [[right], [expired, ...ca()], [renamed, ...ca()]] as const)
          codes.push(errorOf(await addBravo(url, ...more)).code);
        expect(codes).toEqual([
          'SERVER_CERTIFICATE_UNKNOWN',
          'SERVER_CERTIFICATE_TIME',
          'SERVER_CERTIFICATE_NAME',
        ]);
        expect(errorOf(await addBravo(right.replace('https:', 'http:'))).code).not.toBe('INTERNAL');
        const added = await addBravo(right, ...ca());
        const status = await ckm('status');
        await proxy.stop();
        expect(added.status).toBe(0);
        expect(status.stdout).toMatch(/bravo +answers in .*https:\/\/localhost:/);
      },
      30_000,
    );
  },
);
