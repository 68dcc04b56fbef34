import { CkmError, encodeHex } from '@ckm/foundation';
import type { HeldKeys } from '../keys/fetch/held-keys.js';
import { listed } from '../servers/faults.js';
import type { DoctorLine } from './doctor-line.js';

/** What servers say of a key that may leave them. Names of servers. */
export interface ExportStatus {
  /** At these an export goes on, whichever device of the owner began it. */
  readonly goesOn: readonly string[];
  /** These have given their share out. */
  readonly given: readonly string[];
}

/** What one server says of the keys it holds; null when it was not asked. */
interface Asked {
  readonly record: { readonly name: string };
  readonly list: HeldKeys | CkmError | null;
}

/** @param id of the key, in hex */
export function exportStatus(found: readonly Asked[], id: string): ExportStatus {
  const shown = found.flatMap(({ record: { name }, list }) => {
    if (list === null || list instanceof CkmError) return [];
    const key = list.keys.find(({ keyId }) => encodeHex(keyId) === id);
    return key === undefined ? [] : [{ name, key }];
  });
  return {
    goesOn: shown.filter(({ key }) => key.exports !== undefined).map(({ name }) => name),
    given: shown.filter(({ key }) => key.exportedAt !== undefined).map(({ name }) => name),
  };
}

/** Whoever has the owner's client can ask for a key that may leave: its owner is to look who did. */
export function checkExports({
  keys,
}: {
  readonly keys: readonly { readonly name: string; readonly exports: ExportStatus }[];
}): DoctorLine[] {
  return keys.flatMap(({ name, exports: { goesOn } }): DoctorLine[] =>
    goesOn.length === 0
      ? []
      : [
          {
            level: 'warn',
            subject: `${name} on ${listed(goesOn)}`,
            text: 'somebody with your client takes the key out of its servers',
            fix: 'if that is not you, stop it, and look who has your seed',
            remedy: { kind: 'stopExport', key: name },
          },
        ],
  );
}
