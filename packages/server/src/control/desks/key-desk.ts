import { encodeHex, equalBytes } from '@ckm/foundation';
import type { KeyFacts } from '../../context.js';
import type { Tightening } from '../../policy/effective.js';
import { NO_TIGHTENING, openTightening, storeTightening } from '../../policy/tightening.js';
import type { OpenServer } from '../../server/open-server.js';
import type { OperatorKeyPolicy, TightenBody } from '../protocol.js';
import { ambiguous, unknown } from './errors.js';
import { note } from './note.js';

/** The policies of keys. `owner` is only needed when two accounts chose the same key id. */
export function createKeyDesk({ context, sessions }: OpenServer) {
  const { storage, audit, vault, events } = context;

  async function find(keyId: Uint8Array, owner: Uint8Array | null): Promise<KeyFacts> {
    const rows = await storage.read(({ keys }) => keys.withId(keyId));
    const found = owner === null ? rows : rows.filter((row) => equalBytes(row.owner, owner));
    if (found.length > 1) throw ambiguous('key');
    const [row] = found;
    const facts = row === undefined ? null : await sessions.keyFacts(row.owner, row.keyId);
    if (facts === null) throw unknown('key');
    return facts;
  }

  return {
    keyPolicy: async (keyId: Uint8Array, owner: Uint8Array | null): Promise<OperatorKeyPolicy> => {
      const facts = await find(keyId, owner);
      const row = await storage.read(({ tightenings }) => tightenings.find(facts.owner, keyId));
      return view(facts, row === null ? NO_TIGHTENING : openTightening(vault, row));
    },
    /** What is absent in `change` stays as it is. */
    tighten: async (
      keyId: Uint8Array,
      owner: Uint8Array | null,
      change: TightenBody,
    ): Promise<OperatorKeyPolicy> => {
      const facts = await find(keyId, owner);
      const tightening = await storage.transact(async (transaction) => {
        const before = await transaction.tightenings.find(facts.owner, keyId);
        const after = merged(before === null ? NO_TIGHTENING : openTightening(vault, before), change);
        const row = await storeTightening(vault, transaction, facts, after);
        const more = { who: facts.owner, keyId, policy: `tightened ${row.version}` };
        await note(audit, transaction, 'operator.tighten', 'Tighten the policy of a key', more);
        return after;
      });
      events.operatorActed({ action: 'tighten' });
      return view(facts, tightening);
    },
  };
}

function merged(before: Tightening, change: TightenBody): Tightening {
  const given = Object.entries(change).filter(([, value]) => value !== undefined);
  return { ...before, ...(Object.fromEntries(given) as Partial<Tightening>) };
}

function view({ owner, keyId, purpose, state, policy }: KeyFacts, tightening: Tightening): OperatorKeyPolicy {
  return { owner: encodeHex(owner), keyId: encodeHex(keyId), purpose, state, owned: policy, tightening };
}
