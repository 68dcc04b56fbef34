import type { FunctionName } from '@ckm/api';
import { StateError } from '@ckm/foundation';
import { encodeCertificate, encodeChangeCertificate } from '@ckm/threshold';
import { decided, generate } from '@ckm/threshold/test';
import { describe, expect, test } from 'vitest';
import type { ServerLink } from '../../carrier/server-link.js';
import { askWithChain, pagesOf } from './show-chain.js';

const SERVERS = ['alpha', 'bravo'];
const keyId = new Uint8Array(32);

/** Certificates of five epochs. */
const chain = (() => {
  let epoch = generate('ed25519', { needed: 2, of: 2 });
  const certificates = [encodeCertificate(epoch.first)];
  for (let i = 1; i < 5; i++) {
    const wish = { dealers: SERVERS, members: SERVERS, needed: 2, label: `${i}` };
    const next = decided(epoch, wish, [1, 2]);
    certificates.push(encodeChangeCertificate(next.certificate));
    epoch = next.epoch;
  }
  return certificates;
})();

const refusal = (code: string, epoch: number) =>
  new StateError('not shown', { code, hint: 'show it', facts: { epoch } });

/** A server that was shown so many of these certificates, or says so. */
function serverWith(shown: number, chainPageBytes: number, says = shown - 1) {
  const asked: number[][] = [];
  const take = (certificates: readonly Uint8Array[]) => {
    const at = chain.indexOf(certificates[0]!);
    asked.push(certificates.map((one) => chain.indexOf(one)));
    if (at > shown) throw refusal('CHAIN_NOT_SHOWN', says);
    shown = Math.max(shown, at + certificates.length);
  };
  const call = async (name: FunctionName, parameters: { readonly certificates: readonly Uint8Array[] }) => {
    expect(name).toBe('key.learn');
    take(parameters.certificates);
  };
  const link = { chainPageBytes, call } as unknown as ServerLink;
  const ask = () =>
    askWithChain(link, keyId, chain, async (certificates) => {
      take(certificates);
      return 'done';
    });
  return { ask, asked };
}

const length = Math.max(...chain.map((one) => one.length));

describe('a chain of certificates', () => {
  test('goes into one message where it is short enough', async () => {
    const { ask, asked } = serverWith(0, 5 * length);
    expect(await ask()).toBe('done');
    expect(asked).toEqual([[0, 1, 2, 3, 4]]);
  });

  test('is shown in pages before its newest certificate where it is not, and once only', async () => {
    const { ask, asked } = serverWith(0, 2 * length, -1);
    expect(await ask()).toBe('done');
    expect(asked).toEqual([[4], [0, 1], [2, 3], [4]]);
    expect(await ask()).toBe('done');
    expect(asked.slice(4)).toEqual([[4]]);
  });

  test('is gone on with where a server was shown a part of it', async () => {
    const { ask, asked } = serverWith(2, 1);
    expect(await ask()).toBe('done');
    expect(asked).toEqual([[4], [2], [3], [4]]);
  });

  test('is shown from its beginning where what a server was shown is another chain', async () => {
    const { ask, asked } = serverWith(0, 1, 2);
    expect(await ask()).toBe('done');
    expect(asked).toEqual([[4], [3], [0], [1], [2], [3], [4]]);
  });

  test('is cut into pages none of which is longer than one message, but for a certificate that is', () => {
    expect(pagesOf(chain, 2 * length).map((page) => page.length)).toEqual([2, 2, 1]);
    expect(pagesOf(chain, 1).map((page) => page.length)).toEqual([1, 1, 1, 1, 1]);
    expect(pagesOf([], 1)).toEqual([]);
  });
});
