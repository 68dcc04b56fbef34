// What a key gives for labels: the request, what each of two servers answers, sealed, and the secret that comes of both.
import { hashTasks, recipientOf, sealPartial } from '@ckm/api';
import { reveal, secret } from '@ckm/foundation';
import { buildDeriveRequest, encodeLabel, parseLabel } from '@ckm/requests';
import { combineAnswers, derivedSecret, evaluateShare, evaluationAt, groupNamed } from '@ckm/threshold';
import { bytesOf, identities } from './servers.mjs';

const LABELS = ['backup/nas', 'Größe/日本/a b'];
const SLOTS = [1, 3];

export function labelVectors(key) {
  return LABELS.map((text) => labelVector(key, text));
}

function labelVector({ params, outputs, transcriptHash, public: publicKey }, text) {
  const { keyId } = params;
  const label = encodeLabel(parseLabel(text));
  const evaluation = evaluationAt(keyId, 'derive', [label]);
  const requestId = bytesOf(`request for ${text}`);
  const tasksHash = hashTasks([{ craft: 'evaluation', mode: 'derive', input: label }]);
  const answers = SLOTS.map((slot) => {
    const partial = evaluateShare(outputs[slot - 1].share, evaluation, bytesOf(`proof of ${slot}`));
    const recipientSecret = secret(bytesOf(`recipient of ${slot}`));
    const recipient = recipientOf(recipientSecret);
    const to = { keyId, transcriptHash, slot, requestId, tasksHash, attempt: slot, recipient };
    const sealed = sealPartial(identities[slot - 1], to, secret(partial.slice()));
    const secretHalf = reveal(recipientSecret, 'a vector').slice();
    return { slot, number: slot, recipientSecret: secretHalf, recipient, sealed, partial };
  });
  const [result] = combineAnswers(publicKey, evaluation, answers).results;
  const encoded = groupNamed('ristretto255').encode(result);
  return {
    keyId,
    transcriptHash,
    text,
    label,
    payload: buildDeriveRequest(parseLabel(text)),
    requestId,
    tasksHash,
    point: groupNamed('ristretto255').encode(evaluation.points[0]),
    answers,
    result: encoded,
    secret: derivedSecret(keyId, label, result),
  };
}
