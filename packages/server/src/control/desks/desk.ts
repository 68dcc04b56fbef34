import { reveal, type Secret } from '@ckm/foundation';
import { createAuditDesk } from './audit-desk.js';
import { createOperatorChanges } from './change-desk.js';
import { createDrillDesk } from './drill-desk.js';
import { createKeyDesk } from './key-desk.js';
import type { DeskMeans } from './means.js';
import { createOutboxDesk } from './outbox-desk.js';
import { createPeopleDesk } from './people-desk.js';
import { createRecoveryDesk } from './recovery-desk.js';
import { createOperatorRequests } from './request-desk.js';
import { createOperatorSilence } from './silence-desk.js';
import { createOperatorSessions } from './session-desk.js';

/** What the operator can do with a server that is open. Whatever changes something is audited in the same transaction. */
export function createOperatorDesk(server: DeskMeans) {
  return {
    ...createOperatorRequests(server),
    ...createOperatorSessions(server),
    ...createOperatorChanges(server),
    ...createAuditDesk(server),
    ...createPeopleDesk(server),
    ...createKeyDesk(server),
    ...createDrillDesk(server),
    ...createOutboxDesk(server),
    ...createRecoveryDesk(server),
    ...createOperatorSilence(server),
    /** @param passphrase without bytes on a server that has none; wiped */
    rotateKey: (passphrase: Secret<Uint8Array>) =>
      server.rotation.rotate(reveal(passphrase, 'see whether there is one').length === 0 ? null : passphrase),
    /** @param passphrase wiped */
    backup: async (passphrase: Secret<Uint8Array>, hasEpochKeys: boolean) => {
      const pieces = await server.backups.begin({ passphrase, hasEpochKeys });
      server.context.events.operatorActed({ action: 'backup' });
      return pieces;
    },
    keepBackup: server.backups.keep,
    noteDestroyedBackups: async (before: number) => {
      await server.backups.noteDestroyed(before);
      server.context.events.operatorActed({ action: 'backups-destroyed' });
    },
  };
}
export type OperatorDesk = ReturnType<typeof createOperatorDesk>;
