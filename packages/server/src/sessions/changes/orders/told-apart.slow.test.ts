import { nameOfOrder } from '@ckm/api';
import { formatWords, likenessOf } from '@ckm/gordian';
import { carryChange, nextMember } from '@ckm/testkit';
import { afterEach, expect, test } from 'vitest';
import { createBareServers, makeKey, SOON } from '../../test/bare-servers.js';

const network = createBareServers();
afterEach(() => network.close());

const wrong = expect.objectContaining({ code: 'CHANGE_WORDS_WRONG' }) as Error;

test('L14: an operator who is told the six words of an order says no yes to the same one by the words, which took its place meanwhile, nor the other way round', async () => {
  const { servers, callers } = await network.openMany(3);
  const { keyId } = await makeKey(callers, { policy: { changes: 'operator', changeDelay: 0 } });
  const next = servers.map((server, i) => nextMember(server, callers[i]!));
  const order = (byWords?: true) =>
    carryChange({ ...(byWords && { byWords }), servers: callers, keyId, expiresAt: SOON, needed: 3, next });
  const [plain, byWords] = [await order(), await order(true)];
  const { changeDesk } = servers[0]!.sessions;
  const wordsOf = (marked: boolean) => formatWords(likenessOf(nameOfOrder(plain.orderHash, marked)));
  expect(wordsOf(true)).not.toBe(wordsOf(false));
  await plain.propose();
  const [seen] = (await changeDesk.list()).changes;
  await expect(changeDesk.approve(seen!, wordsOf(true))).rejects.toThrow(wrong);
  await byWords.propose();
  await expect(changeDesk.approve(seen!, wordsOf(false))).rejects.toThrow(wrong);
  expect((await changeDesk.list()).changes[0]).toMatchObject({ asked: true });
  await changeDesk.approve(seen!, wordsOf(true));
  expect((await changeDesk.list()).changes[0]).toMatchObject({ asked: false });
});
