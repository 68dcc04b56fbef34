import { EncodingError } from '@ckm/foundation';
import { decodeData, encodeData } from '@ckm/gordian';
import { hashExport } from '@ckm/threshold';
import { type ExportProposal, exportProposal } from './exports.js';
import type { Ballot } from './votes/ballot.js';
import {
  ballotOfNamed,
  isNamedAs,
  type NamedAs,
  type NamedMatter,
  type VotedUnder,
} from './votes/named-ballot.js';

const LIMITS = { maxBytes: 512, maxDepth: 1, maxItems: 16 } as const;

/** What people are shown who are asked about an export: canonical, so that its hash names it. */
export function encodeExportAsked(proposal: ExportProposal): Uint8Array {
  const { kind, keyId, epoch, transcriptHash, exportId, recipient, heir } = proposal;
  const asked = heir === undefined ? {} : { heir };
  return encodeData({ kind, keyId, epoch, transcriptHash, exportId, recipient, ...asked });
}

/** What is voted on in an export, under the terms in force. */
export function ballotOfExport(proposal: ExportProposal, under: VotedUnder): Omit<Ballot, 'serverId'> {
  return ballotOfNamed(named(proposal), under);
}

/**
 * The export that somebody is shown who is asked about it, where it is the one that the vote would name.
 * @throws EncodingError `EXPORT_ASKED_INVALID`, `CBOR_…`
 */
export function readExportAsked(payload: Uint8Array, shown: NamedAs): ExportProposal {
  const parsed = exportProposal.safeParse(decodeData(payload, LIMITS));
  if (parsed.success && isNamedAs(named(parsed.data), payload, shown)) return parsed.data;
  throw new EncodingError('what is shown is not the export that is named', {
    code: 'EXPORT_ASKED_INVALID',
    hint: 'say yes to nothing; compare what each of the servers shows with what the owner says himself',
  });
}

function named(proposal: ExportProposal): NamedMatter {
  const hash = hashExport(proposal, proposal);
  return {
    matter: 'export',
    kind: 'export',
    keyId: proposal.keyId,
    hash,
    bytes: encodeExportAsked(proposal),
  };
}
