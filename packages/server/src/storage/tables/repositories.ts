import type { Reader, Transaction } from '../storage.js';
import { auditReader, auditWriter } from './audit.js';
import { changeReader, changeWriter } from './changes.js';
import { depositReader, depositWriter } from './deposits.js';
import { deviceReader, deviceWriter } from './devices.js';
import { epochReader, epochWriter, shareReader, shareWriter } from './epochs.js';
import { keyDeviceReader, keyDeviceWriter } from './key-devices.js';
import { provenDeviceReader, provenDeviceWriter } from './proven-devices.js';
import { lifeReader, lifeWriter } from './life.js';
import { keyReader, keyWriter, tighteningReader, tighteningWriter } from './keys.js';
import { messageReader, messageWriter, metaReader, metaWriter } from './messages.js';
import { outboxReader, outboxWriter } from './outbox.js';
import { accountReader, accountWriter, inviteReader, inviteWriter } from './people.js';
import { attemptReader, attemptWriter, requestReader, requestWriter } from './requests.js';
import { prepared } from './prepared.js';
import { shownEpochReader, shownEpochWriter } from './shown-epochs.js';
import { sealedReader, sealedWriter } from './sealed.js';
import { termsReader, termsWriter } from './terms.js';
import { totalReader, totalWriter } from './totals.js';
import {
  evidenceReader,
  evidenceWriter,
  packetReader,
  packetWriter,
  sessionReader,
  sessionWriter,
} from './sessions.js';
import type { Reading } from './reading.js';
import {
  askedReader,
  askedWriter,
  matterPayloadReader,
  matterPayloadWriter,
  matterReader,
  matterWriter,
  voteReader,
  voteWriter,
} from './votes.js';
import {
  contactReader,
  contactWriter,
  recoveryReader,
  recoveryTriesReader,
  recoveryTriesWriter,
  recoveryWriter,
} from './ways-back.js';
import { youngDeviceReader, youngDeviceWriter } from './young-devices.js';
import type { Writing } from './writing.js';

const findUsage = prepared((queries, owner: Uint8Array) =>
  queries.selectFrom('usage').select('bytes').where('owner', '=', owner),
);

function bytesOf(reading: Reading) {
  return async (owner: Uint8Array): Promise<number> => (await findUsage(reading, owner)).rows[0]?.bytes ?? 0;
}

/** All tables, for reading. */
export function readerOf(reading: Reading): Reader {
  return {
    meta: metaReader(reading),
    accounts: accountReader(reading),
    invites: inviteReader(reading),
    messages: messageReader(reading),
    sessions: sessionReader(reading),
    packets: packetReader(reading),
    evidence: evidenceReader(reading),
    keys: keyReader(reading),
    epochs: epochReader(reading),
    shares: shareReader(reading),
    tightenings: tighteningReader(reading),
    changes: changeReader(reading),
    shownEpochs: shownEpochReader(reading),
    devices: deviceReader(reading),
    youngDevices: youngDeviceReader(reading),
    outbox: outboxReader(reading),
    deposits: depositReader(reading),
    terms: termsReader(reading),
    totals: totalReader(reading),
    keyDevices: keyDeviceReader(reading),
    provenDevices: provenDeviceReader(reading),
    contacts: contactReader(reading),
    recoveries: recoveryReader(reading),
    recoveryTries: recoveryTriesReader(reading),
    life: lifeReader(reading),
    requests: requestReader(reading),
    attempts: attemptReader(reading),
    matters: matterReader(reading),
    matterPayloads: matterPayloadReader(reading),
    votes: voteReader(reading),
    asked: askedReader(reading),
    audit: auditReader(reading),
    sealed: sealedReader(reading),
    bytesOf: bytesOf(reading),
  };
}

/** All tables, for one transaction. */
export function transactionOf(writing: Writing): Transaction {
  return {
    whenCommitted: (work) => void writing.committed.push(work),
    meta: metaWriter(writing),
    accounts: accountWriter(writing),
    invites: inviteWriter(writing),
    messages: messageWriter(writing),
    sessions: sessionWriter(writing),
    packets: packetWriter(writing),
    evidence: evidenceWriter(writing),
    keys: keyWriter(writing),
    epochs: epochWriter(writing),
    shares: shareWriter(writing),
    tightenings: tighteningWriter(writing),
    changes: changeWriter(writing),
    shownEpochs: shownEpochWriter(writing),
    devices: deviceWriter(writing),
    youngDevices: youngDeviceWriter(writing),
    outbox: outboxWriter(writing),
    deposits: depositWriter(writing),
    terms: termsWriter(writing),
    totals: totalWriter(writing),
    keyDevices: keyDeviceWriter(writing),
    provenDevices: provenDeviceWriter(writing),
    contacts: contactWriter(writing),
    recoveries: recoveryWriter(writing),
    recoveryTries: recoveryTriesWriter(writing),
    life: lifeWriter(writing),
    requests: requestWriter(writing),
    attempts: attemptWriter(writing),
    matters: matterWriter(writing),
    matterPayloads: matterPayloadWriter(writing),
    votes: voteWriter(writing),
    asked: askedWriter(writing),
    sealed: sealedWriter(writing),
    audit: auditWriter(writing),
    bytesOf: bytesOf(writing),
  };
}
