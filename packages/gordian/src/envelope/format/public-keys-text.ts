import { encodeHex, encodeUtf8 } from '@ckm/foundation';
import { cbor, encodeCanonical, MAJOR, taggedValue, type Cbor } from '../../cbor/dcbor.js';
import { TAG } from '../../cbor/tags.js';
import { primitives } from '../../primitives/runtime.js';

/** Strengths of the post-quantum schemes, by the number that stands for them. */
const MLDSA: Readonly<Record<string, string>> = { 2: 'MLDSA44', 3: 'MLDSA65', 5: 'MLDSA87' };
const MLKEM: Readonly<Record<string, string>> = { 512: 'MLKEM512', 768: 'MLKEM768', 1024: 'MLKEM1024' };
const EC_KEY_DATA = 3;

/** Whose keys, by references of four bytes. Source: bc-components-rust, Display of PublicKeys and of what it is made of. */
export function publicKeysText(content: Cbor): string {
  const pair = content.type === MAJOR.array && content.value.length === 2 ? content.value : null;
  const signing = pair === null ? null : signingKeyText(pair[0]!);
  const encapsulation = pair === null ? null : encapsulationKeyText(pair[1]!);
  if (signing === null || encapsulation === null) return 'PublicKeys';
  return `PublicKeys(${referenceOf(taggedValue(TAG.publicKeys, content))}, ${signing}, ${encapsulation})`;
}

function signingKeyText(item: Cbor): string | null {
  if (item.type !== MAJOR.tag || item.tag !== TAG.signingPublicKey) return null;
  const key = keyText(item.value);
  return key === null ? null : `SigningPublicKey(${referenceOf(item)}, ${key})`;
}

function keyText(content: Cbor): string | null {
  if (content.type === MAJOR.bytes) return `SchnorrPublicKey(${shortHash(content.value)})`;
  if (content.type === MAJOR.array) return listedKeyText(content.value);
  if (content.type !== MAJOR.tag) return null;
  if (content.tag === TAG.sshPublicKey && content.value.type === MAJOR.text)
    return `SSHPublicKey(${shortHash(encodeUtf8(content.value.value))})`;
  const strength = content.tag === TAG.mldsaPublicKey ? mldsaName(content.value) : null;
  return strength === null ? null : `${strength}PublicKey(${referenceOf(content)})`;
}

function listedKeyText([scheme, key]: readonly Cbor[]): string | null {
  if (key?.type !== MAJOR.bytes) return null;
  if (scheme!.value === 2) return `Ed25519PublicKey(${shortHash(key.value)})`;
  const whole: Cbor = taggedValue(TAG.ecKey, { type: MAJOR.map, value: [[cbor(EC_KEY_DATA), key]] });
  return scheme!.value === 1 ? `ECPublicKey(${referenceOf(whole)})` : null;
}

function encapsulationKeyText(item: Cbor): string | null {
  if (item.type !== MAJOR.tag) return null;
  const strength = item.tag === TAG.mlkemPublicKey ? mlkemName(item.value) : null;
  const name = item.tag === TAG.x25519PublicKey ? 'X25519' : strength;
  const reference = referenceOf(item);
  return name === null ? null : `EncapsulationPublicKey(${reference}, ${name}PublicKey(${reference}))`;
}

/** The scheme and strength of `[strength, bytes]`, or `null`. */
export function mldsaName(content: Cbor): string | null {
  return strengthName(content, MLDSA);
}

/** As {@link mldsaName}, of keys that seal. */
export function mlkemName(content: Cbor): string | null {
  return strengthName(content, MLKEM);
}

function strengthName(content: Cbor, names: Readonly<Record<string, string>>): string | null {
  const strength = content.type === MAJOR.array ? content.value[0] : undefined;
  return strength?.type === MAJOR.unsigned ? (names[String(strength.value)] ?? null) : null;
}

function referenceOf(item: Cbor): string {
  return shortHash(encodeCanonical(item));
}

function shortHash(bytes: Uint8Array): string {
  return encodeHex(primitives.sha256(bytes).subarray(0, 4));
}
