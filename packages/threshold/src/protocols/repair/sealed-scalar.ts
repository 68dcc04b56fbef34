import { EncodingError } from '@ckm/foundation';
import type { Agreement, SecretScalar } from '../../group/group.js';
import type { PartyIndex } from '../../protocol/contract.js';
import { contextOf, keyIn, type Session } from './session.js';

/** Who seals what to whom in a run; each pair seals once in each direction and round. */
export interface Channel {
  readonly session: Session;
  readonly from: PartyIndex;
  readonly to: PartyIndex;
  /** By the run's secret of whichever of the two is at work. */
  readonly agreement: Agreement;
  /** Session id in round 1, view in round 2. */
  readonly named: Uint8Array;
}

/**
 * Seals one scalar as COCKTAIL-DKG seals a share, with keys made for this run in place of static and ephemeral ones: what was
 * recorded stays shut when a server is broken into later.
 * Source: C2SP cocktail-dkg, "Ciphersuites", H6
 */
export function sealScalar(channel: Channel, scalar: SecretScalar): Uint8Array {
  const { suite } = channel.session;
  return withPairKey(channel, channel.to, (key, nonce) => suite.aead.seal(key, nonce, scalar));
}

/** What {@link sealScalar} sealed, or `undefined` for what does not open to a scalar. The caller wipes it. */
export function openScalar(channel: Channel, sealed: Uint8Array): SecretScalar | undefined {
  const { suite } = channel.session;
  const plaintext = withPairKey(channel, channel.from, (key, nonce) => suite.aead.open(key, nonce, sealed));
  if (plaintext === undefined) return undefined;
  try {
    return suite.group.scalars.parseSecret(plaintext);
  } catch (error) {
    if (error instanceof EncodingError) return undefined;
    throw error;
  } finally {
    plaintext.fill(0);
  }
}

function withPairKey<T>(
  { session, from, to, agreement, named }: Channel,
  peer: PartyIndex,
  use: (key: Uint8Array, nonce: Uint8Array) => T,
): T {
  const point = agreement.pointWith(keyIn(session, peer));
  const senderKey = keyIn(session, from);
  const { key, nonce } = session.suite.deriveKeyAndNonce({
    ephemeralPoint: point,
    staticPoint: point,
    ephemeralKey: senderKey,
    senderKey,
    receiverKey: keyIn(session, to),
    context: contextOf(session, named),
  });
  try {
    return use(key, nonce);
  } finally {
    for (const spent of [point, key, nonce]) spent.fill(0);
  }
}
