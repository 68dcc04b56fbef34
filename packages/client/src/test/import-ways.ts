import { asCodes, asTable } from './ways-page.js';

/** How far a key that its owner has whole was dealt to servers. */
export const IMPORT_STAGES = {
  offers: 'some servers have made their offers; nothing was dealt',
  dealt: 'it is dealt, and some servers have signed',
  signed: 'all have signed; no server has promised that it stored the certificate',
  stored: 'some have promised that',
} as const;
export type ImportStage = keyof typeof IMPORT_STAGES;

/** What has become of one of its servers meanwhile. */
export const IMPORT_FATES = {
  same: 'as it was',
  ended: 'its session was ended',
  expired: 'the time of the session is over, at every server',
  older: 'back from a backup older than the session; of a key with recovery `epoch`',
  derives: 'the same, of a key with recovery `static`',
  gone: 'does not answer',
} as const;
export type ImportFate = keyof typeof IMPORT_FATES;

/** What comes of the same command, and the way out where it does not go on. */
export const IMPORT_ENDS = {
  on: ['goes on, and ends with the key', ''],
  anew: ['is over; said once more it deals the key anew', ''],
  wait: ['goes on when the server answers', 'cancel'],
  named: ['goes on when the server answers', 'cancel, naming the key'],
  stuck: ['cannot go on without a newer backup of that server', 'cancel, naming the key'],
} as const;
export type ImportEnd = keyof typeof IMPORT_ENDS;

export interface ImportWay {
  readonly ends: ImportEnd;
  readonly says: readonly string[];
}

const way = (ends: ImportEnd, ...says: readonly string[]): ImportWay => ({ ends, says });
const ON = way('on');
/** From then on the certificate speaks for itself, as when a key is made. */
const SIGNED = {
  same: ON,
  ended: ON,
  expired: ON,
  older: way('stuck', 'KEY_NOT_STORED'),
  derives: ON,
  gone: way('named', 'SERVERS_MISSING'),
} as const satisfies Readonly<Record<ImportFate, ImportWay>>;

export const IMPORT_WAYS: Readonly<Record<ImportStage, Readonly<Record<ImportFate, ImportWay>>>> = {
  offers: {
    same: ON,
    ended: way('anew', 'SESSION_CANCELLED'),
    expired: way('anew', 'EXPIRY_PASSED'),
    older: ON,
    derives: ON,
    gone: way('wait', 'SERVERS_MISSING'),
  },
  dealt: {
    same: ON,
    ended: way('anew', 'SESSION_CANCELLED'),
    expired: way('anew', 'SESSION_EXPIRED'),
    older: way('anew', 'SESSION_UNKNOWN'),
    derives: way('anew', 'SESSION_UNKNOWN'),
    gone: way('wait', 'SERVERS_MISSING'),
  },
  signed: SIGNED,
  stored: SIGNED,
};

/** The table as the documentation prints it. */
export function formatImportWays(): string {
  const rows = Object.entries(IMPORT_WAYS).flatMap(([stage, fates]) =>
    Object.entries(fates).map(([fate, { ends, says }]) => {
      const [resuming, out] = IMPORT_ENDS[ends];
      return [stage, fate, resuming, asCodes(says), out];
    }),
  );
  return asTable(['client', 'server', 'the same command', 'says', 'way out'], rows);
}
