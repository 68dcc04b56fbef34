import type { Remedy, RemedyKind } from '@ckm/foundation';

/** A remedy as people read it here: what to do, in one sentence, and the command line that does it. */
export interface RemedyWords {
  readonly sentence: string;
  /** Null: there is no command for it. Words in capitals are for the reader to fill in. */
  readonly command: string | null;
}

type RemedyOf<K extends RemedyKind> = Extract<Remedy, { kind: K }>;
type Words<K extends RemedyKind> = (remedy: RemedyOf<K>) => readonly [sentence: string, command?: string];
/** What was typed for the words in capitals: `FOLDER` → `srv/alpha`, as a shell reads it. */
export type TypedWords = Readonly<Record<string, string>>;

/** The one place that knows which command brings which remedy. */
const WORDS: { readonly [K in RemedyKind]: Words<K> } = {
  retry: () => ['try again'],
  wait: ({ until }) => [
    until === undefined ? 'try again later' : `try again after ${new Date(until * 1000).toISOString()}`,
  ],
  waitLonger: () => ['give servers more time to answer', 'the same again with --timeout 60'],

  diagnose: () => ['look for what is wrong', 'ckm doctor'],
  read: ({ code }) => ['read what the code means', `ckm explain ${code}`],
  listServers: () => ['list your servers', 'ckm server list'],
  listDevices: () => ['list your devices', 'ckm device list'],
  listKeys: () => ['list your keys', 'ckm key list'],
  listSessions: () => ['list your sessions', 'ckm sessions list'],
  listRequests: () => ['list what you asked for', 'ckm requests list'],
  showKey: ({ key }) => ['look at the key', `ckm key show ${key}`],
  verifyKey: ({ key }) => ['ask every server for its copy of the key', `ckm key verify ${key}`],
  compareKey: ({ key }) => ['compare its likeness with every operator', `ckm key compare ${key}`],
  drillKey: ({ key, server = 'SERVER' }) => [
    'rehearse that a lost server of the key is made again',
    `ckm drill restore ${key} --lost ${server}`,
  ],
  checkKey: ({ key }) => ['have every server prove that it holds its share', `ckm key check ${key}`],

  createKey: () => ['make the key again', 'ckm key create NAME'],
  useOther: ({ name }) => [`use ${name}`],
  renameKey: ({ key }) => ['give the key another name', `ckm key rename ${key} NEWNAME`],
  ownKey: ({ key }) => ['propose terms that name this device its owner', `ckm terms propose ${key} --own`],
  freezeKey: ({ key }) => ['tell every server of the key to do nothing with it', `ckm freeze ${key}`],
  thawKey: ({ key }) => ['ask the operators to thaw the key', `ckm thaw ${key}`],
  makeSheet: () => ['print a new recovery sheet', 'ckm sheet --html --out FILE'],
  fetchKeys: () => ['get your keys back from their servers', 'ckm key fetch'],
  restoreKey: ({ keys }) => [
    'let servers that lost their share recover it',
    keys.map((key) => `ckm key restore ${key}`).join('; '),
  ],
  repairKey: ({ keys, server }) => [
    `have ${server} get its share back`,
    keys.map((key) => `ckm key repair ${key} --server ${server}`).join('; '),
  ],
  replaceServer: ({ key, servers, quorum }) => [
    'let another server take its place, under the same key',
    `ckm server add NAME URL; ckm key requorum ${key} --quorum ${quorum} --servers ${[...servers, 'NAME'].join(',')}`,
  ],
  removeServer: ({ key, server }) => [
    `let ${key} go on without ${server}`,
    `ckm key remove-server ${key} ${server}`,
  ],
  refreshKey: ({ key }) => ['give its servers new shares', `ckm key refresh ${key}`],
  settleKey: ({ key }) => [
    'have its servers settle which of the certificates counts',
    `ckm key settle ${key}`,
  ],
  cancelSettlement: ({ key }) => ['take that order back, at every server', `ckm key settle ${key} --cancel`],
  stopRepair: ({ key, server }) => [
    'stop the repair, at every server',
    `ckm key repair ${key} --server ${server} --stop`,
  ],
  stopExport: ({ key }) => ['stop the export, at every server', `ckm key export ${key} --stop`],
  addServer: ({ name = 'NAME', url = 'URL' }) => ['pin the server', `ckm server add ${name} ${url}`],
  trustAuthority: ({ name = 'NAME', url = 'URL' }) => [
    'add the server with the certificate of its authority',
    `ckm server add ${name} ${url} --ca FILE`,
  ],
  leaveOut: ({ servers }) => [
    `do the same again without ${servers.join(', ')}`,
    `the same again with --without ${servers.join(',')}`,
  ],
  resumeSession: ({ id }) => ['go on with the session', withId('ckm sessions resume', id)],
  cancelSession: ({ id }) => ['cancel the session', `ckm sessions cancel ${id ?? 'ID'}`],
  resumeRequest: ({ id }) => ['go on with the signature', withId('ckm requests resume', id)],
  cancelRequest: ({ id }) => ['cancel the request', `ckm requests cancel ${id ?? 'ID'}`],
  showRequest: ({ id }) => ['get the signature', `ckm requests show ${id} --out FILE`],
  moveRecord: ({ record }) => [`move store/${record} out of the way, and keep it`],
  restoreSeed: () => ['bring the owner seed back from its words', 'ckm seed restore'],
  replacePassphrase: () => ['set a new passphrase with the 24 words', 'ckm seed restore --new-passphrase'],
  extractTransaction: () => ['get the transaction', 'ckm sign KEY --psbt PSBT --extract'],
  updateSoftware: () => ['bring ckm, or the server, up to date'],

  initServer: () => ['make the server', 'ckm server init FOLDER --name NAME'],
  startServer: () => ['start the server', 'ckm server start FOLDER'],
  stopServer: () => ['stop the server', 'ckm server stop FOLDER'],
  restoreServer: () => ['make the server again out of its backup', 'ckm server restore BACKUP NEWFOLDER'],
  unsealServer: () => ['open the server', 'ckm server unseal FOLDER'],
  verifyAudit: () => ['check the audit log', 'ckm server audit verify FOLDER'],
  listAccounts: () => ['list the accounts', 'ckm server accounts list FOLDER'],
  listHeldKeys: () => ['list the keys', 'ckm server keys FOLDER'],
  listInvites: () => ['list the invites', 'ckm server invite list FOLDER'],
  listWaiting: () => ['list what waits for you', 'ckm server requests FOLDER'],
  suspendAccount: () => ['suspend the account', 'ckm server accounts suspend FOLDER XID'],
  nameAccount: () => ['name whose request is meant', 'the same again with --account XID'],
  rejectAll: () => [
    'reject all that the account has waiting',
    'ckm server reject FOLDER --account XID --reason TEXT',
  ],
  releaseKey: ({ id }) => [
    'ask its operator to look at the machine, then to release the key',
    `ckm server policy release FOLDER ${id.slice(0, 8)}`,
  ],
  tightenKey: ({ id }) => ['allow less for the key', `ckm server policy tighten FOLDER ${id.slice(0, 8)}`],
  loosenKey: ({ id }) => [
    'allow more for the key again',
    `ckm server policy loosen FOLDER ${id.slice(0, 8)}`,
  ],
};

export function wordsOf(remedy: Remedy, typed: TypedWords = {}): RemedyWords {
  const words = WORDS[remedy.kind] as Words<RemedyKind>;
  const [sentence, command = null] = words(remedy);
  return { sentence, command: command === null ? null : fillIn(command, typed) };
}

/** A command with what was typed in the place of its words in capitals, so that it runs as it stands. */
export function fillIn(text: string, typed: TypedWords): string {
  return text.replace(/\b[A-Z]{3,}\b/g, (word) => (Object.hasOwn(typed, word) ? typed[word]! : word));
}

/** What to do, with the command behind it. @param hint instead of the remedy's own sentence, where there is one */
export function formatRemedy(remedy: Remedy, hint?: string, typed?: TypedWords): string {
  const { sentence, command } = wordsOf(remedy, typed);
  return command === null ? (hint ?? sentence) : `${hint ?? sentence}: ${command}`;
}

function withId(command: string, id: string | undefined): string {
  return id === undefined ? command : `${command} ${id}`;
}
