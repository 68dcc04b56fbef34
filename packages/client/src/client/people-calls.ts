import type { Secret } from '@ckm/foundation';
import {
  type AnsweredInvitation,
  inviteApprover,
  type Invitation,
  type InviteArgs,
  planAnswer,
  planInvitation,
  takeAnswer,
} from '../invitations/invite.js';
import { type InvitedTo, readInvited } from '../invitations/invited.js';
import type { CaseView, ContactProof } from '@ckm/api';
import {
  type ContactArgs,
  type Contacts,
  listContacts,
  removeContact,
  setContact,
  type SetContact,
  type SetContactArgs,
  verifyContact,
} from '../contacts/contacts.js';
import type { ContactAt } from '../contacts/alone.js';
import { vouch } from '../contacts/vouch.js';
import { type CaseAt, listCases, vetoCase } from '../recovery/cases.js';
import {
  beginRecovery,
  finishRecovery,
  openRecovery,
  proveContact,
  type ProveContactArgs,
  type Recovery,
  requestCode,
  requestVoucher,
  showRecovery,
} from '../recovery/recover.js';
import type { SilentServer } from '../devices/list-devices.js';
import type { AddServerArgs } from '../introduction/add-server.js';
import type { ClientRoom } from './client-room.js';

/** People who are asked, and people who bring an owner back. */
export interface PeopleCalls {
  /** What {@link PeopleCalls.inviteApprover} would write; nothing is. */
  planInvitation(args: InviteArgs): Promise<Invitation>;
  /** Writes an invitation for somebody who is to say yes or no to what a key does. Nobody is told. */
  inviteApprover(args: InviteArgs): Promise<Invitation>;
  /** Looks at what an approver answered; nothing is written. @param heard his six words; undefined: people compare */
  planAnswer(text: string, heard?: string): Promise<AnsweredInvitation>;
  /** Takes the answer in: from then on the terms of the key may name him. */
  takeAnswer(text: string, heard?: string): Promise<AnsweredInvitation>;
  /** Whom was invited to a key, or to one that is to be made; null: nobody. */
  readInvited(keyName: string): Promise<InvitedTo | null>;
  /** Who brings the owner back at each server, and who of them is no way back. */
  listContacts(): Promise<Contacts>;
  /** Sets a contact at one server, or goes on with one that is not verified. */
  setContact(args: SetContactArgs): Promise<SetContact>;
  verifyContact(args: ContactArgs & { readonly proof: ContactProof }): Promise<ContactAt>;
  /** Has a contact go, or stay. @returns null: it is gone */
  removeContact(args: ContactArgs & { readonly keeps?: boolean }): Promise<ContactAt | null>;
  /** Vouches for somebody whose contact this owner is. Nobody is told. */
  vouch(request: string, person: string): Promise<string>;
  /** Pins a server at which an account is wanted back from this new device, or goes on with that. */
  beginRecovery(args: Omit<AddServerArgs, 'invite' | 'words'>): Promise<Recovery>;
  /** What was begun. */
  openRecovery(server: string): Promise<Recovery>;
  /** What a contact, or the operator in person, is asked to vouch for. */
  requestVoucher(server: string, vouched: 'recovery' | 'veto'): Promise<string>;
  /** Has a code sent, if that is the address of a contact. @returns UnixSeconds: until when one holds */
  requestCode(server: string, address: string): Promise<number>;
  proveContact(args: ProveContactArgs): Promise<CaseView>;
  /** How far a recovery is; null: no contact was shown yet. */
  showRecovery(server: string): Promise<CaseView | null>;
  /** Takes the place of every device of the account. @param name what this device is called */
  finishRecovery(server: string, name: string): Promise<void>;
  /** Who wants accounts of this owner. */
  listCases(): Promise<{ readonly cases: readonly CaseAt[]; readonly silent: readonly SilentServer[] }>;
  /** Says no to a recovery. */
  vetoCase(server: string, caseId: Uint8Array, words?: Secret<Uint8Array>): Promise<CaseAt>;
}

export function createPeopleCalls({ context, store }: ClientRoom): PeopleCalls {
  return {
    planInvitation: (args) => planInvitation(context, args),
    inviteApprover: (args) => inviteApprover(context, args),
    planAnswer: (text, heard) => planAnswer(context, text, heard),
    takeAnswer: (text, heard) => takeAnswer(context, text, heard),
    readInvited: (keyName) => readInvited(store, keyName),
    listContacts: () => listContacts(context),
    setContact: (args) => setContact(context, args),
    verifyContact: (args) => verifyContact(context, args),
    removeContact: (args) => removeContact(context, args),
    vouch: (request, person) => vouch(context, request, person),
    beginRecovery: (args) => beginRecovery(context, args),
    openRecovery: (server) => openRecovery(context, server),
    requestVoucher: (server, vouched) => requestVoucher(context, server, vouched),
    requestCode: (server, address) => requestCode(context, server, address),
    proveContact: (args) => proveContact(context, args),
    showRecovery: (server) => showRecovery(context, server),
    finishRecovery: (server, name) => finishRecovery(context, server, name),
    listCases: () => listCases(context),
    vetoCase: (server, caseId, words) => vetoCase(context, server, caseId, words),
  };
}
