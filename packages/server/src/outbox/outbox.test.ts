import { AvailabilityError } from '@ckm/foundation';
import type { Data } from '@ckm/gordian';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Storage } from '../storage/storage.js';
import { openRooms, random, type Rooms } from '../test/rooms.js';
import { TAKEN_SECONDS } from './lane.js';
import { createOutbox, listOutbox, type Outbox, retryOutbox } from './outbox.js';
import { pauseAfter } from './pauses.js';
import type { OutboxMeans, Way } from './way.js';

let rooms: Rooms;
let said: string[];
const open: Outbox[] = [];

beforeEach(async () => {
  rooms = await openRooms();
  said = [];
});
afterEach(async () => {
  for (const outbox of open.splice(0)) await outbox.close();
  await rooms.close();
});

/** As long as a busy machine takes. */
const POLL = { timeout: 8_000 };
const owner = new Uint8Array(32).fill(1);

function means(storage: Storage = rooms.storage): OutboxMeans {
  const events = {
    noticeSent: () => void said.push('sent'),
    noticeFailed: ({ code }: { code: string }) => void said.push(code),
    storageFailed: ({ code }: { code: string }) => void said.push(code),
    bug: (error: unknown) => void said.push(String(error)),
  };
  return { storage, vault: rooms.vault, clock: () => rooms.now, random, events };
}

/** A server's outbox with one way, by which each thing goes alone. */
function start(send: Way['send'], more: Partial<Way> = {}, storage?: Storage) {
  const outbox = createOutbox(
    means(storage),
    new Map([['pigeon', { most: 1, everySeconds: 0, ...more, send }]]),
  );
  open.push(outbox);
  return outbox;
}

const put = (outbox: Outbox, content: Data, more?: number) =>
  rooms.storage.transact((transaction) => outbox.put(transaction, { owner, way: 'pigeon', content }, more));
const states = async () =>
  (await listOutbox(means(), null, 10)).found.map(({ state, tries, code }) => [state, tries, code]);
const failing = (code: string) => () =>
  Promise.reject(new AvailabilityError('no pigeon', { code, hint: 'feed it' }));

describe('the outbox', () => {
  test('sends what was kept, and keeps nothing of what it said', async () => {
    const gone: Data[] = [];
    const outbox = start((contents) => Promise.resolve(void gone.push(...contents)));
    await put(outbox, 'hello');
    await expect.poll(() => said, POLL).toEqual(['sent']);
    expect(gone).toEqual(['hello']);
    expect(await states()).toEqual([['sent', 1, '']]);
  });

  test('keeps no row of what leaves nothing, once it has gone', async () => {
    const outbox = start(() => Promise.resolve(), { leavesNothing: (content) => content === 'a code' });
    await put(outbox, 'a code');
    await put(outbox, 'hello');
    await expect.poll(() => said, POLL).toEqual(['sent', 'sent']);
    expect(await states()).toEqual([['sent', 1, '']]);
  });

  test('keeps what may wait until its time has come, and sends it with what may not', async () => {
    const gone: Data[][] = [];
    let isNight = true;
    const outbox = start((contents) => Promise.resolve(void gone.push([...contents])), {
      most: 10,
      isLater: (contents) => isNight && contents.every((content) => content === 'may wait'),
    });
    await put(outbox, 'may wait');
    await outbox.sweep();
    await put(outbox, 'may not');
    await expect.poll(() => gone, POLL).toHaveLength(1);
    expect(new Set(gone[0])).toEqual(new Set(['may not', 'may wait']));
    await put(outbox, 'may wait');
    await outbox.sweep();
    expect(await states()).toContainEqual(['waiting', 0, '']);
    isNight = false;
    await outbox.sweep();
    await expect.poll(() => gone, POLL).toHaveLength(2);
  });

  test('sends nothing of what was not committed', async () => {
    const gone: Data[] = [];
    const outbox = start((contents) => Promise.resolve(void gone.push(...contents)));
    const undone = rooms.storage.transact(async (transaction) => {
      await outbox.put(transaction, { owner, way: 'pigeon', content: 'never' });
      throw new Error('undone');
    });
    await expect(undone).rejects.toThrow('undone');
    await put(outbox, 'hello');
    await expect.poll(() => said, POLL).toEqual(['sent']);
    expect(gone).toEqual(['hello']);
  });

  test('tries what failed again when its pause is over, also in the next process', async () => {
    await put(start(failing('NOTICE_TIMEOUT')), 'hello');
    await expect.poll(states, POLL).toEqual([['waiting', 1, 'NOTICE_TIMEOUT']]);
    await open.splice(0)[0]!.close();
    const gone: Data[] = [];
    const outbox = start((contents) => Promise.resolve(void gone.push(...contents)));
    rooms.now += pauseAfter(1)! - 1;
    await outbox.sweep();
    await put(outbox, 'meanwhile');
    await expect.poll(() => gone, POLL).toEqual(['meanwhile']);
    rooms.now += 1;
    await outbox.sweep();
    await expect.poll(() => gone, POLL).toEqual(['meanwhile', 'hello']);
  });

  test('waits longer each time, up to an hour, and gives up after some two days', () => {
    expect([1, 2, 3, 7, 8, 59, 60].map(pauseAfter)).toEqual([30, 60, 120, 1_920, 3_600, 3_600, null]);
    const all = Array.from({ length: 59 }, (_, tries) => pauseAfter(tries + 1)!);
    expect(all.reduce((sum, pause) => sum + pause) / 86_400).toBeCloseTo(2.2, 1);
  });

  test('gives up at once what is refused for good, until its operator has it tried anew', async () => {
    let isOpen = false;
    const outbox = start(() => (isOpen ? Promise.resolve() : failing('OUTBOX_REFUSED')()));
    await put(outbox, 'hello');
    await expect.poll(states, POLL).toEqual([['failed', 1, 'OUTBOX_REFUSED']]);
    isOpen = true;
    await outbox.sweep();
    const retry = () => rooms.storage.transact((transaction) => retryOutbox(means(), transaction));
    expect(await retry()).toBe(1);
    await outbox.sweep();
    await expect.poll(states, POLL).toEqual([['sent', 1, '']]);
    expect(await retry()).toBe(0);
  });

  test('sends once more, and no more than that, what went while its process was killed', async () => {
    const gone: Data[] = [];
    let isKilled = false;
    const { storage } = rooms;
    // It writes nothing any more once the message is out, as a process that was killed then.
    const killed: Storage = {
      ...storage,
      transact: (work) => (isKilled ? new Promise(() => undefined) : storage.transact(work)),
    };
    const first = createOutbox(
      means(killed),
      new Map([
        [
          'pigeon',
          {
            most: 1,
            everySeconds: 0,
            send: (contents: readonly Data[]) => {
              isKilled = true;
              return Promise.resolve(void gone.push(...contents));
            },
          },
        ],
      ]),
    );
    await put(first, 'hello');
    await expect.poll(() => gone, POLL).toEqual(['hello']);
    const next = start((contents) => Promise.resolve(void gone.push(...contents)));
    rooms.now += TAKEN_SECONDS - 1;
    await next.sweep();
    await put(next, 'other');
    await expect.poll(() => gone, POLL).toEqual(['hello', 'other']);
    rooms.now += 1;
    await next.sweep();
    await expect.poll(() => gone, POLL).toEqual(['hello', 'other', 'hello']);
    rooms.now += 10 * TAKEN_SECONDS;
    await next.sweep();
    await put(next, 'last');
    await expect.poll(() => gone, POLL).toEqual(['hello', 'other', 'hello', 'last']);
  });

  test('is sent from by one of two processes, and the other sends nothing of it', async () => {
    const gone: string[] = [];
    const one = start((contents) => Promise.resolve(void gone.push(`one ${JSON.stringify(contents)}`)));
    const other = start((contents) => Promise.resolve(void gone.push(`other ${JSON.stringify(contents)}`)));
    for (let at = 0; at < 20; at++) {
      await put(at % 2 === 0 ? one : other, String(at));
      await Promise.all([one.sweep(), other.sweep()]);
    }
    await expect.poll(async () => (await states()).length, POLL).toBe(10);
    await expect.poll(() => gone.length, POLL).toBe(20);
    expect(new Set(gone.map((text) => text.split(' ')[1])).size).toBe(20);
  });

  test('puts back what it was sending when its server ends', async () => {
    const outbox = start(
      (_contents, signal) =>
        new Promise((_resolve, reject) => {
          said.push('begun');
          signal.addEventListener('abort', () => reject(new Error('ended')));
        }),
    );
    await put(outbox, 'hello');
    await expect.poll(() => said, POLL).toEqual(['begun']);
    await outbox.close();
    expect(await states()).toEqual([['waiting', 0, '']]);
  });

  test('takes no more than a thousand of one owner, and somewhat more of what is grave', async () => {
    const outbox = createOutbox(means(), new Map());
    const putMany = (count: number, more?: number) =>
      rooms.storage.transact(async (transaction) => {
        let taken = 0;
        for (let at = 0; at < count; at++)
          if (await outbox.put(transaction, { owner, way: 'pigeon', content: at }, more)) taken++;
        return taken;
      });
    const columns = { owner, way: 'pigeon', state: 'waiting', dueAt: rooms.now, version: 1 } as const;
    const rows = Array.from({ length: 998 }, () => ({
      ...columns,
      id: random(32),
      createdAt: rooms.now,
      sealed: new Uint8Array(45),
    }));
    await rooms.storage.transact(({ sealed }) => sealed.insertAll('outbox', rows));
    expect(await putMany(4)).toBe(2);
    expect(await putMany(3, 2)).toBe(2);
    expect(await rooms.storage.read((reader) => reader.outbox.countAll('waiting'))).toBe(1_002);
  });

  test('is passed where somebody has written into the database, and the rest goes', async () => {
    await put(createOutbox(means(), new Map()), 'changed');
    await rooms.tamper((database) => database.exec('update outbox set created_at = created_at + 1'));
    const outbox = start(() => Promise.resolve(), { most: 10 });
    await put(outbox, 'hello');
    await expect.poll(() => said, POLL).toContain('sent');
    expect(said).toContain('ROW_TAMPERED');
  });

  test('forgets what went a month ago, and what no way takes any more', async () => {
    await put(
      start(() => Promise.resolve()),
      'hello',
    );
    await expect.poll(() => said, POLL).toEqual(['sent']);
    rooms.now += 2_592_001;
    const outbox = createOutbox(means(), new Map());
    await put(outbox, 'new');
    await outbox.sweep();
    expect(await states()).toEqual([['waiting', 0, '']]);
  });
});
