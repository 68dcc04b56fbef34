import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createClient, fileStore } from '@ckm/client/node';
import { CkmError, encodeHex, encodeUtf8, secret } from '@ckm/foundation';
import { buildMessageRequest } from '@ckm/requests';

/**
 * A device of an owner in a process of its own: does one thing, and says on its last line what came of it. Arguments: the folder of its records, and what
 * it is to do as JSON.
 */
export type DeviceDeed =
  | {
      readonly does: 'make' | 'find';
      readonly name: string;
      readonly servers: readonly { name: string; url: string }[];
    }
  /** `pauseAt`: where it stands still before its first question, leaves a file `at`, and goes on when there is a file `go`. */
  | { readonly does: 'refresh'; readonly name: string; readonly pauseAt?: string }
  | { readonly does: 'sign'; readonly name: string; readonly without: readonly string[] }
  | { readonly does: 'show'; readonly name: string };

/** `code` of what it ended with; null: it is through. */
export interface DeviceSaid {
  readonly code: string | null;
  readonly text: string;
  readonly epoch?: number;
  readonly transcriptHash?: string;
  readonly groupKey?: string;
  readonly isSound?: boolean;
}

const TIMEOUT_MS = 2_000;
const LOOK_MS = 10;
const [folder = '', words = '{}'] = process.argv.slice(2);
const deed = JSON.parse(words) as DeviceDeed;
const client = createClient({
  seed: secret(new Uint8Array(32).fill(7)),
  store: fileStore(join(folder, 'store')),
  timeoutMs: TIMEOUT_MS,
});

/** Nothing of this process goes on meanwhile. */
function standStill(): void {
  writeFileSync(join(folder, 'at'), '');
  const nothing = new Int32Array(new SharedArrayBuffer(4));
  while (!existsSync(join(folder, 'go'))) Atomics.wait(nothing, 0, 0, LOOK_MS);
}

async function act(): Promise<Omit<DeviceSaid, 'code' | 'text'>> {
  const { name } = deed;
  switch (deed.does) {
    case 'make':
    case 'find': {
      for (const server of deed.servers) await client.addServer(server);
      const servers = deed.servers.map((one) => one.name);
      const quorum = { needed: servers.length / 2, of: servers.length };
      if (deed.does === 'make') await client.createKey({ name, purpose: 'message', quorum, servers });
      else await client.keepKey((await client.fetchKeys()).keys[0]!, { name });
      return {};
    }
    case 'refresh': {
      let { pauseAt } = deed;
      const changed = await client.changeKey({ name, wish: { kind: 'refresh' } }, ({ text }) => {
        if (text !== pauseAt) return;
        pauseAt = undefined;
        standStill();
      });
      return { epoch: changed.epoch };
    }
    case 'sign': {
      const bytes = encodeUtf8(`message of ${folder} without ${deed.without.join()}`);
      await client.sign({
        key: name,
        kind: 'message',
        payload: buildMessageRequest({ domain: 'halves', bytes }),
        without: deed.without,
      });
      return {};
    }
    case 'show':
  }
  const { isSound } = await client.verifyKey(name);
  const { newest } = await client.showKey(name);
  const groupKey = encodeHex(newest.public.groupKey);
  return {
    epoch: newest.params.epoch,
    transcriptHash: encodeHex(newest.transcriptHash),
    groupKey,
    isSound,
  };
}

async function say(): Promise<DeviceSaid> {
  try {
    return { code: null, text: '', ...(await act()) };
  } catch (error) {
    if (!(error instanceof CkmError) || error.errorClass === 'BugError') throw error;
    return { code: error.code, text: error.message };
  }
}

const said = await say();
await client.close();
process.stdout.write(`${JSON.stringify(said)}\n`);
