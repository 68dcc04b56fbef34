/**
 * What an entry of the audit log is about, in words that say nothing of what people wrote or were shown: for a log that stays in
 * clear. What became of it stands in front, as `ckm server audit show` says it.
 */
const WORDS: Readonly<Record<string, string>> = {
  'account.freeze': 'Freeze an account',
  'account.open': 'Open an account',
  'account.thaw': 'Thaw an account before its time',
  'contact.remove': 'Remove a contact of an account',
  'contact.set': 'Set a contact of an account',
  'contact.verify': 'Take a contact that was shown to work',
  'drill.forget': 'Forget a key of a drill',
  'key.certify': 'Activate a key by its certificate',
  'key.exported': 'Give shares of a key out to its owner',
  'key.freeze': 'Freeze a key',
  'key.head': 'Say how often a key was used',
  'key.heads': 'Hear how often a key was used',
  'key.learn': 'Take in certificates of a key',
  'key.restore': 'Restore a key from its certificate',
  'key.stopped': 'Stop a key, because a share computed here was wrong',
  'key.thaw': 'Thaw a key before its time',
  'operator.approve': 'Say yes to what waited',
  'operator.reject': 'Say no to what waited',
  'operator.backup': 'Make a backup',
  'operator.backup.destroyed': 'Note that backups are destroyed',
  'operator.backup.kept': 'Note that a backup was read back and found good',
  'operator.drill': 'Compare a backup with the certified shares',
  'operator.invite': 'Invite somebody',
  'operator.loosen': 'Loosen the policy of a key',
  'operator.passphrase': 'Change the passphrase of the storage key',
  'operator.release': 'Answer again for a key',
  'operator.resume': 'Let an account go on',
  'operator.revoke': 'Take an invite back',
  'operator.outbox': 'Send again what was not sent',
  'operator.rotate-key': 'Change the storage key',
  'operator.suspend': 'Suspend an account',
  'operator.thaw': 'Thaw a key, or an account, before its time',
  'operator.tighten': 'Tighten the policy of a key',
  'recovery.begin': 'Have the recovery of an account wait',
  'recovery.finish': 'Let a new device into an account, in the place of all others',
  'recovery.prove': 'Take a contact for the recovery of an account',
  'recovery.veto': 'Say no to the recovery of an account',
  'server.move': 'Move the server to another database',
  'server.restore': 'Restore the server from a backup',
  'server.rollback': 'Find the database put back to an earlier state, or exchanged',
  'server.start': 'Start the server',
};

/** Of many deeds that are one thing to people. */
const FAMILIES: Readonly<Record<string, string>> = {
  change: 'Change who holds a key',
  fork: 'Settle which of two certificates of a key counts',
  request: 'Sign with a key',
  session: 'A ceremony of a key',
};

/** @param deed as `request.ask`; one that is not known here stands for itself */
export function deedWords(deed: string): string {
  return WORDS[deed] ?? FAMILIES[deed.split('.')[0]!] ?? deed;
}
