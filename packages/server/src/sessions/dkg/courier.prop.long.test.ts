// @module-tag long
import { parsePacket } from '@ckm/api';
import { createCeremony, type Tampering } from '@ckm/testkit';
import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { createBareServers, SOON } from '../test/bare-servers.js';

const network = createBareServers();
afterEach(() => network.close());

/** What a courier does at one opportunity. */
const deed = fc.constantFrom('pass', 'drop', 'double', 'bend', 'replay');

test('whatever a courier does for a while, once it is honest the key is made', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(deed, { minLength: 1, maxLength: 40 }), async (deeds) => {
      const { callers } = await network.openMany(3);
      const left = [...deeds];
      const tampering: Tampering = ({ packet }) => {
        const next = left.shift() ?? 'pass';
        if (next === 'drop') return [];
        if (next === 'double') return [packet, packet.slice()];
        if (next === 'bend') return [packet.map((byte, i) => (i === packet.length >> 1 ? byte ^ 4 : byte))];
        if (next === 'replay')
          return [...ceremony.packets.filter((other) => parsePacket(other).round === 0), packet];
        return [packet];
      };
      const ceremony = createCeremony({ servers: callers, expiresAt: SOON, tampering });
      // A dropped packet ends a run of calls early; the next one begins where it stopped.
      for (let i = 0; i <= deeds.length; i++) await ceremony.finish();
      expect(ceremony.views.map((view) => [view!.state, view!.fault])).toEqual(
        callers.map(() => ['finished', null]),
      );
      await network.close();
    }),
    { numRuns: 15 },
  );
});
