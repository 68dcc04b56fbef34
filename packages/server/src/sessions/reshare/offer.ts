import { signIdentityStatement, type ReshareOffer, type ReshareProposal } from '@ckm/api';
import { wipe } from '@ckm/foundation';
import { createStaticKey, hashOrder, receiverKeyStatement } from '@ckm/threshold';
import type { ServerContext } from '../../context.js';
import { refusal } from '../../refusals.js';
import { type Deciding, isOfRoster } from '../changes/deciding.js';
import { receiverNonce, receiverSeed } from '../changes/receiver-seeds.js';
import { isExported } from '../keys/stored/key-head.js';
import type { RoomMeans } from '../room/room.js';

const BYTES = 32;

/** What a server puts forward, and the seed of its static key in this try: zeros where it receives no share. */
export interface MadeOffer {
  readonly offer: ReshareOffer;
  readonly seed: Uint8Array;
}

/** As a receiver a static key for this try alone, vouched for by its identity; as a dealer a nonce. */
export function makeOffer(
  context: ServerContext,
  means: RoomMeans,
  deciding: Deciding,
  { order, dealers }: ReshareProposal,
): MadeOffer {
  const deals = deciding.slot !== null && dealers.includes(deciding.slot);
  const dealer = deals ? { nonce: means.random(BYTES) } : null;
  const isOut = deciding.key !== null && isExported(deciding.key.head);
  const exported = isOut ? ({ exported: true } as const) : {};
  if (!isOfRoster(context, order.roster))
    return { offer: { receiver: null, dealer, ...exported }, seed: new Uint8Array(BYTES) };
  const { receiver, seed } = makeReceiver(context, means, deciding, hashOrder(order));
  return { offer: { receiver, dealer, ...exported }, seed };
}

function makeReceiver(context: ServerContext, means: RoomMeans, deciding: Deciding, order: Uint8Array) {
  const { before, record } = deciding;
  if (record.root === null || record.drawn === null)
    throw refusal('CHANGE_UNKNOWN', 'no such order was proposed here');
  const nonce = receiverNonce(means, deciding);
  const seed = receiverSeed(context, deciding, record.root, nonce);
  const { suite, keyId, epoch } = before.params;
  const scope = { suite, keyId, epoch: epoch + 1 };
  const { staticKey, staticProof, staticSecret } = createStaticKey(suite, keyId, scope.epoch, seed);
  wipe(staticSecret);
  const { xid, publicKeys } = means.identity;
  const who = {
    serverId: new Uint8Array(xid),
    identityKey: publicKeys.signing.bytes,
    sealingKey: publicKeys.agreement,
    staticKey,
    staticProof,
  };
  const previous = before.transcriptHash;
  const statement = receiverKeyStatement({ ...scope, ...who, previous, order, nonce });
  const identitySignature = signIdentityStatement(means.identity, statement);
  return { receiver: { ...who, identitySignature, url: means.publicUrl, nonce }, seed };
}
