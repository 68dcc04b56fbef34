import type { Client, PreparedRequest } from '@ckm/client';
import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import type { Hop } from '../agent/bound-sessions.js';
import type { Context } from '../command-line/context.js';
import { ed25519Host, loginData } from '../test/agent-messages.js';
import { agentKeys } from './agent-keys.js';

const user = ed25519Host().blob;
const data = loginData(new Uint8Array(randomBytes(32)), ed25519Host().blob, user);
const hop = (server: string, isProven = true): Hop => ({ server, isProven });

/** One signature asked of an agent whose owner is to be asked first, and cannot be. */
async function askFor(hops: readonly Hop[], isThere: boolean) {
  const said: string[] = [];
  const description = { sentence: 'Log in', rows: [], warnings: [], blind: false };
  const asked = { description, refusal: null } as unknown as PreparedRequest;
  const client = { prepare: () => Promise.resolve(asked) } as unknown as Client;
  const terminal = {
    input: false,
    style: (_: string, text: string) => text,
    warn: (text: string) => said.push(text),
  };
  const context = { terminal, flags: {} } as unknown as Context;
  const quorum = { needed: 2, of: 3 };
  const key = { name: 'laptop', blob: user, isHandedOut: true, quorum, kinds: ['ssh'] };
  const options = { waitSeconds: 1, isAsking: true, isBlindWanted: false };
  const [offered] = agentKeys(context, client, [key], options);
  const signature = offered!.sign(data, { hops, isThere: () => Promise.resolve(isThere) });
  return { signature: await signature.catch((error: unknown) => error), notes: said.slice(1) };
}

test('the owner is not asked for a program that has ended', async () => {
  expect((await askFor([], false)).signature).toBeNull();
  expect((await askFor([], true)).signature).toMatchObject({ code: 'INPUT_NEEDED' });
});

test.each<[string, readonly Hop[], readonly string[]]>([
  ['here', [], []],
  [
    'on one other machine',
    [hop('SHA256:a')],
    ['ckm: note: asked from the SSH server SHA256:a, to which this agent was handed on (ssh -A)'],
  ],
  [
    'behind three, one of which cannot be checked',
    [hop('SHA256:a'), hop('SHA256:b', false), hop('SHA256:c')],
    [
      'ckm: note: asked from the SSH server SHA256:a, to which this agent was handed on (ssh -A), or from behind it: ' +
        'it says that it handed the agent on to SHA256:b (a kind of key that cannot be checked here), then to SHA256:c',
    ],
  ],
])('a program %s is said to be there, with every server in between', async (_where, hops, notes) => {
  expect((await askFor(hops, false)).notes).toEqual(notes);
});
