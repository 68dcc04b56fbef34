import { encodeHex } from '@ckm/foundation';
import { NO_TWEAK, verifySignature } from '@ckm/threshold';
import { costByLength } from '../cost.js';
import { forKeysMadeForIt } from '../fits.js';
import type { RequestForm } from '../form.js';
import type { Description, RequestKind } from '../kind.js';
import { hexForm } from '../public-form.js';
import { frostTask } from '../task.js';
import { theOneSignature } from '../verify/one-signature.js';
import { encodePayload, readPayload } from '../wire/payload.js';
import { drillText } from './text.js';

/** What keys are made for that serve a drill alone, and the one kind of request that they answer. */
export const DRILL = 'drill';

interface DrillRequest {
  /** Always the same. */
  readonly text: Uint8Array;
}

/** Nobody fills anything in. */
const NO_FORM: RequestForm = {
  fields: [],
  takesAnyContent: false,
  mostContentBytes: 0,
  build: () => buildDrillRequest(),
};

/** The one payload that there is. */
export function buildDrillRequest(): Uint8Array {
  return encodePayload();
}

function parseDrill(payload: Uint8Array): DrillRequest {
  readPayload(payload, 1).end();
  return { text: drillText() };
}

const DESCRIPTION: Description = {
  sentence: 'Sign the fixed text of a recovery drill with a key that was made for it',
  rows: [{ label: 'Key', value: 'of a drill: it holds nothing, and signs nothing else' }],
  warnings: [],
  blind: false,
};

/**
 * The text of a drill. A key that was made for drills answers to nothing else, and no other key answers to this. It is offered to
 * nobody: whoever drills makes the key himself and has it forgotten.
 */
export const drillKind: RequestKind<DrillRequest> = forKeysMadeForIt({
  name: DRILL,
  alsoFor: [],
  suites: ['ed25519', 'ristretto255', 'secp256k1', 'secp256k1-tr', 'P-256'],
  publicForm: hexForm,
  showArtefact: (artefact) => ({ text: encodeHex(artefact), more: {} }),
  form: NO_FORM,
  maxBytes: 1,
  factTypes: {},
  cost: costByLength,
  parse: parseDrill,
  describe: () => DESCRIPTION,
  tasks: ({ text }) => [frostTask(text, NO_TWEAK)],
  finish: ({ text }, key, results) => theOneSignature(key, text, results).slice(),
  verify: ({ text }, key, artefact) => verifySignature(key.suite, key.public.groupKey, text, artefact),
  facts: () => ({}),
});
