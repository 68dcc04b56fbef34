import {
  changeOfTerms,
  encodeTerms,
  encodeTermsChange,
  parseTerms,
  policyHash,
  type TermsLink,
} from '@ckm/api';
import { equalBytes, StateError } from '@ckm/foundation';
import { wipeIdentity } from '@ckm/gordian';
import { REQUEST_FACTS } from '@ckm/requests';
import type { ClientContext } from '../../context/context.js';
import type { CertifiedKey } from '../../keys/key-record.js';
import { leadsOn } from './leads-on.js';
import { isOver, type ReadyChange, ready } from './plan-change.js';
import { readStandings } from './standing.js';
import { readTermsNote } from './terms-note.js';

/**
 * What naming whoever speaks here the owner of a key would ask of whom, or going on with that. Whoever came back without the words is on no list of devices for the
 * key, and nobody is left who may put him there; with an owner anew the list begins anew.
 * @throws StateError `TERMS_OWN_ALREADY`; else as `prepareTermsChange`
 */
export async function prepareOwning(context: ClientContext, key: CertifiedKey): Promise<ReadyChange> {
  const heard = await readStandings(context, key);
  const { before: known, version, isStill } = leadsOn(heard);
  const before = known.terms;
  const own = (await context.owner()).identityForKey(key.keyId);
  wipeIdentity(own);
  const ownerKey = own.publicKeys.signing.bytes;
  const { proposed } = await readTermsNote(context.store, key.keyId);
  // Also what is in force where enough have it: whoever was away hears of it.
  const isSuch = ({ terms }: TermsLink) =>
    equalBytes(parseTerms(terms, REQUEST_FACTS).ownerKey ?? new Uint8Array(), ownerKey);
  if (proposed !== null && isSuch(proposed) && isStill(proposed) && !isOver(heard, proposed))
    return ready(context, key, heard, proposed, true);
  if (before.ownerKey === undefined || equalBytes(before.ownerKey, ownerKey))
    throw ownAlready(key.record.name);
  const after = { ...before, version, previous: policyHash(before), ownerKey };
  const change = changeOfTerms({ keyId: key.keyId, id: context.random(32) }, before, after);
  const link = { statement: encodeTermsChange(change), terms: encodeTerms(after), votes: [] };
  return ready(context, key, heard, link, false);
}

function ownAlready(name: string): StateError {
  return new StateError(`the terms of key ${name} name no other owner than whoever speaks here`, {
    code: 'TERMS_OWN_ALREADY',
    hint: 'nothing is to be changed: look at the terms that each server of the key has',
    retryable: false,
  });
}
