// @module-tag long
import { randomBytes } from 'node:crypto';
import { encodeUtf8 } from '@ckm/foundation';
import { buildMessageRequest } from '@ckm/requests';
import { afterEach, expect, test } from 'vitest';
import type { BareCaller } from '../sessions/test/bare-server.js';
import { createBareServers, makeKey, mallory, SOON } from '../sessions/test/bare-servers.js';
import { BY_DOMAIN } from '../sessions/test/terms.js';
import { ann, askingTerms, requesterOf } from '../votes/test/asked-people.js';

const network = createBareServers();
afterEach(() => network.close());

const WAITING = 10_000;
const SIGNATURES = 40;
/** How much more a signature may take than before: far from what growing with the rows would. */
const MOST_SLOWER = 4;
const random = () => new Uint8Array(randomBytes(32));

test('10,000 waiting: another owner’s signature within its bound', async () => {
  const settings = {
    quota: { waitingRequests: 10_000, bytes: 200_000_000, costPerMinute: 10_000_000 },
  };
  const { servers, callers } = await network.openMany(2, { settings });
  const hers = await makeKey(callers);
  const his: BareCaller[] = [];
  for (const server of servers) his.push(await server.as(mallory));
  const asking = await makeKey(his, { policy: askingTerms(BY_DOMAIN) });
  /** Processor time of one signature, in milliseconds: what others do on this machine does not count. */
  const sign = async () => {
    const started = process.cpuUsage();
    for (let at = 0; at < SIGNATURES; at++) {
      const payload = buildMessageRequest({ domain: 'test', bytes: random() });
      await hers.signer.sign({ kind: 'message', payload }, [1, 2]);
    }
    const { user, system } = process.cpuUsage(started);
    return (user + system) / 1_000 / SIGNATURES;
  };
  await sign();
  const before = await sign();
  const { keyId } = asking;
  for (let at = 0; at < WAITING; at++) {
    const payload = buildMessageRequest({ domain: 'asked', bytes: encodeUtf8(`number ${at}`) });
    const asked = { requestId: random(), keyId, kind: 'message', payload, expiresAt: SOON };
    const rest = { epoch: 0, attempt: null, wanted: null, requester: requesterOf(asked) };
    await his[0]!.call('request.ask', { ...asked, ...rest });
  }
  const count = await servers[0]!.context.storage.read(({ matters }) => matters.countWaiting(null));
  expect(count).toBe(WAITING);
  expect(await sign()).toBeLessThan(MOST_SLOWER * before + 20);
  // And whoever is asked is shown one page.
  const { matters, next } = await servers[0]!.asAnybody(ann).call('approval.list', { after: null });
  expect(matters).toHaveLength(64);
  expect(next).not.toBe(null);
}, 600_000);
