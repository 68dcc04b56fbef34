// Writes docs/vectors: what docs/formats.md describes, as bytes that another implementation can compare with. Everything follows from
// fixed seeds, so that the same version writes the same files: `node scripts/vectors.mjs [--to FOLDER]`, after compiling.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { encodeHex } from '@ckm/foundation';
import { SUITE_NAMES } from '@ckm/threshold';
import { approverVectors } from './vectors/approvers.mjs';
import { askedVectors } from './vectors/asked.mjs';
import { callVectors } from './vectors/calls.mjs';
import { changeVector } from './vectors/changes.mjs';
import { childVectors } from './vectors/children.mjs';
import { deviceVectors } from './vectors/devices.mjs';
import { headVectors } from './vectors/heads.mjs';
import { importVector } from './vectors/imports.mjs';
import { keyVector, makeKey } from './vectors/keys.mjs';
import { labelVectors } from './vectors/labels.mjs';
import { lifeVectors } from './vectors/life.mjs';
import { likenessVectors } from './vectors/likeness.mjs';
import { messageVectors } from './vectors/messages.mjs';
import { packetVectors } from './vectors/packets.mjs';
import { requestVectors } from './vectors/requests.mjs';
import { strictVector } from './vectors/strict.mjs';

const { values } = parseArgs({ options: { to: { type: 'string' } } });
const folder = resolve(values.to ?? join(dirname(dirname(fileURLToPath(import.meta.url))), 'docs/vectors'));

const keys = SUITE_NAMES.map((suite) => makeKey(suite));
const files = {
  keys: keys.map(keyVector),
  imports: SUITE_NAMES.map(importVector),
  changes: keys.map((key) => changeVector(key)),
  strict: [strictVector('ed25519')],
  messages: keys.flatMap(messageVectors),
  packets: packetVectors(keys[0]),
  requests: requestVectors(keys[0]),
  labels: labelVectors(keys.find(({ suite }) => suite === 'ristretto255')),
  calls: callVectors(),
  devices: deviceVectors(),
  approvers: approverVectors(),
  asked: askedVectors(),
  life: lifeVectors(),
  heads: headVectors(),
  likeness: likenessVectors(),
  children: keys.flatMap(childVectors),
};

mkdirSync(folder, { recursive: true });
for (const [name, vectors] of Object.entries(files)) {
  const bytes = (_key, value) => (value instanceof Uint8Array ? encodeHex(value) : value);
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(vectors, bytes, 2)}\n`);
}
