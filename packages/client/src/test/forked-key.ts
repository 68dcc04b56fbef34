import type { KeyPolicy } from '@ckm/api';
import { CkmError, StateError } from '@ckm/foundation';
import { expect } from 'vitest';
import type { Client } from '../client.js';
import type { ChangeWish } from '../keys/changes/plan-change.js';
import { copyDisk } from './disks.js';
import { approveChanges } from './operators.js';
import { createOwnedKey, type Machine, NAME, type OwnedKey, requorum, SERVERS } from './owned-key.js';
import type { TestNetwork } from './test-network.js';

/** A key of alpha, bravo and charlie whose charlie is two machines of one identity, so that two next epochs were decided. */
export interface ForkedKey extends OwnedKey {
  /** Went on by what charlie and alpha decided: 2 of 4 with delta. Bravo has not heard of it. */
  readonly one: Machine;
  /** Went on by what the other charlie and bravo decided: 2 of 3 with echo. Its old shares are destroyed already. */
  readonly other: Machine;
  /** From now on charlie is the machine that decided with bravo. */
  useTwin(): Promise<void>;
}

/** @param policy by which operators may be asked about changes. Default: nobody is */
export async function createForkedKey(policy?: Partial<KeyPolicy>): Promise<ForkedKey> {
  const owned = await createOwnedKey({ count: 5, ...(policy === undefined ? {} : { policy }) });
  const [one, other] = [await owned.another(), await owned.another()];
  const { useTwin } = await splitKey(
    owned.network,
    { ...one, with: 'alpha', wish: requorum(2, [...SERVERS, 'delta']) },
    { ...other, with: 'bravo', wish: requorum(2, ['bravo', 'charlie', 'echo']) },
  );
  return { ...owned, one, other, useTwin };
}

export interface Half {
  readonly client: Client;
  /** The server that decides with one of the two charlies. */
  readonly with: string;
  readonly wish: ChangeWish;
}

/** Two changes of one epoch, each decided by one of the two machines that charlie is. The first one’s servers include the second’s `with`. */
export async function splitKey(
  network: TestNetwork,
  one: Half,
  two: Half,
): Promise<{ readonly useTwin: () => Promise<void> }> {
  const charlie = network.server('charlie');
  const twin = await copyDisk(charlie);
  const own = charlie.bare.dataDir;
  const useTwin = () => charlie.restart({ dataDir: twin });

  const refuses = /^change\.(promise|lock|yield|commit)$/;
  network.server(two.with).tamper = ({ name }, honest) =>
    refuses.test(name)
      ? Promise.reject(new StateError('not now', { code: 'ANY_CODE', hint: 'ask', retryable: false }))
      : honest();
  expect(await changeAsked(network, one)).toMatchObject({ behind: [two.with] });
  network.makeHonest();

  await useTwin();
  network.cut(one.with);
  expect(await changeAsked(network, two)).toMatchObject({ behind: [] });
  network.makeHonest();
  await charlie.restart({ dataDir: own });
  return { useTwin };
}

/** Changes the key; whoever is asked about it says yes. */
export async function changeAsked(
  network: TestNetwork,
  { client, wish }: Pick<Half, 'client' | 'wish'>,
): ReturnType<Client['changeKey']> {
  try {
    return await client.changeKey({ name: NAME, wish });
  } catch (error) {
    if (!(error instanceof CkmError) || error.code !== 'CHANGE_WAITING') throw error;
    await approveChanges(network);
    return client.changeKey({ name: NAME, wish });
  }
}
