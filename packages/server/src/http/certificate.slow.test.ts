import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestServer } from '../test/test-server.js';
import { doubtsAbout, endOf } from './certificate.js';

const DAY = 86_400;
const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

describe.skipIf(!hasOpenssl)('a TLS certificate (skipped without openssl)', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ckm-certificate-'));
  const [keyFile, certificateFile] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  let certificate: Buffer;
  beforeAll(() => {
    const subject = ['-subj', '/CN=alpha', '-addext', 'subjectAltName=DNS:alpha.example,IP:127.0.0.1'];
    const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '30'];
    const files = ['-keyout', keyFile, '-out', certificateFile];
    execFileSync('openssl', ['req', ...kind, ...subject, ...files], { stdio: 'ignore' });
    certificate = readFileSync(certificateFile);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test.each([
    [21.1, []],
    [20.5, ['ends in 20 days: renew it, then reload this server']],
    [1.5, ['ends in 1 day: renew it, then reload this server']],
    [-2.5, ['ended 2 days ago: owners refuse it']],
    [31, ['is not valid yet by the clock of this machine: owners refuse it']],
  ])('%d days before its end', (days, doubts) => {
    const now = endOf(certificate) - days * DAY;
    expect(doubtsAbout(certificate, 'https://alpha.example', now)).toEqual(doubts);
  });

  test.each([
    ['https://alpha.example:8470/path', 0],
    ['https://127.0.0.1:8470', 0],
    ['http://bravo.example', 0],
    ['https://bravo.example', 1],
    ['https://[::1]:8470', 1],
  ])('of a server that owners reach at %s', (publicUrl, count) => {
    const doubts = doubtsAbout(certificate, publicUrl, endOf(certificate) - 25 * DAY);
    expect(doubts).toHaveLength(count);
    if (count > 0) expect(doubts[0]).toContain('by which owners reach this server');
  });

  test('that ends soon is said in the log at the start and after a reload, and not one that lasts', async () => {
    let now = Date.now();
    const alpha = await startTestServer({
      settings: { tls: { certificateFile, keyFile } },
      start: { nowMs: () => now },
    });
    expect(alpha.log()).not.toContain('the TLS certificate ends');
    now += 20.5 * DAY * 1_000;
    alpha.server.renewCertificate();
    expect(alpha.log().match(/the TLS certificate ends in 9 days/g)).toHaveLength(1);
    await alpha.restart();
    expect(alpha.log().match(/the TLS certificate ends in 9 days/g)).toHaveLength(2);
    await alpha.remove();
  });
});
