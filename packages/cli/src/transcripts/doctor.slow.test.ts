import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer as createProxy, type IncomingMessage } from 'node:http';
import { createServer } from 'node:https';
import { type AddressInfo, connect, type Server } from 'node:net';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { certificateLine, checkCertificates } from '../diagnosis/check-certificates.js';
import { checkSeedBackup } from '../diagnosis/check-seed-backup.js';
import { hasProgram } from '../test/programs.js';
import { createKey, openSetup, type Setup } from '../test/run-server.js';

let setup: Setup;
beforeAll(async () => {
  setup = await openSetup();
  await createKey(setup, 'notes', '--for', 'message');
}, 60_000);
afterAll(() => setup.close());

const doctor = async () => (await setup.ckm(['doctor'])).stdout;

describe('ckm doctor', () => {
  test('has one line for clocks, versions, records, room, files and shares when all is well', async () => {
    const found = await doctor();
    for (const line of [
      /^ok +folder +readable by you alone: /m,
      /^ok +seed file +readable by you alone: /m,
      /^ok +disk +[\d,]+ MiB free$/m,
      /^ok +keys +1 on record, all readable$/m,
      /^ok +charlie +answers in \d+ ms; its clock agrees with yours to 30 s$/m,
      /^ok +versions +this and every server that answers: \d/m,
      /^ok +notes +same certificate on all 3 servers$/m,
    ])
      expect(found).toMatch(line);
  });

  test('warns until the words were shown, and until the key was compared', async () => {
    const before = await doctor();
    expect(before).toMatch(
      /^warn +backup +the 24 words .* never shown here +fix: write them down: ckm seed backup$/m,
    );
    expect(before).toMatch(
      /^warn +notes +not compared with what operators see +fix: .*: ckm key compare notes$/m,
    );
    await setup.json(['seed', 'backup', '--out', join(setup.scratch.path, 'words')]);
    await setup.json(['key', 'compare', 'notes', '--answer', 'same']);
    const after = await doctor();
    expect(after).toMatch(
      /^ok +backup +the 24 words of the owner seed were last shown or typed in here on \d{4}-\d\d-\d\d$/m,
    );
    expect(after).not.toContain('not compared');
  });

  test('asks once a year where the words are', () => {
    const now = 1_900_000_000;
    const levelAt = (days: number) =>
      checkSeedBackup({ shownAt: now - days * 86_400, form: 'words', checkedAt: null }, now).level;
    expect([levelAt(0), levelAt(365), levelAt(366)]).toEqual(['ok', 'ok', 'warn']);
  });

  test.each([
    [90, 'ok', 'its TLS certificate lasts 90 days more'],
    [21, 'ok', 'its TLS certificate lasts 21 days more'],
    [20.9, 'warn', 'its TLS certificate lasts 20 days more'],
    [1.5, 'warn', 'its TLS certificate lasts 1 day more'],
    [-3.2, 'fail', 'its TLS certificate ended 3 days ago'],
  ])('says of a certificate with %d days: %s', (days, level, text) => {
    expect(certificateLine('alpha', days)).toMatchObject({ level, text, subject: 'alpha' });
  });

  test.skipIf(!hasProgram('openssl', 'version'))(
    'reads the end of a certificate from the server that shows it, and no other (needs openssl)',
    async () => {
      const [cert, key] = ['cert.pem', 'key.pem'].map((name) => join(setup.scratch.path, name)) as [
        string,
        string,
      ];
      const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
      const pair = ['-keyout', key, '-out', cert, '-subj', '/CN=localhost', '-days', '40'];
      execFileSync('openssl', ['req', ...kind, ...pair], { stdio: 'ignore' });
      const server = createServer({ cert: readFileSync(cert), key: readFileSync(key) }, (_, answer) =>
        answer.writeHead(404).end(),
      );
      const port = await portOf(server);
      const alpha = { name: 'alpha', url: `https://127.0.0.1:${port}` };
      const others = [
        { name: 'plain', url: 'http://127.0.0.1:1' },
        { name: 'silent', url: 'https://127.0.0.1:1' },
      ];
      const lines = await checkCertificates([alpha, ...others], 2_000);
      // Where only a web proxy leads to it, as for messages.
      const asked: string[] = [];
      const proxy = createProxy().on('connect', ({ url = '' }: IncomingMessage, socket: Duplex) => {
        asked.push(url);
        const onward = connect(port, '127.0.0.1', () => socket.write('HTTP/1.1 200 OK\r\n\r\n'));
        socket.pipe(onward).pipe(socket);
      });
      vi.stubEnv('HTTPS_PROXY', `http://127.0.0.1:${await portOf(proxy)}`);
      const behind = await checkCertificates([{ name: 'bravo', url: 'https://bravo.example' }], 2_000);
      server.close();
      proxy.close();
      const text = expect.stringMatching(/lasts (39|40) days more$/) as string;
      expect([...lines, ...behind]).toEqual([
        { level: 'ok', subject: 'alpha', text },
        { level: 'ok', subject: 'bravo', text },
      ]);
      expect(asked).toEqual(['bravo.example:443']);
    },
  );
});

async function portOf(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

test('ckm status says when a silent server was last seen', async () => {
  expect((await setup.json<{ servers: { lastSeenAt: number }[] }>(['status'])).servers).toHaveLength(3);
  await setup.servers['bravo']!.stop();
  const { stdout } = await setup.ckm(['status']);
  expect(stdout).toMatch(
    /bravo +does not answer .* last seen \d{4}-\d\d-\d\d \d\d:\d\d UTC \((now|\d+ s ago)\)/,
  );
});
