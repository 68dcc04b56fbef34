import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { devicesBehind } from '@ckm/api';
import { encodeUtf8, secret } from '@ckm/foundation';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { writeBackupFile } from '../backup/write-backup-file.js';
import { connectOperator } from '../control/connect-operator.js';
import { restoreServer } from '../server/backups/restore-server.js';
import { startServer } from '../server/start-server.js';
import { deviceOf, entryOf, firstListAt, nextList } from '../test/account-devices.js';
import { person } from '../test/rooms.js';
import { clientAt, PASSPHRASE, problemIn, startTestServer, type TestServer } from '../test/test-server.js';

const alice = person(1);
const [laptop, phone, tablet] = [deviceOf(alice, 101), deviceOf(alice, 102), deviceOf(alice, 103)];
const variables = { CKM_ALLOW_INSPECT: '1', CKM_LOG_LEVEL: 'silent' };
const words = () => secret(encodeUtf8(PASSPHRASE));

let alpha: TestServer;
let folder: string;
beforeEach(async () => {
  alpha = await startTestServer();
  folder = mkdtempSync(join(tmpdir(), 'ckm-devices-'));
});
afterEach(async () => {
  await alpha.remove();
  rmSync(folder, { recursive: true, force: true });
});

test('a server that was restored knows the devices of its backup, says which list that is, and takes those behind it', async () => {
  const owner = await alpha.as(alice).join();
  const first = firstListAt(alpha, alice);
  const one = nextList(alice, first, [entryOf(laptop, 'use'), entryOf(phone, 'use', 'manage')]);
  const two = nextList(phone, one.list, [...one.list.keys, entryOf(tablet, 'use')]);
  const three = nextList(alice, two.list, [entryOf(phone, 'use', 'manage'), entryOf(tablet, 'use')]);
  await owner.ask('device.update', { documents: [one.signed, two.signed] });
  const { since } = await owner.ask('device.show', { after: null });
  const file = join(folder, 'backup');
  await writeBackupFile(file, await connectOperator(alpha.dataDir).backup(words()), words());
  await owner.ask('device.update', { documents: [three.signed] });
  await alpha.server.close();
  const dataDir = join(folder, 'restored');
  const at = alpha.now + 60;
  await restoreServer({ file, dataDir, passphrase: words(), variables, nowMs: () => at * 1_000 });
  const now = at + 65;
  const server = await startServer({ dataDir, variables, nowMs: () => now * 1_000 });
  try {
    const [asWords, asLaptop, asTablet] = [
      clientAt({ server, now }, alice),
      clientAt({ server, now }, laptop, { namesKey: true }),
      clientAt({ server, now }, tablet, { namesKey: true }),
    ];
    const shown = await asTablet.ask('device.show', { after: null });
    expect(devicesBehind(first, shown.links)).toEqual(two.list);
    // Who is young stays so: nothing of the time between was counted.
    expect(shown.since.map(({ id, youngUntil = 0 }) => [id, youngUntil > now])).toEqual(
      since.map(({ id }) => [id, true]),
    );
    // Until somebody brings what it has forgotten.
    expect((await asLaptop.ask('server.describe', {})).name).toBe('alpha');
    await asWords.ask('device.update', { documents: [three.signed] });
    const refused = await asLaptop.post(asLaptop.seal('server.describe', {}));
    expect(problemIn(refused).code).toBe('MESSAGE_NOT_AUTHENTICATED');
  } finally {
    await server.close();
  }
});
