// @module-tag long
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { errorOf, type Outcome, treeHash } from '../test/run-ckm.js';
import {
  createKey,
  type Setup,
  type SetupServer,
  openSetup,
  startServerProcess,
} from '../test/run-server.js';

/** What an operator keeps outside the machine when he keeps little. */
const SMALL_BACKUP = ['config.json', 'identity', 'storage.key'];

let setup: Setup;
let alpha: SetupServer;

/** Everything but the small backup is gone; the server starts again where it was. */
async function loseDatabase(name: string, server: SetupServer): Promise<SetupServer> {
  const folder = setup.folderOf(name);
  await server.stop('SIGKILL');
  for (const file of readdirSync(folder)) {
    if (!SMALL_BACKUP.includes(file)) rmSync(join(folder, file), { recursive: true });
  }
  const path = join(folder, 'config.json');
  const settings = JSON.parse(readFileSync(path, 'utf8')) as { listen: object; accounts: string };
  const port = Number(new URL(server.url).port);
  // In the meantime its operator has become careful about whom he takes.
  const changed = { ...settings, listen: { ...settings.listen, port }, accounts: 'invite' };
  writeFileSync(path, JSON.stringify(changed));
  return startServerProcess(folder);
}

beforeAll(async () => {
  setup = await openSetup({ asProcesses: true, settings: { backup: 'static' } });
  alpha = setup.servers['alpha']!;
  await createKey(setup, 'letters', '--for', 'message', '--recovery', 'static');
}, 120_000);
afterAll(async () => {
  await alpha.stop('SIGKILL');
  await setup.close();
});

const verdictOn = (outcome: Outcome, server: string) =>
  outcome.stdout.split('\n').find((line) => new RegExp(`^ *(ok|fail) +${server} `).test(line));

describe('a server that lost its database, and kept config.json, storage.key and identity', () => {
  test('is another life of the same server that knows nobody: verify, doctor and status say what is lost', async () => {
    alpha = await loseDatabase('alpha', alpha);
    const verified = await setup.ckm(['key', 'verify', 'letters']);
    expect(verdictOn(verified, 'alpha')).toContain(
      'does not know you any more, as if it had lost its database',
    );
    expect(errorOf(verified)).toEqual({
      message: 'alpha has lost its share of letters',
      hint: 'have it get the share back: ckm key repair letters --server alpha',
      code: 'SHARE_LOST',
    });
    expect(verified.status).toBe(69);
    const { stdout } = await setup.ckm(['doctor']);
    expect(stdout).toMatch(
      /fail +letters on alpha +does not know you.*fix: have it get its share back: ckm key repair letters --server alpha/,
    );
    expect((await setup.ckm(['status'])).stdout).toMatch(/alpha +does not know you any more/);
  });

  test('previewed, restoring sends and writes nothing', async () => {
    const before = treeHash(setup.environment['CKM_HOME']!);
    const { stdout, status } = await setup.ckm(['key', 'restore', 'letters', '--preview']);
    expect([status, stdout]).toEqual([
      0,
      'nothing was sent; would ask alpha, bravo, charlie, and restore where the share of letters is lost\n',
    ]);
    expect(treeHash(setup.environment['CKM_HOME']!)).toBe(before);
  });

  test.each([
    [['letters', '--servers', 'alpha,,bravo'], 'OPTION_INVALID', 64],
    [['letters', '--servers', 'delta'], 'QUORUM_SERVERS_MISMATCH', 64],
    [['other'], 'KEY_UNKNOWN', 64],
    [['letters'], 'KEY_NOT_RESTORED', 69],
    [['letters', '--invite-file', 'of-nobody'], 'KEY_NOT_RESTORED', 69],
  ])('asked with %j gets no share: %s', async (args, code, status) => {
    const file = setup.scratch.file('of-nobody', 'ckm-nothing\n');
    const named = args.map((arg) => (arg === 'of-nobody' ? file : arg));
    const outcome = await setup.ckm(['key', 'restore', ...named]);
    expect(errorOf(outcome).code).toBe(code);
    expect(outcome.status).toBe(status);
    if (code !== 'KEY_NOT_RESTORED') return;
    expect(verdictOn(outcome, 'alpha')).toContain('fail');
    expect(verdictOn(outcome, 'charlie')).toMatch(/ok +charlie +has its share/);
  });

  test('takes the owner back by invite, recovers its share from the certificate, and has that in its log', async () => {
    const { code } = await setup.json<{ code: string }>([
      'server',
      'invite',
      'create',
      setup.folderOf('alpha'),
    ]);
    const restored = await setup.ckm([
      'key',
      'restore',
      'letters',
      '--servers',
      'alpha',
      '--invite-file',
      setup.scratch.file('invite', code),
    ]);
    expect({ status: restored.status, stderr: restored.stderr }).toEqual({ status: 0, stderr: '' });
    expect(verdictOn(restored, 'alpha')).toMatch(/ok +alpha +has its share again/);
    const again = await setup.json<{ isSound: boolean; servers: { outcome: string }[] }>([
      'key',
      'restore',
      'letters',
    ]);
    expect(again.isSound).toBe(true);
    expect(again.servers.map(({ outcome }) => outcome)).toEqual(['held', 'held', 'held']);
    const { stdout } = await setup.ckm(['server', 'audit', 'show', setup.folderOf('alpha')]);
    expect(stdout).toContain('Restore a key (ed25519) for message from its certificate.');
    expect(await setup.json(['key', 'verify', 'letters'])).toMatchObject({ isSound: true });
  });

  test('signs with one other server while the third is stopped', async () => {
    await setup.servers['charlie']!.stop();
    const signed = await setup.json<{ signers: string[]; artefact: string }>([
      'sign',
      'letters',
      '--message',
      'from the grave',
      '--yes',
    ]);
    expect(signed.signers).toEqual(['alpha', 'bravo']);
    expect(signed.artefact).toMatch(/^[0-9a-f]{128}$/);
  });
});
