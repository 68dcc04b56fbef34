import { decodeUtf8, encodeHex } from '@ckm/foundation';
import { costByLength } from '../cost.js';
import { demand } from '../errors.js';
import { forKeysMadeForIt } from '../fits.js';
import type { RequestForm } from '../form.js';
import type { Facts, FactTypes } from '../facts.js';
import type { Description, KeyContext, RequestKind } from '../kind.js';
import { hexForm } from '../public-form.js';
import { keyName } from '../text/key-name.js';
import { quoteText } from '../text/quote.js';
import { readPayload } from '../wire/payload.js';
import { buildDeriveRequest } from './build.js';
import {
  decodeLabel,
  encodeLabel,
  formatLabel,
  type Label,
  MAX_ENCODED_LABEL_BYTES,
  parseLabel,
} from './label.js';

/** What keys are made for that secrets are derived from, and the one kind of request that they answer. */
export const DERIVE = 'derive';

/** Version, length and label. */
const MAX_BYTES = 1 + 4 + MAX_ENCODED_LABEL_BYTES;

const LABEL_FACTS: FactTypes = {
  label: { is: 'text', noun: 'label' },
  labelFirst: { is: 'text', noun: 'first part of the label' },
};

const FORM: RequestForm = {
  fields: [],
  takesAnyContent: false,
  mostContentBytes: MAX_ENCODED_LABEL_BYTES,
  build: (content) => buildDeriveRequest(parseLabel(decodeUtf8(content))),
};

function parseDerive(payload: Uint8Array): Label {
  const reader = readPayload(payload, MAX_BYTES);
  const label = decodeLabel(reader.prefixed(MAX_ENCODED_LABEL_BYTES));
  reader.end();
  return label;
}

function describe(label: Label, key: KeyContext): Description {
  const text = formatLabel(label);
  return {
    sentence: `Give out the secret that ${keyName(key)} has for ${quoteText(text)}`,
    rows: [
      { label: 'Label', value: quoteText(text, MAX_ENCODED_LABEL_BYTES) },
      { label: 'Secret', value: '32 bytes, the same each time', note: 'no server sees it' },
    ],
    warnings: [],
    blind: false,
  };
}

/**
 * `labelFirst`: the whole first part, so that a rule meets all that is below it, and never a part of a word (amendments S8). Not all beginnings as `texts`:
 * of several texts `among` asks each, and only the label that is the beginning itself would meet it.
 */
function facts(label: Label): Facts {
  return { label: [formatLabel(label)], labelFirst: label.parts.slice(0, 1) };
}

/** A secret of 32 bytes for a label. Servers see the label, and never what comes of it; only whoever asked has it. */
export const deriveKind: RequestKind<Label> = forKeysMadeForIt({
  name: DERIVE,
  alsoFor: [],
  suites: ['ristretto255'],
  resultIsSecret: true,
  publicForm: hexForm,
  // For whoever asked, and nobody else: it is kept nowhere from which it could be shown.
  showArtefact: (artefact) => ({ text: encodeHex(artefact), more: {} }),
  form: FORM,
  maxBytes: MAX_BYTES,
  factTypes: LABEL_FACTS,
  cost: costByLength,
  parse: parseDerive,
  describe,
  tasks: (label) => [{ craft: 'evaluation', mode: 'derive', input: encodeLabel(label) }],
  finish(_label, _key, results) {
    const [result] = results;
    const isOne = results.length === 1 && result?.craft === 'evaluation' && result.output.length === 32;
    demand(isOne, 'SIGNATURE_COUNT_WRONG', 'one secret of 32 bytes was asked for');
    return result.output;
  },
  // Nothing public says what comes of a label.
  verify: () => false,
  facts,
});
