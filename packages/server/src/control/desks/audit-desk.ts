import { encodeHex } from '@ckm/foundation';
import type { AuditLine } from '../../audit/audit.js';
import { countStopped } from '../../policy/tightening.js';
import type { OperatorAuditLine, OperatorAuditVerification } from '../schemas/audit.js';
import type { DeskMeans } from './means.js';

const hexOrNull = (bytes: Uint8Array | null) => (bytes === null ? null : encodeHex(bytes));

/** An entry as the operator's side reads it. */
export function viewAuditLine(line: AuditLine): OperatorAuditLine {
  const { sequence, at, deed, who, keyId, subject, sentence, verdict, policy, detail, hash } = line;
  return {
    sequence,
    at,
    deed,
    who: hexOrNull(who),
    keyId: hexOrNull(keyId),
    subject: hexOrNull(subject),
    sentence,
    verdict,
    policy,
    detail,
    hash: encodeHex(hash),
  };
}

/** The audit log, to be read and checked. */
export function createAuditDesk({
  context,
  sessions,
  anchor,
  rotation,
  backups,
  clockJump,
  epochKeysMissing,
}: DeskMeans) {
  const { storage, audit } = context;
  return {
    auditLines: async (from: number, limit: number): Promise<readonly OperatorAuditLine[]> => {
      const lines = await storage.read((reader) => audit.list(reader, from, limit));
      return lines.map(viewAuditLine);
    },
    verifyAudit: async (): Promise<OperatorAuditVerification> => {
      const verification = await audit.verify(storage, anchor());
      return verification.ok ? { ...verification, head: encodeHex(verification.head) } : verification;
    },
    summary: async () => {
      const head = await storage.read(({ audit: log }) => log.head());
      return {
        storage: storage.kind,
        sqlite: storage.sqlite,
        waitingRequests: await sessions.desk.count(),
        waitingSessions: await sessions.sessionDesk.count(),
        auditEntries: head?.sequence ?? 0,
        auditHead: head === null ? '' : encodeHex(head.hash),
        storageKey: context.vault.epoch,
        isKeyChanging: rotation.isUnderWay(),
        clockJump: clockJump(),
        epochKeysMissing: epochKeysMissing(),
        keysStopped: await countStopped(context),
        lastBackupAt: await backups.lastAt(),
        backupsLeft: await backups.countLeft(),
        lastDrillAt: await backups.lastDrillAt(),
      };
    },
  };
}
