import { connectOperator } from '@ckm/server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { errorOf, treeHash } from '../test/run-ckm.js';
import { createKey, type Setup, openSetup } from '../test/run-server.js';

const SENTENCE = 'Sign the message “Pay the baker” in the domain ckm with treasury';

let setup: Setup;
let home: string;
let id: string;

beforeAll(async () => {
  setup = await openSetup();
  home = setup.environment['CKM_HOME']!;
  await createKey(setup, 'treasury', '--for', 'message', '--approval', 'operator');
  const asked = ['sign', 'treasury', '--message', 'Pay the baker', '--wait', '0s', '--yes'];
  expect(errorOf(await setup.ckm(asked)).code).toBe('REQUEST_WAITING');
  [{ id }] = await setup.json<[{ id: string }]>(['requests', 'list', '--open']);
}, 120_000);
afterAll(() => setup.close());

const approveAt = async (name: string) => {
  const operator = connectOperator(setup.folderOf(name));
  const [request] = (await operator.requests()).requests;
  const approved = await setup.ckm(['server', 'approve', setup.folderOf(name), request!.requestId, '--yes']);
  expect(approved.status).toBe(0);
};

test('a signature is not gone on with unseen: it is shown again, and nobody’s yes is no yes', async () => {
  const before = treeHash(home);
  const outcome = await setup.ckm(['requests', 'resume', id]);
  expect(outcome.stderr).toContain(SENTENCE);
  expect(outcome.stderr).toMatch(/Message +“Pay the baker”/);
  expect(outcome.stderr).toMatch(/Servers +any 2 of alpha, bravo, charlie/);
  expect([outcome.status, errorOf(outcome).code]).toEqual([64, 'INPUT_NEEDED']);
  const preview = await setup.ckm(['requests', 'resume', id, '--preview']);
  expect(preview.stderr).toContain(SENTENCE);
  expect([preview.status, preview.stdout]).toEqual([0, 'would go on with signing with treasury\n']);
  expect(treeHash(home)).toBe(before);
});

test('with --wait it is left again, and after the operators’ yes it is signed', async () => {
  const early = await setup.ckm(['requests', 'resume', id, '--wait', '0s', '--yes']);
  expect([early.status, errorOf(early).code]).toEqual([77, 'REQUEST_WAITING']);
  await approveAt('alpha');
  await approveAt('bravo');
  const outcome = await setup.ckm(['requests', 'resume', id, '--yes']);
  expect(outcome.stderr).toContain(SENTENCE);
  expect(outcome.stdout).toMatch(/^[0-9a-f]{128}\n$/);
  // Nobody is asked again for what is signed.
  const again = await setup.ckm(['requests', 'resume', id]);
  expect(again).toMatchObject({ status: 0, stdout: outcome.stdout });
  expect(again.stderr).not.toContain('Policy');
});
