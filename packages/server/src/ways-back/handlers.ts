import type { AskerHandlers, Handlers, WaysBackFunctionName } from '../context.js';
import { listCases, vetoAsAccount } from './account-cases.js';
import { createDecoys } from './decoy.js';
import type { WaysBackMeans } from './means.js';
import { finishRecovery, openRecovery, proveContact, showRecovery } from './recover.js';
import { listContacts, removeContact, setContact, verifyContact } from './set-contacts.js';

/** What `contact.*` and `recovery.*` do. */
export function waysBackHandlers(means: WaysBackMeans): Handlers<WaysBackFunctionName> & AskerHandlers {
  const named = { ...means, decoys: createDecoys(means.context) };
  return {
    'contact.list': (call) => listContacts(means, call),
    'contact.set': (call, parameters) => setContact(means, call, parameters),
    'contact.verify': (call, parameters) => verifyContact(means, call, parameters),
    'contact.remove': (call, parameters) => removeContact(means, call, parameters),
    'recovery.open': (call, parameters) => openRecovery(named, call, parameters),
    'recovery.prove': (call, parameters) => proveContact(named, call, parameters),
    'recovery.show': (call) => showRecovery(means, call),
    'recovery.finish': (call, parameters) => finishRecovery(means, call, parameters),
    'recovery.list': (call) => listCases(means, call),
    'recovery.veto': (call, parameters) => vetoAsAccount(means, call, parameters),
  };
}
