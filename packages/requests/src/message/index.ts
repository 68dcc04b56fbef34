import { encodeHex } from '@ckm/foundation';
import { forKeysMadeForIt } from '../fits.js';
import { costByLength } from '../cost.js';
import type { RequestKind } from '../kind.js';
import { hexForm } from '../public-form.js';
import { describeMessage } from './describe.js';
import { MESSAGE_FACTS, messageFacts } from './facts.js';
import { finishMessage, verifyMessage } from './finish.js';
import { messageForm } from './form.js';
import { MESSAGE_MAX_BYTES, parseMessage, type MessageRequest } from './parse.js';
import { messageTasks } from './tasks.js';

/** A message, with a domain or as it is. The artefact is the signature itself. */
export const messageKind: RequestKind<MessageRequest> = forKeysMadeForIt({
  name: 'message',
  alsoFor: [],
  suites: ['ed25519', 'ristretto255', 'secp256k1', 'secp256k1-tr', 'P-256'],
  publicForm: hexForm,
  showArtefact: (artefact) => ({ text: encodeHex(artefact), more: {} }),
  form: messageForm,
  maxBytes: MESSAGE_MAX_BYTES,
  factTypes: MESSAGE_FACTS,
  cost: costByLength,
  parse: parseMessage,
  describe: describeMessage,
  tasks: messageTasks,
  finish: finishMessage,
  verify: verifyMessage,
  facts: messageFacts,
});
