import { equalBytes } from '@ckm/foundation';
import { expect, test, vi } from 'vitest';
import { createApprovers } from './approvers.js';

const sender = (byte: number) => new Uint8Array(32).fill(byte);

test('votes are heard twenty an hour of one name, and looks besides; nobody uses up what all have', async () => {
  // No time passes in which anybody could earn more.
  vi.useFakeTimers({ toFake: ['performance'] });
  try {
    const asked = sender(9);
    const approvers = createApprovers(async (who) => equalBytes(who, asked));
    const isHeard = async (
      who: number,
      called: 'approval.give' | 'approval.list' | 'freeze.carry',
      address: string,
      places = 1,
    ) => {
      try {
        await approvers.admit(sender(who), called, address, places);
        return true;
      } catch (error) {
        expect(error).toMatchObject({ code: 'QUOTA_MESSAGES' });
        return false;
      }
    };
    const gives = await Promise.all(
      Array.from({ length: 25 }, () => isHeard(1, 'approval.give', '203.0.113.1')),
    );
    expect(gives.filter(Boolean)).toHaveLength(20);
    expect(await isHeard(1, 'approval.list', '203.0.113.1')).toBe(true);
    expect(await isHeard(2, 'approval.give', '203.0.113.1')).toBe(true);
    // One address has sixty, whoever speaks from it; a long message counts as several.
    const rest = await Promise.all(
      Array.from({ length: 60 }, (_, at) => isHeard(10 + at, 'approval.list', '203.0.113.1')),
    );
    expect(rest.filter(Boolean)).toHaveLength(60 - 27);
    expect(await isHeard(3, 'approval.give', '203.0.113.2', 61)).toBe(false);
    expect(await isHeard(3, 'approval.give', '203.0.113.2')).toBe(true);
    let heard = 0;
    for (let host = 10; host < 30; host++)
      for (let at = 0; at < 50; at++)
        if (await isHeard(100 + at, 'approval.list', `203.0.113.${host}`)) heard++;
    expect(heard).toBe(600 - 56);
    // A paper is heard all the same, from whichever address it comes; one address has few.
    expect(await isHeard(700, 'freeze.carry', '203.0.113.10')).toBe(true);
    const papers = Array.from({ length: 20 }, (_, at) => isHeard(800 + at, 'freeze.carry', '203.0.113.98'));
    expect((await Promise.all(papers)).filter(Boolean)).toHaveLength(12);
    // Whom something waits for is heard all the same, as often as anybody.
    const veto = Array.from({ length: 25 }, () => isHeard(9, 'approval.give', '203.0.113.99'));
    expect((await Promise.all(veto)).filter(Boolean)).toHaveLength(20);
    expect(await isHeard(8, 'approval.give', '203.0.113.99')).toBe(false);
  } finally {
    vi.useRealTimers();
  }
});
