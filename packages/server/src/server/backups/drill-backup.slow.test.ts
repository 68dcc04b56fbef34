import { FUNCTIONS } from '@ckm/api';
import { encodeHex } from '@ckm/foundation';
import { join } from 'node:path';
import { readdirSync, rmSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { createRestores, type Restores, words } from '../../backup/test/restores.js';
import { writeBackupFile } from '../../backup/write-backup-file.js';
import { alice, type KeyedServers, startWithKey } from '../../control/test/keyed-servers.js';
import { openDatabaseFile } from '../../test/database-file.js';
import { leaks, storedSecrets } from '../../test/stored-secrets.js';
import { CHEAP, type TestServer } from '../../test/test-server.js';
import { backUpStoppedServer } from './back-up-server.js';
import { drillBackup } from './drill-backup.js';

const servers: TestServer[] = [];
let keyed: KeyedServers;
let restores: Restores;
beforeAll(async () => void (keyed = await startWithKey(servers)));
afterAll(async () => {
  for (const server of servers) await server.remove();
});
beforeEach(() => void (restores = createRestores(servers, () => keyed.keyId)));
afterEach(() => restores.remove());

const owner = encodeHex(alice.xid);
const keyId = () => encodeHex(keyed.keyId);
const read = () =>
  drillBackup({ file: restores.file, passphrase: words(), variables: { CKM_ALLOW_INSPECT: '1' } });

/** What the server says of what a backup has. */
async function verdicts(
  shares: readonly { epoch: number | null; publicShare: string | null; isDamaged: boolean }[],
) {
  const given = shares.map((share) => ({ owner, keyId: keyId(), ...share }));
  const { keys } = await keyed.operator.drill({
    id: 'ab'.repeat(16),
    takenAt: keyed.alpha.now,
    shares: given,
    isLast: true,
  });
  return keys.map(({ verdict }) => verdict);
}

test('L2: a drill reads the share in memory, gives its public half and nothing else, and leaves nothing behind', async () => {
  await writeBackupFile(restores.file, await keyed.operator.backup(words()), words());
  const before = readdirSync(restores.folder);
  const { find } = await read();
  const share = find(owner, keyId())!;
  expect(share).toMatchObject({ epoch: 0, isDamaged: false });
  expect(leaks(storedSecrets(keyed.alpha.dataDir), [['what was found', share.publicShare!]])).toEqual([]);
  expect(readdirSync(restores.folder)).toEqual(before);
  const publicShare = encodeHex(share.publicShare!);
  expect(await verdicts([{ epoch: 0, publicShare, isDamaged: false }])).toEqual(['whole']);
});

test('L2: nobody but the operator at the socket can ask what a backup holds: of drills the wire knows what forgets a key made for one, and no more', () => {
  const known = Object.entries(FUNCTIONS).filter(([name]) => name.includes('drill'));
  expect(known.map(([name, row]) => [name, 'drills' in row ? row.drills : null])).toEqual([
    ['drill.forget', 'only'],
  ]);
});

test('a drill goes by what the server has certified: another public half, another epoch and none are each told apart', async () => {
  const other = '02'.repeat(32);
  expect(
    await verdicts([
      { epoch: 0, publicShare: other, isDamaged: false },
      { epoch: 1, publicShare: other, isDamaged: false },
      { epoch: 0, publicShare: null, isDamaged: false },
      { epoch: 0, publicShare: null, isDamaged: true },
      { epoch: null, publicShare: null, isDamaged: false },
    ]),
  ).toEqual(['damaged', 'otherEpoch', 'sealed', 'damaged', 'missing']);
  const unknown = { owner, keyId: 'ab'.repeat(32), epoch: 0, publicShare: null, isDamaged: false };
  const { keys } = await keyed.operator.drill({
    id: 'ab'.repeat(16),
    takenAt: 1,
    shares: [unknown],
    isLast: false,
  });
  expect(keys).toEqual([]);
});

// Last: the server is stopped for it.
test('a share that was changed in the database is damaged in the backup', async () => {
  const { dataDir, server } = keyed.alpha;
  await server.close();
  const database = openDatabaseFile(join(dataDir, 'ckm.sqlite'));
  const { sealed } = database.prepare('select sealed from shares').get() as { sealed: Buffer };
  sealed[sealed.length - 1]! ^= 1;
  database.prepare('update shares set sealed = ?').run(sealed);
  database.close();
  const options = {
    passphrase: words(),
    passphraseCost: CHEAP,
    hasEpochKeys: true,
    variables: { CKM_ALLOW_INSPECT: '1' },
  };
  await writeBackupFile(restores.file, await backUpStoppedServer(dataDir, options), words());
  expect((await read()).find(owner, keyId())).toEqual({ epoch: 0, publicShare: null, isDamaged: true });
  rmSync(restores.file);
});
