import { encodeHex, replaceUnshowable } from '@ckm/foundation';
import { decodeCanonical, MAJOR, type Cbor, type CborNumber } from '../../cbor/dcbor.js';
import { TAG } from '../../cbor/tags.js';
import { dateText } from './date.js';
import { knownValueName } from './known-value-names.js';
import { mldsaName, mlkemName, publicKeysText } from './public-keys-text.js';

/** `'note'`, or `'1234'` for one without a name here. */
export function knownValueText(value: number | bigint): string {
  return `'${knownValueName(value)}'`;
}

/** How deep bytes that hold CBOR may stand in one another and still be shown: each level is decoded anew. */
const MOST_ENCODINGS = 8;

/**
 * One line for a CBOR value: what a person needs to recognise it, never more than `maxLength` characters of a text.
 * Nothing in it begins a line, moves the cursor or turns words around, and a text ends at its own quotation mark, so that no
 * value looks like another one, or like the parts of an envelope around it.
 */
export function summarise(item: Cbor, maxLength = Number.POSITIVE_INFINITY): string {
  return item.type === MAJOR.text ? quoted(shorten(item.value, maxLength)) : summary(item, 0);
}

/** @param inside in how many byte strings that hold CBOR the item stands */
function summary(item: Cbor, inside: number): string {
  switch (item.type) {
    case MAJOR.bytes:
      return `Bytes(${item.value.length})`;
    case MAJOR.tag:
      return summariseTagged(item.tag, item.value, inside);
    default:
      return diagnostic(item, inside);
  }
}

function shorten(text: string, maxLength: number): string {
  const characters = maxLength === Number.POSITIVE_INFINITY ? [] : Array.from(text);
  return characters.length > maxLength ? `${characters.slice(0, maxLength).join('')}…` : text;
}

/** Newlines as `\n`; everything else that cannot be shown as `\u{…}`. */
export function escapeControls(text: string): string {
  return replaceUnshowable(text, (character) => (character === '\n' ? String.raw`\n` : escaped(character)));
}

function escaped(character: string): string {
  return `\\u{${character.codePointAt(0)!.toString(16)}}`;
}

/** The reference escapes quotation marks inside lists and maps only, and backslashes nowhere. */
function quoted(text: string): string {
  return `"${escapeControls(text.replaceAll(/["\\]/g, String.raw`\$&`))}"`;
}

/** No URI holds any of these. Source: RFC 3986, section 2. */
const NOT_IN_URI = /[ "<>\\^`{|}]/g;

/** CBOR diagnostic notation on one line, with tags that have a meaning here summed up. */
function diagnostic(item: Cbor, inside: number): string {
  switch (item.type) {
    case MAJOR.unsigned:
    case MAJOR.negative:
      return String(item.value);
    case MAJOR.bytes:
      return `h'${encodeHex(item.value)}'`;
    case MAJOR.text:
      return quoted(item.value);
    case MAJOR.array:
      return `[${item.value.map((one) => diagnostic(one, inside)).join(', ')}]`;
    case MAJOR.map:
      return `{${item.value.map((entry) => entry.map((one) => diagnostic(one, inside)).join(': ')).join(', ')}}`;
    case MAJOR.tag:
      return summariseTagged(item.tag, item.value, inside);
    default:
      return typeof item.value === 'number' ? floatText(item.value) : String(item.value);
  }
}

/** As Rust's debug format: `1.5`, `1e21`, `1.5e-7`. */
function floatText(value: number): string {
  const size = Math.abs(value);
  const isPlain = !Number.isFinite(value) || (size >= 1e-4 && size < 1e16);
  return isPlain ? String(value) : value.toExponential().replace('e+', 'e');
}

type Wrapper = (content: Cbor, inside: number) => string | null;

const WRAPPERS: Readonly<Record<number, Wrapper>> = {
  [TAG.digest]: (content) => shortened('Digest', content),
  [TAG.arid]: (content) => shortened('ARID', content),
  [TAG.xid]: (content) => shortened('XID', content),
  [TAG.uri]: (content) => (content.type === MAJOR.text ? `URI(${uriText(content.value)})` : null),
  [TAG.date]: dateText,
  [TAG.salt]: () => 'Salt',
  [TAG.sskrShare]: () => 'SSKRShare',
  [TAG.sealedMessage]: sealedMessageText,
  [TAG.signature]: signatureText,
  [TAG.encryptedKey]: encryptedKeyText,
  [TAG.function]: (content, inside) => `«${nameText(content, FUNCTIONS, inside)}»`,
  [TAG.parameter]: (content, inside) => `❰${nameText(content, PARAMETERS, inside)}❱`,
  [TAG.request]: (content, inside) => `request(${summary(content, inside)})`,
  [TAG.response]: (content, inside) => `response(${summary(content, inside)})`,
  [TAG.knownValue]: (content) => (content.type === MAJOR.unsigned ? knownValueText(content.value) : null),
  [TAG.publicKeys]: publicKeysText,
  [TAG.encodedCbor]: encodedText,
};

/** Never printed with what is in them, which is or may be secret. */
const SECRETS: Readonly<Record<number, string>> = {
  [TAG.x25519PrivateKey]: 'X25519PrivateKey',
  [TAG.privateKeys]: 'PrivateKeys',
  [TAG.password]: 'Password',
  [TAG.privateKeyBase]: 'PrivateKeyBase',
  [TAG.signingPrivateKey]: 'SigningPrivateKey',
  [TAG.symmetricKey]: 'SymmetricKey',
  [TAG.mlkemPrivateKey]: 'MLKEMPrivateKey',
  [TAG.mldsaPrivateKey]: 'MLDSAPrivateKey',
  [TAG.seed]: 'Seed',
  [TAG.seedV1]: 'Seed',
  [TAG.hdKey]: 'HDKey',
  [TAG.hdKeyV1]: 'HDKey',
  [TAG.ecKey]: 'ECKey',
  [TAG.ecKeyV1]: 'ECKey',
  [TAG.sshPrivateKey]: 'SSHPrivateKey',
};

function summariseTagged(tag: CborNumber, content: Cbor, inside: number): string {
  const number = Number(tag);
  return SECRETS[number] ?? WRAPPERS[number]?.(content, inside) ?? `${tag}(${diagnostic(content, inside)})`;
}

function uriText(uri: string): string {
  return escapeControls(uri.replace(NOT_IN_URI, escaped));
}

function shortened(name: string, content: Cbor): string | null {
  return content.type === MAJOR.bytes ? `${name}(${encodeHex(content.value.subarray(0, 4))})` : null;
}

function signatureText(content: Cbor): string {
  if (content.type === MAJOR.bytes) return 'Signature';
  const kind = content.type === MAJOR.array ? content.value[0] : undefined;
  const postQuantum =
    content.type === MAJOR.tag && content.tag === TAG.mldsaSignature ? mldsaName(content.value) : null;
  if (kind?.type !== MAJOR.unsigned) return `Signature(${postQuantum ?? 'Unknown'})`;
  return kind.value === 2 ? 'Signature(Ed25519)' : 'Signature(Ecdsa)';
}

function sealedMessageText(content: Cbor): string {
  const key = content.type === MAJOR.array ? content.value[1] : undefined;
  const scheme = key?.type === MAJOR.tag && key.tag === TAG.mlkemCiphertext ? mlkemName(key.value) : null;
  return scheme === null ? 'SealedMessage' : `SealedMessage(${scheme})`;
}

const DERIVATIONS = ['HKDF', 'PBKDF2', 'Scrypt', 'Argon2id', 'SSHAgent'];
const HASHES = ['SHA256', 'SHA512'];

/** The parameters stand in the additional data: [method, salt, …]. */
function encryptedKeyText(content: Cbor, inside: number): string {
  const inner = content.type === MAJOR.tag ? content.value : content;
  const aad = inner.type === MAJOR.array ? inner.value[3] : undefined;
  const parameters = aad?.type === MAJOR.bytes && inside < MOST_ENCODINGS ? tryDecode(aad.value) : null;
  if (parameters?.type !== MAJOR.array) return 'EncryptedKey';
  const [index] = parameters.value;
  const last = parameters.value.at(-1)!;
  const name = index?.type === MAJOR.unsigned ? DERIVATIONS[Number(index.value)] : undefined;
  const isHashed = (name === 'HKDF' || name === 'PBKDF2') && last.type === MAJOR.unsigned;
  if (isHashed) return `EncryptedKey(${name}(${HASHES[Number(last.value)] ?? '?'}))`;
  const detail = name === 'SSHAgent' ? `(${summary(last, inside + 1)})` : '';
  return `EncryptedKey(${name ?? '?'}${detail})`;
}

const FUNCTIONS = 'add sub mul div neg lt le gt ge eq ne and or xor not'.split(' ');
const PARAMETERS = ['_', 'lhs', 'rhs'];

function nameText(content: Cbor, names: readonly string[], inside: number): string {
  if (content.type === MAJOR.unsigned) return names[Number(content.value) - 1] ?? String(content.value);
  return summary(content, inside);
}

function encodedText(content: Cbor, inside: number): string | null {
  if (content.type !== MAJOR.bytes) return null;
  if (inside === MOST_ENCODINGS)
    return `encoded(Bytes(${content.value.length}), nested too deep to be shown)`;
  const inner = tryDecode(content.value);
  return inner === null ? null : `encoded(${diagnostic(inner, inside + 1)})`;
}

function tryDecode(bytes: Uint8Array): Cbor | null {
  try {
    return decodeCanonical(bytes);
  } catch {
    return null;
  }
}
