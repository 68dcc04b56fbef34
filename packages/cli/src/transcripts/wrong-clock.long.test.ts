// @module-tag long
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasProgram } from '../test/programs.js';
import { CKM, errorOf, type Outcome, runCkm, runProgram } from '../test/run-ckm.js';
import { createKey, openSetup, type Setup } from '../test/run-server.js';

let setup: Setup;

beforeAll(async () => {
  setup = await openSetup();
  await createKey(setup, 'notes', '--for', 'message');
}, 120_000);
afterAll(() => setup.close());

/** Runs `ckm` in a process whose clock is wrong by so many seconds. */
function ckmAt(seconds: number, ...args: readonly string[]): Promise<Outcome> {
  const code = `const now=Date.now;Date.now=()=>now()+${seconds * 1_000}`;
  const NODE_OPTIONS = `--import=data:text/javascript,${encodeURIComponent(code)}`;
  return runCkm(args, { environment: { ...setup.environment, NODE_OPTIONS } });
}

const SIGN = ['sign', 'notes', '--message', 'x', '--yes'];
const MAKE = ['--for', 'message', '--quorum', '2of3', '--servers', 'alpha,bravo,charlie', '--yes'];

describe('ckm on a machine whose clock is wrong names the clock, and by how much', () => {
  test.each([
    [240, '4 min ahead of'],
    [-3_600, '60 min behind'],
  ])('by %d s', async (seconds, distance) => {
    const text = `your clock is ${distance} alpha, bravo and charlie`;
    const signed = await ckmAt(seconds, ...SIGN);
    expect([signed.status, signed.stdout]).toEqual([69, '']);
    expect(errorOf(signed)).toEqual({
      code: 'CLOCK_DIFFERS',
      message: `too few servers can sign, 2 are needed: ${text}`,
      hint: 'set the clock of this machine (NTP), then try again',
    });
    const made = errorOf(await ckmAt(seconds, 'key', 'create', seconds > 0 ? 'early' : 'late', ...MAKE));
    expect(made).toMatchObject({ code: 'CLOCK_DIFFERS', message: text });
    expect(made.hint).toMatch(
      /set the clock of this machine \(NTP\), then go on: ckm sessions resume [0-9a-f]{8}$/,
    );
    const status = await ckmAt(seconds, 'status');
    expect(status.stdout).toContain(`  ${text}: set the clock of this machine (NTP)\n`);
    expect(status.stdout).toMatch(/^ {2}notes .* cannot sign(?! ?:)/m);
    const doctor = await ckmAt(seconds, 'doctor');
    expect(doctor.stdout).toMatch(new RegExp(`^fail +clock +${text}`, 'm'));
  });

  test('by 90 s and behind, it signs all the same and says so', async () => {
    const signed = await ckmAt(-90, ...SIGN);
    expect([signed.status, signed.stdout]).toEqual([0, expect.stringMatching(/^[0-9a-f]{128}\n$/)]);
    expect(signed.stderr).toMatch(/ckm: warning: your clock is (89|90|91) s behind /);
  });

  test('by 90 s and ahead, it says so and signs nothing', async () => {
    expect(errorOf(await ckmAt(90, ...SIGN)).message).toMatch(/your clock is (89|90|91) s ahead of alpha, /);
  });

  test('when a server is added, in the words of that server alone', async () => {
    const environment = { ...setup.environment, CKM_HOME: `${setup.scratch.path}/other` };
    expect((await runCkm(['init'], { environment })).status).toBe(0);
    const code = 'const now=Date.now;Date.now=()=>now()+240000';
    const NODE_OPTIONS = `--import=data:text/javascript,${encodeURIComponent(code)}`;
    const added = await runCkm(['server', 'add', 'alpha', setup.servers['alpha']!.url, '--yes'], {
      environment: { ...environment, NODE_OPTIONS },
    });
    expect(errorOf(added)).toMatchObject({
      code: 'CLOCK_DIFFERS',
      message: 'your clock is 4 min ahead of alpha',
      hint: 'look which of the two clocks is wrong, and set it (NTP), then try again',
    });
  });

  test.skipIf(!hasProgram('faketime', '--version'))(
    'as the operating system tells it (needs faketime)',
    async () => {
      const at = ['-m', '-f', '+240s', process.execPath, CKM];
      const signed = await runProgram('faketime', [...at, ...SIGN], { environment: setup.environment });
      expect(errorOf(signed).message).toMatch(/your clock is 4 min ahead of alpha, bravo and charlie$/);
    },
  );
});
