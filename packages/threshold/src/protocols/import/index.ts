import type { Protocol } from '../../protocol/contract.js';
import { certifyImport, finishImport, type ImportParams, otherSlots } from './certify.js';
import { type ImportMessage, importMessageCodec } from './messages.js';
import type { ImportOutput } from './output.js';
import { type ImportState, importStateCodec } from './state.js';

export type { ImportParams } from './certify.js';
export { encodeImportDeal, type ImportDeal, MAX_IMPORT_DEAL_BYTES, parseImportDeal } from './deal.js';
export { dealKey, type KeyToDeal } from './deal-key.js';
export { findImportFault } from './find-fault.js';
export type { ImportMessage } from './messages.js';
export type { ImportCertificate, ImportOutput } from './output.js';
export type { ImportState } from './state.js';

/**
 * Import: a key that somebody has whole is dealt to servers, by that one dealer, verifiably. Two steps, one message of each
 * server: its signature of what it saw.
 *
 * Secrecy: fewer servers than the quorum learn nothing of the key that the dealer did not tell them. The dealer knows all of it, for
 * ever, and so does whoever had it before; new shares do not change that.
 * Agreement: the output says that every server has checked its own share against one and the same public key, chain code and
 * parameters, as after a generation.
 * What is not checked: whether the dealer chose the polynomial at random. One who did not gives away what he has anyway.
 * Durability: a state is stored before its outbox is sent.
 * Source: Feldman 1987, "A practical scheme for non-interactive verifiable secret sharing"; messages of C2SP cocktail-dkg 0.2.1
 */
export const importProtocol: Protocol<ImportParams, ImportState, ImportMessage, ImportOutput> = {
  id: 'ckm/import/v1',
  state: importStateCodec,
  message: importMessageCodec,
  start: certifyImport,
  awaiting: ({ deal, me }) => ({ round: 0, from: otherSlots(deal, me) }),
  advance: finishImport,
};
