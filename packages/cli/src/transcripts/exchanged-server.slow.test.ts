import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startProxy } from '../test/proxy.js';
import { makeOwner } from '../test/make-owner.js';
import { callCkm } from '../test/call-ckm.js';
import { errorOf } from '../test/run-ckm.js';
import { type Setup, openSetup } from '../test/run-server.js';

let setup: Setup;
let environment: Record<string, string>;

beforeAll(async () => {
  setup = await openSetup();
  environment = { ...setup.environment, CKM_HOME: join(setup.scratch.path, 'compared') };
  await makeOwner(environment);
}, 120_000);
afterAll(() => setup.close());

describe('V63: whoever shows one server to be compared and another one to be pinned', () => {
  test.each([[['--yes']], [['--yes', '--json']]])('pins neither, with %s', async (flags) => {
    const proxy = await startProxy(setup.servers['alpha']!.url);
    proxy.target = (count) => setup.servers[count === 1 ? 'alpha' : 'bravo']!.url;
    const outcome = await callCkm(['server', 'add', 'alpha', proxy.url, ...flags], { environment });
    await proxy.close();
    expect(errorOf(outcome).code).toBe('SERVER_LIKENESS_MISMATCH');
    expect(outcome.stdout).not.toContain('"xid"');
    expect(outcome.status).toBe(77);
    expect(readdirSync(environment['CKM_HOME']!, { recursive: true }).map(String)).not.toContain(
      join('store', 'servers', 'alpha'),
    );
  });

  test('an honest one is pinned as it was shown', async () => {
    const url = setup.servers['alpha']!.url;
    const shown = await callCkm(['server', 'add', 'alpha', url, '--preview', '--json'], { environment });
    const { stdout } = await callCkm(['server', 'add', 'alpha', url, '--yes', '--json'], { environment });
    const pinned = JSON.parse(
      (await callCkm(['server', 'show', 'alpha', '--json'], { environment })).stdout,
    ) as {
      xid: string;
    };
    const { preview, ...seen } = JSON.parse(shown.stdout) as { preview: boolean; xid: string };
    expect(preview).toBe(true);
    expect(JSON.parse(stdout)).toEqual(seen);
    expect(pinned.xid).toBe(seen.xid);
  });
});
