import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FrostAttempt } from '@ckm/api';
import {
  createQuorumSigner,
  type PostgresCluster,
  postgresPrograms,
  type QuorumSigner,
  startPostgres,
} from '@ckm/testkit';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  alice,
  createBareServers,
  makeKey,
  messageOf,
  SOON,
  type MadeKey,
} from '../../sessions/test/bare-servers.js';
import type { BareCaller, BareServer } from '../../sessions/test/bare-server.js';

const isHere = postgresPrograms() !== null;
const reason = isHere ? '' : ' (skipped: PostgreSQL is not installed here)';

/** Somebody who reads and writes the database, and has no key of any kind. */
interface Intruder {
  /** Keeps a copy of every row there is. */
  remember(): Promise<void>;
  /** Puts every row back that is gone since. */
  putBack(): Promise<void>;
  /** Makes the database what it was, as a standby is that was promoted without the last second. */
  rollBack(): Promise<void>;
  leave(): Promise<void>;
}

async function openIntruder(connectionString: string): Promise<Intruder> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  const found = await client.query<{ name: string }>(
    "select table_name as name from information_schema.tables where table_schema = 'public'",
  );
  const tables = found.rows.map(({ name }) => name).filter((name) => name !== 'migrations');
  // Rows in any order: what refers to what is not looked at.
  await client.query('set session_replication_role = replica');
  await client.query('create schema copy');
  return {
    remember: async () => {
      for (const table of tables) {
        await client.query(`drop table if exists copy.${table}`);
        await client.query(`create table copy.${table} as table public.${table}`);
      }
    },
    putBack: async () => {
      for (const table of tables)
        await client.query(`insert into public.${table} table copy.${table} on conflict do nothing`);
    },
    rollBack: async () => {
      await client.query('begin');
      for (const table of tables) {
        await client.query(`delete from public.${table}`);
        await client.query(`insert into public.${table} table copy.${table}`);
      }
      await client.query('commit');
    },
    leave: () => client.end(),
  };
}

describe.skipIf(!isHere)(`N3: whoever writes the database puts used rows back${reason}`, () => {
  const network = createBareServers();
  let cluster: PostgresCluster;
  let replicas: BareServer[];
  let bravo: BareCaller;
  let made: MadeKey;
  let intruder: Intruder;
  let epochKeys: string;

  beforeAll(async () => {
    cluster = await startPostgres();
  });
  afterAll(() => cluster.stop());
  beforeEach(async () => {
    const databaseUrl = await cluster.createDatabase();
    epochKeys = mkdtempSync(join(tmpdir(), 'ckm-epoch-keys-'));
    const secrets = { seed: new Uint8Array(randomBytes(32)), storageKey: new Uint8Array(randomBytes(32)) };
    const shared = { databaseUrl, settings: { epochKeys }, ...secrets };
    replicas = [];
    for (let i = 0; i < 3; i++) replicas.push(await network.open({ name: 'alpha', ...shared }));
    bravo = await (await network.open({ name: 'bravo' })).as(alice);
    made = await makeKey([await replicas[0]!.as(alice), bravo]);
    intruder = await openIntruder(databaseUrl);
  });
  afterEach(async () => {
    await intruder.leave();
    await network.close();
    rmSync(epochKeys, { recursive: true, force: true });
  });

  async function signerAt(replica: BareServer): Promise<QuorumSigner> {
    const { keyId, key } = made;
    const servers = [await replica.as(alice), bravo];
    return createQuorumSigner({ servers, keyId, key, purpose: 'message', expiresAt: SOON });
  }

  /** Asks a replica for its share under commitments, for a message of its own. */
  let asked = 0;
  async function use(replica: BareServer, attempt: FrostAttempt): Promise<string> {
    const signer = await signerAt(replica);
    return (await signer.request(1, messageOf(`message ${++asked}`), { attempt })).state;
  }

  test('one commitment asked of three replicas in turn, its row put back each time: there is one share', async () => {
    const attempt = await (await signerAt(replicas[0]!)).prepare([1, 2]);
    await intruder.remember();
    const states: string[] = [];
    for (const replica of [replicas[1]!, replicas[2]!, replicas[0]!, replicas[1]!, replicas[2]!]) {
      states.push(await use(replica, attempt));
      await intruder.putBack();
    }
    expect(states.filter((state) => state === 'answered')).toHaveLength(1);
  });

  test('one commitment asked of two replicas, one of which starts anew: there is one share', async () => {
    const attempt = await (await signerAt(replicas[0]!)).prepare([1, 2]);
    await intruder.remember();
    const states = [await use(replicas[1]!, attempt)];
    await intruder.putBack();
    states.push(await use(replicas[0]!, attempt));
    await intruder.putBack();
    states.push(await use(await network.restart(replicas[1]!), attempt));
    await intruder.putBack();
    states.push(await use(await network.restart(replicas[2]!), attempt));
    expect(states.filter((state) => state === 'answered')).toHaveLength(1);
  });

  test('a standby without the last second is promoted under living processes: there is one share', async () => {
    const attempt = await (await signerAt(replicas[0]!)).prepare([1, 2]);
    await intruder.remember();
    const states = [await use(replicas[1]!, attempt), await use(replicas[0]!, attempt)];
    await intruder.rollBack();
    for (const replica of [replicas[2]!, replicas[0]!]) {
      states.push(await use(replica, attempt).catch((error: { code: string }) => error.code));
    }
    expect(states.filter((state) => state === 'answered')).toHaveLength(1);
  });
});
