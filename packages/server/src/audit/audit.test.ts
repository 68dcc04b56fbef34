import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { NOON, openRooms, random, type Rooms } from '../test/rooms.js';
import type { AuditAnchor, AuditEntry, AuditLog } from './audit.js';
import { createAuditLog } from './create-audit-log.js';

const alice = new Uint8Array(32).fill(0xa1);

function entry(sentence: string): AuditEntry {
  return {
    deed: 'request.ask',
    who: alice,
    keyId: new Uint8Array(32).fill(2),
    subject: null,
    sentence,
    verdict: 'allowed',
    policy: 'policy 00112233',
    detail: '',
  };
}

let rooms: Rooms;
let audit: AuditLog;

beforeEach(async () => {
  rooms = await openRooms();
  audit = createAuditLog({ vault: rooms.vault, clock: () => rooms.now, random });
});
afterEach(() => rooms.close());

const write = (sentence: string) =>
  rooms.storage.transact((transaction) => audit.append(transaction, entry(sentence)));
const verify = (anchor: AuditAnchor | null = null) => audit.verify(rooms.storage, anchor);

async function writeFive(): Promise<void> {
  for (const number of [1, 2, 3, 4, 5]) await write(`Pay ${number} BTC`);
}

describe('a log that nobody touched', () => {
  test('says who, what, when and by which policy, in the order it happened', async () => {
    await write('Pay 1 BTC');
    rooms.now += 60;
    await write('Pay 2 BTC');
    const lines = await rooms.storage.read((reader) => audit.list(reader, 1, 10));
    expect(lines).toMatchObject([
      {
        sequence: 1,
        at: NOON,
        sentence: 'Pay 1 BTC',
        who: alice,
        verdict: 'allowed',
        policy: 'policy 00112233',
      },
      { sequence: 2, at: NOON + 60, sentence: 'Pay 2 BTC' },
    ]);
    expect(await verify()).toEqual({ ok: true, entries: 2, head: lines[1]!.hash, gaps: [] });
  });

  test('goes on after a transaction that wrote several entries and failed', async () => {
    await write('Pay 1 BTC');
    const failing = rooms.storage.transact(async (transaction) => {
      for (const number of [2, 3, 4]) await audit.append(transaction, entry(`Pay ${number} BTC`));
      throw new Error('the disk is full');
    });
    await expect(failing).rejects.toThrow();
    await write('Pay 5 BTC');
    expect(await verify()).toMatchObject({ ok: true, entries: 2 });
  });

  test('is whole when it is empty, and when it is longer than a page', async () => {
    expect(await verify()).toMatchObject({ ok: true, entries: 0 });
    await rooms.storage.transact(async (transaction) => {
      for (let number = 0; number < 1_201; number++) await audit.append(transaction, entry(`${number}`));
    });
    expect(await verify()).toMatchObject({ ok: true, entries: 1_201 });
  });

  test('shows nothing of an entry in the database, and two equal entries have different hashes', async () => {
    await write('Pay the canary');
    await write('Pay the canary');
    const rows = await rooms.storage.read((reader) => reader.audit.list(1, 2));
    expect(Buffer.concat(rows.map(({ sealed }) => sealed)).includes('canary')).toBe(false);
    expect(rows[0]!.hash).not.toEqual(rows[1]!.hash);
  });
});

describe('a log that somebody changed', () => {
  test('an edited entry is named', async () => {
    await writeFive();
    await rooms.tamper((database) => {
      const { sealed } = database.prepare('select sealed from audit where sequence = 3').get() as {
        sealed: Buffer;
      };
      sealed[40]! ^= 1;
      database.prepare('update audit set sealed = ? where sequence = 3').run(sealed);
    });
    expect(await verify()).toMatchObject({ ok: false, brokenAt: 3 });
  });

  test('two entries that changed places are named', async () => {
    await writeFive();
    await rooms.tamper((database) => {
      database.exec(`update audit set sequence = 99 where sequence = 2;
        update audit set sequence = 2 where sequence = 4; update audit set sequence = 4 where sequence = 99`);
    });
    expect(await verify()).toMatchObject({ ok: false, brokenAt: 2 });
  });

  test('an entry removed from the middle is named, also when the rest moves up', async () => {
    await writeFive();
    await rooms.tamper((database) => database.exec('delete from audit where sequence = 2'));
    expect(await verify()).toMatchObject({ ok: false, brokenAt: 2, why: 'an entry is missing' });
    await rooms.tamper((database) =>
      database.exec('update audit set sequence = sequence - 1 where sequence > 2'),
    );
    expect(await verify()).toMatchObject({ ok: false, brokenAt: 2 });
  });

  test('a truncated log is named, with its head left alone, cut back or gone', async () => {
    await writeFive();
    await rooms.tamper((database) => database.exec('delete from audit where sequence > 3'));
    expect(await verify()).toMatchObject({ ok: false, brokenAt: 4, why: 'entries at the end are missing' });
    await rooms.tamper((database) =>
      database.exec(`update audit_head set sequence = 3, hash = (select hash from audit where sequence = 3)`),
    );
    expect(await verify()).toMatchObject({ ok: false, why: 'the head was changed' });
    await rooms.tamper((database) => database.exec('delete from audit_head'));
    expect(await verify()).toMatchObject({ ok: false, brokenAt: 1 });
  });

  test('an old head put back is named: entries stand behind it', async () => {
    await writeFive();
    let old: unknown;
    await rooms.tamper((database) => (old = database.prepare('select sealed, hash from audit_head').get()));
    await write('Pay 6 BTC');
    await rooms.tamper((database) => {
      const { sealed, hash } = old as { sealed: Buffer; hash: Buffer };
      database.prepare('update audit_head set sequence = 5, sealed = ?, hash = ?').run(sealed, hash);
    });
    expect(await verify()).toMatchObject({ ok: false, why: 'there are entries behind the head' });
  });

  test('a log put back to an earlier day, head and all, differs from an anchor noted outside', async () => {
    await write('Pay 1 BTC');
    let old: unknown;
    await rooms.tamper((database) => (old = database.prepare('select * from audit_head').get()));
    await write('Pay 2 BTC');
    const { sequence, hash } = (await rooms.storage.read((reader) => reader.audit.head()))!;
    await rooms.tamper((database) => {
      database.exec('delete from audit where sequence = 2');
      const head = old as { hash: Buffer; sealed: Buffer };
      database
        .prepare('update audit_head set sequence = 1, hash = ?, sealed = ?')
        .run(head.hash, head.sealed);
    });
    expect(await verify()).toMatchObject({ ok: true, entries: 1 });
    expect(await verify({ sequence, hash })).toMatchObject({ ok: false, brokenAt: 2 });
    await expect(write('Pay 3 BTC instead')).rejects.toMatchObject({ code: 'STORAGE_WENT_BACK' });
    // Another process of the server has not seen how long it was.
    audit = createAuditLog({ vault: rooms.vault, clock: () => rooms.now, random });
    await write('Pay 3 BTC instead');
    expect(await verify({ sequence, hash })).toMatchObject({ ok: false, why: 'the log was exchanged' });
  });

  test('nothing is added behind a head that is not ours', async () => {
    await writeFive();
    await rooms.tamper((database) => database.exec('update audit_head set sequence = 4'));
    await expect(write('Pay 6 BTC')).rejects.toMatchObject({
      errorClass: 'StorageError',
      code: 'ROW_TAMPERED',
    });
  });
});

describe('write, then speak', () => {
  test('when the log cannot be written the deed does not happen', async () => {
    await writeFive();
    await rooms.tamper((database) => database.exec('update audit_head set sequence = 4'));
    const deed = rooms.storage.transact(async (transaction) => {
      await transaction.messages.record(alice, new Uint8Array(32), NOON);
      await audit.append(transaction, entry('Pay 6 BTC'));
    });
    await expect(deed).rejects.toMatchObject({ code: 'ROW_TAMPERED' });
    expect(await rooms.storage.read(({ messages }) => messages.seen(alice, new Uint8Array(32)))).toBe(false);
  });

  test('when the deed fails its entry is not written', async () => {
    await write('Pay 1 BTC');
    const deed = rooms.storage.transact(async (transaction) => {
      await audit.append(transaction, entry('Pay 2 BTC'));
      throw new Error('no');
    });
    await expect(deed).rejects.toThrow('no');
    expect(await verify()).toMatchObject({ ok: true, entries: 1 });
  });
});
