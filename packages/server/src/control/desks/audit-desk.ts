import { encodeHex } from '@ckm/foundation';
import { countStopped } from '../../policy/tightening.js';
import type { OperatorAuditLine, OperatorAuditVerification } from '../schemas/audit.js';
import type { DeskMeans } from './means.js';

const hexOrNull = (bytes: Uint8Array | null) => (bytes === null ? null : encodeHex(bytes));

/** The audit log, to be read and checked. */
export function createAuditDesk({ context, sessions, anchor, rotation, epochKeysMissing }: DeskMeans) {
  const { storage, audit } = context;
  return {
    auditLines: async (from: number, limit: number): Promise<readonly OperatorAuditLine[]> => {
      const lines = await storage.read((reader) => audit.list(reader, from, limit));
      return lines.map((line) => ({
        sequence: line.sequence,
        at: line.at,
        deed: line.deed,
        who: hexOrNull(line.who),
        keyId: hexOrNull(line.keyId),
        subject: hexOrNull(line.subject),
        sentence: line.sentence,
        verdict: line.verdict,
        policy: line.policy,
        detail: line.detail,
        hash: encodeHex(line.hash),
      }));
    },
    verifyAudit: async (): Promise<OperatorAuditVerification> => {
      const verification = await audit.verify(storage, anchor());
      return verification.ok ? { ...verification, head: encodeHex(verification.head) } : verification;
    },
    summary: async () => {
      const head = await storage.read(({ audit: log }) => log.head());
      return {
        storage: storage.kind,
        waitingRequests: await sessions.desk.count(),
        auditEntries: head?.sequence ?? 0,
        auditHead: head === null ? '' : encodeHex(head.hash),
        storageKey: context.vault.epoch,
        isKeyChanging: rotation.isUnderWay(),
        epochKeysMissing: epochKeysMissing(),
        keysStopped: await countStopped(context),
      };
    },
  };
}
