import { createKeyImport, type ImportedKey } from '../keys/import/key-import.js';
import type { GeneratedKey } from '../keys/generation/conclude.js';
import { keyGeneration } from '../keys/generation/key-generation.js';
import type { RepairedShare } from '../keys/repair/conclude-repair.js';
import { shareRepair } from '../keys/repair/share-repair.js';
import type { ChangedKey } from '../keys/changes/carry-change.js';
import { type MovedShares, resharing } from '../keys/changes/resharing.js';
import type { Ceremony } from '../sessions/ceremony.js';

/** What a finished session left: a member for each kind of ceremony. */
export type SessionOutcome = GeneratedKey | ImportedKey | RepairedShare | ChangedKey;

/** Every ceremony that a client carries; another one is one more value here. */
export const CEREMONIES: readonly Ceremony<GeneratedKey | ImportedKey | RepairedShare | MovedShares>[] = [
  keyGeneration,
  createKeyImport(null),
  shareRepair,
  resharing,
];
