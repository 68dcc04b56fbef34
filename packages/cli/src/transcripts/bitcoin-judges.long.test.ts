// @module-tag long
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { askPython } from '../test/judges/ask-python.js';
import { type BitcoinNode, startBitcoinNode } from '../test/judges/bitcoin-node.js';
import { hasBtcd, hasPython } from '../test/judges/find-judges.js';
import type { Address } from '../test/payment.js';
import { createKey, openSetup, type Setup } from '../test/run-server.js';

/** A transaction with the id that whoever made it gives it. */
interface Prepared {
  readonly psbt: string;
  readonly txid: string;
}
/** What `ckm sign --json` says. */
interface Signed {
  readonly artefact: string;
  readonly sentence: string;
  readonly details: { readonly txid: string; readonly feeSats: number; readonly virtualBytes: number };
}
interface Final {
  readonly transaction: string;
  readonly txid: string;
}
/** A coin, and where it comes from: an address of the key, or bob. */
interface Coin {
  readonly txid: string;
  readonly vout: number;
  readonly sats: number;
  readonly chain?: 'receive' | 'change';
  readonly index?: number;
}
interface Output {
  readonly value: number;
  readonly scriptPubKey: { readonly hex: string };
}

const SATS = 100_000_000;
/** Of so many blocks the first twelve pay coins that may be spent. */
const BLOCKS = 112;
const RIPE = 12;

const MODULES = ['pbk', 'bdkpython', 'embit'];
const isHere = hasBtcd() && hasPython(...MODULES);

describe.skipIf(!isHere)(
  'what wallets make and a quorum signs (needs btcd, bdkpython, embit, py-bitcoinkernel)',
  () => {
    let setup: Setup;
    let node: BitcoinNode;
    let descriptors: { readonly receive: string; readonly change: string };
    let count = 0;
    /** Transactions that the key takes part in, in order. */
    const known: string[] = [];

    const addressOf = (index: number, ...flags: string[]) =>
      setup.json<Address & { address: string }>(['address', 'treasury', '--index', String(index), ...flags]);

    beforeAll(async () => {
      setup = await openSetup({ asProcesses: true });
      await createKey(setup, 'treasury', '--for', 'bitcoin', '--network', 'regtest');
      const { stdout } = await setup.ckm(['key', 'show', 'treasury', '--public', '--single']);
      const [receive, change] = stdout.trimEnd().split('\n');
      descriptors = { receive: receive!, change: change! };
      node = await startBitcoinNode([(await addressOf(0)).address, (await addressOf(1)).address]);
    }, 180_000);
    afterAll(async () => {
      await node?.stop();
      await setup?.close();
    });

    /** Has the key sign what its maker calls by that id; the PSBT with its signatures. */
    async function sign({ psbt, txid }: Prepared): Promise<Signed> {
      const file = setup.scratch.file(`${++count}.psbt`, psbt);
      return setup.json<Signed>(['sign', 'treasury', '--psbt', file, '--expect', txid, '--yes']);
    }

    /** Whether each input of a transaction spends its coin, by Bitcoin Core's verifier. */
    async function judge(transaction: string, { psbt }: Prepared): Promise<readonly boolean[]> {
      const { coins } = await askPython<{ coins: object[] }>('coins_of', { psbt });
      return (await askPython<{ inputs: boolean[] }>('verify', { transaction, coins })).inputs;
    }

    /** Offers a transaction to the node, which has to mine it in the next block. */
    async function mine({ transaction, txid }: Final): Promise<void> {
      expect(await node.call('sendrawtransaction', transaction)).toBe(txid);
      const [block] = await node.call<string[]>('generate', 1);
      expect((await node.call<{ tx: string[] }>('getblock', block, 1)).tx).toContain(txid);
      known.push(transaction);
    }

    /** The coins that ripe blocks paid, with the address of the key each is at. */
    async function ripeCoins(): Promise<Coin[]> {
      const blocks = await node.call<string[]>('generate', BLOCKS);
      const scripts = [(await addressOf(0)).script, (await addressOf(1)).script];
      return Promise.all(
        blocks.slice(0, RIPE).map(async (block) => {
          const { rawtx } = await node.call<{ rawtx: { txid: string; vout: Output[] }[] }>(
            'getblock',
            block,
            2,
          );
          const [{ txid, vout }] = rawtx as [(typeof rawtx)[0]];
          const index = scripts.indexOf(vout[0]!.scriptPubKey.hex);
          return { txid, vout: 0, sats: Math.round(vout[0]!.value * SATS), chain: 'receive', index };
        }),
      );
    }

    test('both descriptors give the addresses of ckm address to embit and to BDK', async () => {
      for (const [chain, flags] of [
        ['receive', []],
        ['change', ['--change']],
      ] as const) {
        const own = [await addressOf(0, ...flags), await addressOf(1, ...flags)].map(
          ({ address }) => address,
        );
        const given = { descriptor: descriptors[chain], count: 2 };
        expect(await askPython('addresses', given)).toEqual({ embit: own, bdk: own });
      }
    });

    let many: Final;
    let paid: Final;

    test('many coins that embit puts together are signed, finished by BDK, verified and mined', async () => {
      const coins = await ripeCoins();
      const all = coins.reduce((sum, { sats }) => sum + sats, 0);
      const prepared = await askPython<Prepared>('build', {
        descriptors,
        coins,
        outputs: [
          { sats: 5 * SATS },
          { sats: 200 * SATS, chain: 'receive', index: 2 },
          { sats: 200 * SATS, chain: 'receive', index: 3 },
          { sats: all - 405 * SATS - 10_000, chain: 'change', index: 0 },
        ],
      });
      const signed = await sign(prepared);
      expect(signed.details).toMatchObject({ txid: prepared.txid, feeSats: 10_000 });
      expect(signed.sentence).toMatch(/^Pay 5\.00000000 BTC to bcrt1q\S+ from treasury; fee 10,000 sats/);
      many = await askPython<Final>('finish', { psbt: signed.artefact });
      expect(await judge(many.transaction, prepared)).toEqual(Array.from({ length: RIPE }, () => true));
      await mine(many);
    });

    test('a payment that BDK makes is finished by BDK, verified and taken by the node; with one bit changed it is not', async () => {
      const given = { descriptors, transactions: known, sats: SATS, rate: 3 };
      const prepared = await askPython<Prepared>('pay_by_bdk', given);
      const signed = await sign(prepared);
      paid = await askPython<Final>('finish', { psbt: signed.artefact });
      expect(signed.sentence).toMatch(/^Pay 1\.00000000 BTC to bcrt1q/);
      expect(await judge(paid.transaction, prepared)).not.toContain(false);
      const changed = withLastSignatureChanged(paid.transaction);
      expect((await judge(changed, prepared)).at(-1)).toBe(false);
      await expect(node.call('sendrawtransaction', changed)).rejects.toThrow(/btcd refuses/);
      expect(await node.call('sendrawtransaction', paid.transaction)).toBe(paid.txid);
      known.push(paid.transaction);
    });

    test('its fee is raised by BDK: the owner is told of the one before, and the node takes and mines this one only', async () => {
      const prepared = await askPython<Prepared>('bump_by_bdk', {
        descriptors,
        transactions: known,
        rate: 20,
      });
      const file = setup.scratch.file('bump.psbt', prepared.psbt);
      const { stderr } = await setup.ckm(['sign', 'treasury', '--psbt', file, '--preview']);
      expect(stderr).toMatch(/you signed another transaction that spends the same coin/);
      expect(stderr).toContain(`${paid.txid.slice(0, 8)}…${paid.txid.slice(-8)}`);
      const final = await askPython<Final>('finish', { psbt: (await sign(prepared)).artefact });
      expect(await judge(final.transaction, prepared)).not.toContain(false);
      known.pop();
      await mine(final);
      await expect(node.call('sendrawtransaction', paid.transaction)).rejects.toThrow(/btcd refuses/);
    });

    test('a coin of bob and one of the key in one payment: each signs its own, and it is verified and mined', async () => {
      const coins: Coin[] = [{ txid: many.txid, vout: 0, sats: 5 * SATS }, await unspent(many.txid)];
      const all = coins.reduce((sum, { sats }) => sum + sats, 0);
      const prepared = await askPython<Prepared>('build', {
        descriptors,
        coins,
        outputs: [{ sats: 6 * SATS }, { sats: all - 6 * SATS - 2_000, chain: 'change', index: 9 }],
      });
      const half = await sign(prepared);
      expect(half.sentence).toContain('together with 1 coin of others');
      const both = await askPython<{ psbt: string; count: number }>('sign_as_bob', { psbt: half.artefact });
      expect(both.count).toBe(1);
      const final = await askPython<Final>('finish', { psbt: both.psbt });
      expect(await judge(final.transaction, prepared)).toEqual([true, true]);
      await mine(final);
    });

    /** A coin of the key in that transaction which is still there. */
    async function unspent(txid: string): Promise<Coin> {
      for (const [vout, index] of [
        [1, 2],
        [2, 3],
      ] as const) {
        if ((await node.call<Output | null>('gettxout', txid, vout, true)) !== null)
          return { txid, vout, sats: 200 * SATS, chain: 'receive', index };
      }
      throw new Error('BDK has spent both');
    }
  },
);

/** With one bit of the signature in the last input changed: behind it stand the four bytes of the lock time. */
function withLastSignatureChanged(transaction: string): string {
  const bytes = Buffer.from(transaction, 'hex');
  bytes[bytes.length - 5]! ^= 1;
  return bytes.toString('hex');
}
