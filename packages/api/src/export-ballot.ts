import { encodeData } from '@ckm/gordian';
import { hashExport } from '@ckm/threshold';
import { type ExportProposal, exportProposal } from './exports.js';
import { type NamedMatter, namedQuestion } from './votes/named-ballot.js';

const LIMITS = { maxBytes: 512, maxDepth: 1, maxItems: 16 } as const;

/** What people are shown who are asked about an export: canonical, so that its hash names it. */
export function encodeExportAsked(proposal: ExportProposal): Uint8Array {
  const { kind, keyId, epoch, transcriptHash, exportId, recipient, heir } = proposal;
  const asked = heir === undefined ? {} : { heir };
  return encodeData({ kind, keyId, epoch, transcriptHash, exportId, recipient, ...asked });
}

const question = namedQuestion({
  form: exportProposal,
  limits: LIMITS,
  named,
  what: 'the export',
  code: 'EXPORT_ASKED_INVALID',
});

/** What is voted on in an export, under the terms in force. */
export const ballotOfExport = question.ballotOf;

/** The export that somebody is shown who is asked about it. @throws EncodingError `EXPORT_ASKED_INVALID`, `CBOR_…` */
export const readExportAsked = question.read;

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
