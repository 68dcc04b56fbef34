/** How the fields of remedies are written. Nothing else is taken from outside: a remedy may be shown as a command. */
const FORMS = {
  /** The owner's name of a server or key. */
  name: (value: unknown) => matches(value, /^[a-z0-9][a-z0-9._-]{0,31}$/),
  /** Such names, 1 to 32 of them. */
  names: (value: unknown): boolean =>
    Array.isArray(value) && value.length > 0 && value.length <= 32 && value.every((one) => FORMS.name(one)),
  /** The first digits of an id, in hex. */
  id: (value: unknown) => matches(value, /^[0-9a-f]{4,64}$/),
  /** An error code. */
  code: (value: unknown) => matches(value, /^[A-Z][A-Z0-9_]{2,63}$/),
  /** A server's address. */
  url: (value: unknown) => matches(value, /^https?:\/\/[A-Za-z0-9.:[\]_~/%-]{1,250}$/),
  /** A record's path in the owner's store. */
  record: (value: unknown) => matches(value, /^[a-z]{1,16}\/[a-z0-9._-]{1,160}$/),
  /** A quorum as `2of3`. */
  quorum: (value: unknown) => matches(value, /^[1-9][0-9]?of[1-9][0-9]?$/),
  /** UnixSeconds */
  time: (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0,
} as const;

interface Values {
  readonly name: string;
  readonly names: readonly string[];
  readonly id: string;
  readonly code: string;
  readonly url: string;
  readonly record: string;
  readonly quorum: string;
  readonly time: number;
}

/**
 * Every kind of remedy, with the form of its fields; `?` marks those that may be missing. The list is closed: a program
 * that shows remedies has a command, a button or a link for each of them.
 */
export const REMEDIES = {
  // Nobody has to do anything first.
  /** The same again. */
  retry: {},
  /** The same again later. */
  wait: { until: 'time?' },
  /** The same again with more patience for one server. */
  waitLonger: {},

  // The owner looks.
  /** Have everything looked at: servers, keys, records, clocks. */
  diagnose: {},
  /** What is known about an error. */
  read: { code: 'code' },
  listServers: {},
  listDevices: {},
  listKeys: {},
  listSessions: {},
  listRequests: {},
  showKey: { key: 'name' },
  verifyKey: { key: 'name' },
  /** Compare what the owner sees of a key with what operators see, and put the outcome on record. */
  compareKey: { key: 'name' },
  /** Have every server of a key prove that it holds its share. */
  checkKey: { key: 'name' },
  /** Rehearse that a lost server of a key is made again. */
  drillKey: { key: 'name', server: 'name?' },

  // The owner acts.
  createKey: {},
  /** Use the key or server of that name. */
  useOther: { name: 'name' },
  renameKey: { key: 'name' },
  /** Propose terms of a key that name whoever acts as its owner. */
  ownKey: { key: 'name' },
  /** Tell every server of a key to do nothing with it for a while. */
  freezeKey: { key: 'name' },
  /** Ask the operators of a key that is frozen to end that. */
  thawKey: { key: 'name' },
  fetchKeys: {},
  /** Print a recovery sheet of servers and keys as they are now. */
  makeSheet: {},
  restoreKey: { keys: 'names' },
  /** Have a server that lost its share of keys get it back, by whatever way there is. */
  repairKey: { keys: 'names', server: 'name' },
  /** Let another server take the place of one that is gone, under the same key; `servers`: those that stay. */
  replaceServer: { key: 'name', servers: 'names', quorum: 'quorum' },
  /** Let a key go on without a server. */
  removeServer: { key: 'name', server: 'name' },
  /** Have the servers of a key settle which of several certificates of one epoch counts, or go on with that. */
  settleKey: { key: 'name' },
  /** Give the servers of a key new shares. */
  refreshKey: { key: 'name' },
  /** Take an order back that is to settle it. */
  cancelSettlement: { key: 'name' },
  /** Stop the repair of a server's share that nobody here began. */
  stopRepair: { key: 'name', server: 'name' },
  stopExport: { key: 'name' },
  /** Pin a server, or tell where a pinned one is now. */
  addServer: { name: 'name?', url: 'url?' },
  /** Pin it with the certificate of the authority behind its TLS certificate. */
  trustAuthority: { name: 'name?', url: 'url?' },
  /** The same again without these servers. */
  leaveOut: { servers: 'names' },
  /** A session is a ceremony: the making of a key. */
  resumeSession: { id: 'id?' },
  cancelSession: { id: 'id?' },
  /** A request is a signature that was asked for. */
  resumeRequest: { id: 'id?' },
  cancelRequest: { id: 'id?' },
  /** Get what a request that is over has given. */
  showRequest: { id: 'id' },
  /** Move a record of the owner's store out of the way; it may be needed as evidence. */
  moveRecord: { record: 'record' },
  restoreSeed: {},
  /** Set a new passphrase for the owner seed with its words. */
  replacePassphrase: {},
  /** Take the finished transaction out of a PSBT. */
  extractTransaction: {},
  updateSoftware: {},

  // The operator of a server acts.
  initServer: {},
  startServer: {},
  stopServer: {},
  /** Make a server again out of its backup, in a new folder. */
  restoreServer: {},
  unsealServer: {},
  verifyAudit: {},
  listInvites: {},
  listAccounts: {},
  /** List the keys that a server holds a share of. */
  listHeldKeys: {},
  /** List the requests that wait for the operator. */
  listWaiting: {},
  suspendAccount: {},
  /** The same again, naming whose request is meant. */
  nameAccount: {},
  rejectAll: {},
  /** Let a server answer again for a key that it has stopped, once its operator has looked at the machine. */
  releaseKey: { id: 'id' },
  tightenKey: { id: 'id' },
  loosenKey: { id: 'id' },
} as const satisfies Readonly<Record<string, Readonly<Record<string, Field>>>>;

type Form = keyof Values;
type Field = Form | `${Form}?`;
export type RemedyKind = keyof typeof REMEDIES;

type FieldsOf<T> = {
  readonly [K in keyof T as T[K] extends Form ? K : never]: T[K] extends Form ? Values[T[K]] : never;
};
type OptionalFieldsOf<T> = {
  readonly [K in keyof T as T[K] extends Form ? never : K]?: T[K] extends `${infer F extends Form}?`
    ? Values[F]
    : never;
};

/**
 * What would help, as data: a command line turns it into a command, a page into a button. The hint beside it says the same
 * in words and does not need it.
 */
export type Remedy = {
  [K in RemedyKind]: { readonly kind: K } & FieldsOf<(typeof REMEDIES)[K]> &
    OptionalFieldsOf<(typeof REMEDIES)[K]>;
}[RemedyKind];

/** Forms that a server may fill in: it knows none of the owner's names, and must not choose addresses and paths. */
const SAFE_FROM_OUTSIDE: readonly string[] = ['id', 'code', 'time'];

/**
 * A remedy that came from elsewhere; null for a kind that is not known, or one whose fields its sender has no business
 * filling in. Fields that are not known are left out.
 */
export function parseRemedy(value: unknown): Remedy | null {
  if (typeof value !== 'object' || value === null) return null;
  const given = value as Readonly<Record<string, unknown>>;
  const { kind } = given;
  if (typeof kind !== 'string' || !Object.hasOwn(REMEDIES, kind)) return null;
  const taken: Record<string, unknown> = { kind };
  for (const [name, field] of Object.entries<Field>(REMEDIES[kind as RemedyKind])) {
    const form = field.replace('?', '') as Form;
    const isMissing = !Object.hasOwn(given, name);
    if (isMissing && field.endsWith('?')) continue;
    if (isMissing || !SAFE_FROM_OUTSIDE.includes(form) || !FORMS[form](given[name])) return null;
    taken[name] = given[name];
  }
  return taken as unknown as Remedy;
}

function matches(value: unknown, form: RegExp): boolean {
  return typeof value === 'string' && form.test(value);
}
