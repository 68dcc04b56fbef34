// @module-tag long
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { callCkm } from '../test/call-ckm.js';
import { interrupted } from '../test/interrupted.js';
import { makeOwner } from '../test/make-owner.js';
import { type Proxy, startProxy, type Verdict } from '../test/proxy.js';
import { errorOf } from '../test/run-ckm.js';
import { type Setup, openSetup } from '../test/run-server.js';

const SERVERS = ['alpha', 'bravo', 'charlie'];

let setup: Setup;
let proxies: Proxy[];
let environment: Record<string, string>;

beforeAll(async () => {
  setup = await openSetup();
  proxies = await Promise.all(SERVERS.map((name) => startProxy(setup.servers[name]!.url)));
  environment = { ...setup.environment, CKM_HOME: join(setup.scratch.path, 'left-late') };
  await makeOwner(environment, Object.fromEntries(SERVERS.map((name, i) => [name, proxies[i]!.url])));
  const what = ['key', 'create', 'k', '--for', 'message', '--quorum', '2of3', '--servers', SERVERS.join()];
  expect(await callCkm([...what, '--yes'], { environment })).toMatchObject({ status: 0 });
  // Fills the pools: the next signature takes one question to each of two servers.
  await callCkm(['sign', 'k', '--message', 'first', '--yes'], { environment });
}, 120_000);
afterAll(async () => {
  await Promise.all(proxies.map((proxy) => proxy.close()));
  await setup.close();
});

/** Kept by the second server that answers until Ctrl-C was pressed, and `ms` longer or less. */
function secondAnswer(ms: number): Promise<void> {
  let answers = 0;
  return new Promise((resolve) => {
    for (const proxy of proxies) {
      proxy.after = async (): Promise<Verdict> => {
        if (++answers !== 2) return 'pass';
        if (ms >= 0) setTimeout(resolve, ms);
        else {
          resolve();
          await sleep(-ms);
        }
        return 'pass';
      };
    }
  });
}

test.each([-400, 0, 2, 5, 10, 20, 40, 80, 160])(
  'Ctrl-C %i ms after the last share left its server loses no signature: it is in the file that was named, or the hint puts it there',
  async (ms) => {
    const out = join(setup.scratch.path, `left${ms}.sig`);
    const left = await interrupted(
      ['sign', 'k', '--message', `left ${ms}`, '--yes', '--out', out],
      environment,
      secondAnswer(ms),
    );
    if (left.status !== 0) {
      const { code, hint } = errorOf(left);
      expect([left.status, code]).toEqual([75, 'REQUEST_LEFT']);
      const [, id] = /ckm requests resume ([0-9a-f]{8})/.exec(hint)!;
      const resumed = await callCkm(['requests', 'resume', id!, '--yes'], { environment });
      expect([resumed.status, resumed.stderr]).toEqual([0, expect.not.stringContaining('error:')]);
    }
    expect(existsSync(out)).toBe(true);
    expect(await callCkm(['requests', 'list', '--open'], { environment })).toMatchObject({
      stdout: 'no requests\n',
    });
  },
);
