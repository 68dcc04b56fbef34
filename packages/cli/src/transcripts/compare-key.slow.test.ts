import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { interrupted } from '../test/interrupted.js';
import { makeOwner } from '../test/make-owner.js';
import { hasProgram } from '../test/programs.js';
import { startProxy } from '../test/proxy.js';
import { FIRST_WORDS } from '../terminal/called-as.js';
import { errorOf } from '../test/run-ckm.js';
import { runOnTerminal } from '../test/run-on-terminal.js';
import { createKey, type Setup, openSetup } from '../test/run-server.js';

const isHere = hasProgram('script', '--version');
const QUESTION = /Does every operator see the same/;
const [DOWN, CTRL_C] = ['\u001b[B', '\u0003'];
const SERVERS = ['alpha', 'bravo', 'charlie'];
/** A command that only somebody can run who has `ckm` in the PATH. */
const BARE = new RegExp(`(?<![\\w./-])ckm (?:${FIRST_WORDS.join('|')}|-)`);

let setup: Setup;

beforeAll(async () => {
  setup = await openSetup();
}, 120_000);
afterAll(() => setup.close());

describe('a key whose likeness nobody has compared', () => {
  beforeAll(() => createKey(setup, 'mail', '--for', 'message'));

  test('says so wherever it is shown, and how to settle it', async () => {
    expect((await setup.ckm(['key', 'show', 'mail'])).stdout).toMatch(
      /Compared +not yet: ckm key compare mail/,
    );
    expect((await setup.ckm(['status'])).stdout).toMatch(/mail .*not compared: ckm key compare mail/);
    const { stdout, status } = await setup.ckm(['doctor']);
    expect(stdout).toMatch(/warn +mail +not compared with what operators see +fix: .*ckm key compare mail/);
    expect(status).toBe(0);
  });

  test('called as ./ckm, as in a clone, names every command so; what programs read names it ckm', async () => {
    const inClone = { environment: { CKM_CALLED_AS: './ckm' } };
    const said = async (...args: string[]) => {
      const { stdout, stderr } = await setup.ckm(args, inClone);
      expect(`${stdout}${stderr}`).not.toMatch(BARE);
      return `${stdout}${stderr}`;
    };
    expect(await said('key', 'show', 'mail')).toMatch(/Compared +not yet: \.\/ckm key compare mail/);
    expect(await said('status')).toMatch(/mail .*not compared: \.\/ckm key compare mail/);
    expect(await said('doctor')).toMatch(/warn +mail .*fix: .*: \.\/ckm key compare mail/);
    expect(await said('key', 'compare', 'mail')).toMatch(/error: .*\(\.\/ckm server keys FOLDER\)\?/);
    expect(await said()).toContain('choose one from: ./ckm --help');
    expect(await said('key')).toContain('choose one from: ./ckm key --help');
    expect(await said('--help')).toMatch(/^Usage: \.\/ckm \[options\]/);
    expect(await said('key', 'show', '--help')).toMatch(/see \.\/ckm key list[^]*: \.\/ckm help exit/);
    const asked = await setup.ckm(['sign', 'mail', '--message', 'now ckm status', '--preview'], inClone);
    expect(asked.stderr).toContain('“now ckm status”');
    const read = JSON.stringify([
      await setup.json(['doctor'], inClone),
      JSON.parse((await setup.ckm(['key', '--json'], inClone)).stdout),
    ]);
    expect(read).toContain(': ckm key compare mail');
    expect(read).not.toContain('./ckm');
  });

  test.skipIf(!isHere)('names them so in a question too (needs script)', async () => {
    const environment = { ...setup.environment, CKM_CALLED_AS: './ckm' };
    const { screen } = await runOnTerminal(
      ['key', 'compare', 'mail'],
      [[QUESTION, CTRL_C]],
      environment,
      120,
    );
    expect(screen).toContain('(./ckm server keys FOLDER)?');
  });

  test('is settled for good by its owner’s word, and by nobody’s --yes', async () => {
    const unasked = await setup.ckm(['key', 'compare', 'mail', '--yes']);
    expect(errorOf(unasked).code).toBe('INPUT_NEEDED');
    await setup.ckm(['key', 'compare', 'mail', '--answer', 'same', '--preview']);
    expect(await setup.json(['key', 'show', 'mail'])).toMatchObject({ comparison: null });
    const same = await setup.ckm(['key', 'compare', 'mail', '--answer', 'same']);
    expect([same.status, same.stdout]).toEqual([0, 'mail is the same at every operator\n']);
    expect((await setup.ckm(['key', 'show', 'mail'])).stdout).toMatch(/Compared +the same at every operator/);
    const seen = `${(await setup.ckm(['status'])).stdout}${(await setup.ckm(['doctor'])).stdout}`;
    expect(seen).not.toContain('compare');
  });
});

describe('a key of which an operator sees another likeness', () => {
  beforeAll(async () => {
    await createKey(setup, 'savings', '--for', 'bitcoin');
    const told = await setup.ckm(['key', 'compare', 'savings', '--answer', 'different']);
    expect([told.status, errorOf(told).code]).toEqual([76, 'KEY_LIKENESS_DIFFERS']);
    expect(errorOf(told).hint).toContain('ckm key compare savings');
  });

  test('is red in status and doctor, and none of its public half is shown', async () => {
    const { stdout, status } = await setup.ckm(['doctor']);
    expect([status, stdout]).toEqual([69, expect.stringMatching(/fail +savings +an operator sees another/)]);
    expect((await setup.ckm(['status'])).stdout).toMatch(/savings .*an operator sees another likeness/);
    const shown = (await setup.ckm(['key', 'show', 'savings'])).stdout;
    expect(shown).toMatch(/Compared +an operator sees another likeness/);
    expect(shown).not.toMatch(/Address|tr\(|bc1p/);
    expect(await setup.json(['key', 'show', 'savings'])).toMatchObject({ public: null, address: null });
  });

  test('stands on a recovery sheet without its public half', async () => {
    expect(await setup.json(['sheet'])).toMatchObject({
      keys: [
        { name: 'mail', publicForm: {} },
        { name: 'savings', publicForm: null },
      ],
    });
  });

  test('is not offered to SSH', async () => {
    await createKey(setup, 'laptop', '--for', 'ssh');
    await setup.ckm(['key', 'compare', 'laptop', '--answer', 'different']);
    const refused = await setup.ckm(['ssh-agent', '--', 'true']);
    expect([refused.status, errorOf(refused).code]).toEqual([76, 'KEY_LIKENESS_DIFFERS']);
    await setup.ckm(['key', 'forget', 'laptop', '--key-name', 'laptop']);
  });

  test.each([
    [['sign', 'savings', '--message', 'x', '--yes']],
    [['address', 'savings']],
    [['key', 'show', 'savings', '--public']],
  ])('does not do: ckm %j', async (args) => {
    const refused = await setup.ckm(args);
    expect([refused.status, errorOf(refused).code, refused.stdout]).toEqual([76, 'KEY_LIKENESS_DIFFERS', '']);
  });

  test('serves again, still under another name, once its owner has settled it', async () => {
    await setup.ckm(['key', 'rename', 'savings', 'chest']);
    expect(errorOf(await setup.ckm(['address', 'chest'])).code).toBe('KEY_LIKENESS_DIFFERS');
    await setup.ckm(['key', 'compare', 'chest', '--answer', 'same']);
    expect((await setup.ckm(['address', 'chest'])).stdout).toMatch(/^bc1p/);
  });
});

describe.skipIf(!isHere)('the question whether operators see the same', () => {
  const made = ['--for', 'message', '--quorum', '2of3', '--servers', SERVERS.join()];

  test('that is left after a key was made does not say that nothing was done (needs script)', async () => {
    const { status, screen } = await runOnTerminal(
      ['key', 'create', 'files', ...made],
      [
        [/Make this key\?/, 'y\r'],
        [QUESTION, CTRL_C],
      ],
      setup.environment,
    );
    expect(screen).toContain('the key files is made, and not compared yet');
    expect(screen).toContain('ckm key compare files');
    expect([status, screen]).toEqual([0, expect.not.stringContaining('nothing was done')]);
  });

  test('is asked when the making of a key is gone on with, and its answer kept (needs script)', async () => {
    const proxies = await Promise.all(SERVERS.map((name) => startProxy(setup.servers[name]!.url)));
    const environment = { ...setup.environment, CKM_HOME: join(setup.scratch.path, 'resumed') };
    await makeOwner(environment, Object.fromEntries(SERVERS.map((name, i) => [name, proxies[i]!.url])));
    proxies[1]!.before = () => 'hang';
    await interrupted(['key', 'create', 'k', ...made, '--yes'], environment, (stderr) =>
      /making [0-9a-f]{8}/.test(stderr),
    );
    proxies[1]!.before = () => 'pass';
    const seen = await runOnTerminal(['sessions', 'resume'], [[QUESTION, `${DOWN}\r`]], environment);
    expect(seen.status).toBe(0);
    expect(await setup.json(['key', 'show', 'k'], { environment })).toMatchObject({
      comparison: { outcome: 'same' },
    });
    await Promise.all(proxies.map((proxy) => proxy.close()));
  });
});
