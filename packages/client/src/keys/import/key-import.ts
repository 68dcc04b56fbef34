import { allSpeak, type Packet } from '@ckm/api';
import { StateError } from '@ckm/foundation';
import {
  encodeCertificate,
  encodeImportDeal,
  type Fault,
  findImportFault,
  type ImportDeal,
  type ImportMessage,
  importProtocol,
  type KeyCertificate,
  type KeyParams,
  parseImportDeal,
  type PartyIndex,
  verifyCertificate,
} from '@ckm/threshold';
import { roundsOf } from '../../progress/job-steps.js';
import type { Participant } from '../../servers/ask-all.js';
import { serverFault } from '../../servers/faults.js';
import type { Ceremony, Ending } from '../../sessions/ceremony.js';
import type { SessionRecord } from '../../sessions/session-record.js';
import { shortId } from '../../store/track.js';
import { IMPORT } from '../free-name.js';
import type { AssembledCertificate } from '../generation/certificate.js';
import { concludeKey, forgetKey } from '../generation/conclude.js';
import { assembleKey } from '../generation/offers.js';
import { withNames } from '../generation/with-names.js';
import type { KeyRecord } from '../key-record.js';
import { readImport } from './import-record.js';

/** What a finished import leaves. */
export interface ImportedKey {
  readonly kind: 'import';
  readonly key: KeyRecord;
}

/** Deals the key that is at hand; it is asked once, before anything of it leaves. */
export type Deal = (params: KeyParams) => ImportDeal;

const ROUNDS = roundsOf('import');

/**
 * The taking over of a key, as the client of its owner carries it. What was dealt is stored before any server is shown it, and is
 * from then on sent again, never dealt again: the record holds encrypted shares, and not the key.
 * @param deal null: the key is not at hand, and only what was dealt already can go on
 */
export function createKeyImport(deal: Deal | null): Ceremony<ImportedKey> {
  return {
    kind: IMPORT,
    protocol: importProtocol.id,
    job: 'import',
    rounds: ROUNDS,
    again: null,
    title: ({ keyName }) => `importing ${keyName}`,
    details(session) {
      const { quorum, purpose, suite } = readImport(session).proposal;
      const what = `${session.keyName}, ${quorum.needed} of ${quorum.of}, for ${purpose} (${suite})`;
      return [['Imports', what]];
    },
    assemble(session, offers) {
      if (deal === null) throw notDealt(session);
      const { proposal } = readImport(session);
      const strict = proposal.strict === true;
      const flags = { dealt: true, exportable: false, exported: false, hd: proposal.hd, strict };
      const params = assembleKey(proposal, { epoch: 0, previous: new Uint8Array(32), flags }, offers);
      return encodeImportDeal(deal(params));
    },
    plan(parameters) {
      const { epoch, roster } = parseImportDeal(parameters).params;
      return {
        epoch,
        speeches: allSpeak(
          roster.map(({ slot }) => slot),
          ROUNDS.length,
        ),
      };
    },
    findFault,
    async conclude(ending) {
      const { proposal, network } = readImport(ending.session);
      const certificate = assembleImported(ending);
      return {
        kind: IMPORT,
        key: await concludeKey(ending, certificate, { policy: proposal.policy, network }),
      };
    },
    giveUp: forgetKey,
  };
}

function findFault(parameters: Uint8Array, rounds: readonly (readonly Packet[])[]): Fault | null {
  const messages = (rounds[0] ?? []).map(({ payload }) => decode(payload));
  const culprits = messages.flatMap((message, i) => (message === null ? [(i + 1) as PartyIndex] : []));
  if (culprits.length > 0) return { code: 'FAULT_MALFORMED', round: 0, culprits };
  const read = messages.filter((message) => message !== null);
  return findImportFault(parseImportDeal(parameters), read);
}

/** @throws PeerFaultError naming the servers at fault */
function assembleImported({ parameters, participants, packets }: Ending): AssembledCertificate {
  const deal = parseImportDeal(parameters);
  const signatures = packets(0).map(({ payload }, i) => {
    const message = decode(payload);
    if (message === null) throw notOfRound(participants[i]!);
    return message.signature;
  });
  const certificate: KeyCertificate = { kind: 'import', ...deal, signatures };
  try {
    const { transcriptHash } = verifyCertificate(certificate);
    return { certificate, encoded: encodeCertificate(certificate), transcriptHash };
  } catch (error) {
    throw withNames(error, participants);
  }
}

function decode(payload: Uint8Array): ImportMessage | null {
  try {
    return importProtocol.message.decode(payload);
  } catch {
    return null;
  }
}

function notOfRound(participant: Participant) {
  return serverFault(
    'FAULT_PACKET_INVALID',
    [participant],
    'sent a packet with no message of its round in it',
  );
}

function notDealt({ keyName, sessionId }: SessionRecord): StateError {
  return new StateError(`key ${keyName} was not dealt yet, and it is not kept here`, {
    code: 'IMPORT_NOT_DEALT',
    hint: `import it once more, from its file and with the same servers: session ${shortId(sessionId)} goes on then`,
    facts: { key: keyName },
  });
}
