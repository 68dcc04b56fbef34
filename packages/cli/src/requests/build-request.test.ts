import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeUtf8, UsageError } from '@ckm/foundation';
import { buildMessageRequest, buildSshSigRequest, requestKind } from '@ckm/requests';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildRequest } from './build-request.js';
import { requestOptions } from './request-options.js';

let folder: string;
let file: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ckm-request-'));
  file = join(folder, 'text');
  writeFileSync(file, 'hello\n');
});
afterAll(() => rmSync(folder, { recursive: true }));

async function refusalOf(named: string | undefined, flags: Record<string, unknown>): Promise<string> {
  const error: unknown = await buildRequest(named, flags).catch((thrown: unknown) => thrown);
  if (!(error instanceof UsageError)) throw new Error('it was not refused');
  return `${error.code}: ${error.message}`;
}

describe('buildRequest', () => {
  const bytes = encodeUtf8('hello\n');

  test.each([
    ['in the domain of the command', {}, buildMessageRequest({ domain: 'ckm', bytes })],
    ['in a domain', { domain: 'shop' }, buildMessageRequest({ domain: 'shop', bytes })],
    ['without a domain', { raw: true }, buildMessageRequest({ domain: '', bytes })],
  ])('takes a file as a message, %s', async (_what, flags, payload) => {
    expect(await buildRequest(file, flags)).toEqual({ kind: 'message', payload });
  });

  test('takes a file, or a text, for SSH where a namespace is named', async () => {
    const payload = buildSshSigRequest({ namespace: 'file', message: bytes });
    expect(await buildRequest(file, { sshNamespace: 'file' })).toEqual({ kind: 'ssh', payload });
    const said = await buildRequest(undefined, { sshNamespace: 'file', message: 'hello\n' });
    expect(said).toEqual({ kind: 'ssh', payload });
  });

  test.each([
    [{ psbt: 'FILE', raw: true }, '--raw has no meaning with --psbt'],
    [{ git: 'FILE', domain: 'x' }, '--domain has no meaning with --git'],
    [{ psbt: 'FILE', sshNamespace: 'file' }, '--ssh-namespace has no meaning with --psbt'],
    [{ message: 'x', sshNamespace: 'file', raw: true }, '--raw has no meaning with --ssh-namespace'],
    [{ message: 'x', extract: true }, '--extract has no meaning without --psbt'],
    [{ message: 'x', raw: true, domain: 'x' }, '--raw and --domain say the contrary of one another'],
  ])('refuses an option that would do nothing: %j', async (flags, message) => {
    expect(await refusalOf(undefined, flags)).toBe(`OPTION_INVALID: ${message}`);
  });

  test('refuses two things to sign, and none', async () => {
    expect(await refusalOf(file, { message: 'x' })).toMatch(/^SUBJECT_AMBIGUOUS/);
    expect(await refusalOf(undefined, { psbt: file, git: file })).toMatch(/^SUBJECT_AMBIGUOUS/);
    expect(await refusalOf(undefined, { domain: 'x' })).toMatch(/^SUBJECT_MISSING/);
  });
});

test('requestOptions are the fields of every kind, by the names of its form', () => {
  const flags = requestOptions().map(({ flags: shown }) => shown.split(' ')[0]);
  const fields = ['message', 'bitcoin', 'ssh', 'git'].flatMap((kind) => requestKind(kind).form.fields);
  expect(new Set(flags)).toEqual(new Set(fields.map(({ name }) => `--${name}`)));
});
