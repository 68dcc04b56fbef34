import { asCodes, asTable } from './ways-page.js';

/** How far the making of a key has come for its owner's client. */
export const CLIENT_STAGES = {
  offers: 'some servers have made their offers',
  joining: 'the parameters are agreed on, some servers have joined',
  dealing: 'all have committed, some have dealt',
  signing: 'all have dealt, some have signed',
  signed: 'all have signed; no server has promised that it stored the certificate',
  stored: 'all have signed; some servers have promised that they stored the certificate',
} as const;
export type ClientStage = keyof typeof CLIENT_STAGES;

/** What has become of one of its servers meanwhile. */
export const SERVER_STATES = {
  same: 'as it was',
  ended: 'its session was ended (an operator, a restart on an older database)',
  expired: 'the time of the session is over, at every server',
  older: 'back from a backup older than the session; backups of the mode `epoch`',
  derives: 'back from a backup older than the session; backups of the mode `static`',
  gone: 'does not answer',
  forgot: 'back from a backup older than the account of the owner',
} as const;
export type ServerState = keyof typeof SERVER_STATES;

/** How a ceremony goes on from there, or how its owner gets out of it. */
export interface Way {
  /** `on`: resuming ends it with the key. `over`: resuming ends it, the name is free. `wait`: it goes on when the server answers.
   * `stuck`: not without a newer backup. `add`: not before its owner has added the server again. */
  readonly resume: 'on' | 'over' | 'wait' | 'stuck' | 'add';
  /** What resuming says; null: it goes on. */
  readonly says: string | null;
  /** How it is given up: nothing to give up, or by cancelling, or by cancelling and naming the key. */
  readonly out: 'none' | 'cancel' | 'name';
}

const ON: Way = { resume: 'on', says: null, out: 'none' };
const over = (says: string): Way => ({ resume: 'over', says, out: 'none' });
const wait = (out: Way['out']): Way => ({ resume: 'wait', says: 'SERVERS_MISSING', out });
const add = (says: string, out: Way['out']): Way => ({ resume: 'add', says, out });
const stuck = (out: Way['out']): Way => ({ resume: 'stuck', says: 'KEY_NOT_STORED', out });

/** Before everybody has signed: nobody can hold the key, so that whatever ended is over. */
const UNSIGNED = {
  same: ON,
  ended: over('SESSION_CANCELLED'),
  expired: over('SESSION_EXPIRED'),
  older: over('SESSION_UNKNOWN'),
  derives: over('SESSION_UNKNOWN'),
  gone: wait('cancel'),
  forgot: add('SERVERS_MISSING', 'cancel'),
} as const satisfies Readonly<Record<ServerState, Way>>;

/** From then on the certificate speaks for itself, whatever became of sessions. */
const signed = (out: Way['out']) =>
  ({
    same: ON,
    ended: ON,
    expired: ON,
    older: stuck(out),
    derives: ON,
    gone: wait(out),
    forgot: add('KEY_NOT_STORED', out),
  }) as const satisfies Readonly<Record<ServerState, Way>>;

/** Every state of the making of a key: what its owner's client has, and what has become of one server. */
export const CEREMONY_WAYS: Readonly<Record<ClientStage, Readonly<Record<ServerState, Way>>>> = {
  // Whoever forgot the proposal is simply asked again.
  offers: { ...UNSIGNED, older: ON, derives: ON, expired: over('EXPIRY_PASSED') },
  joining: UNSIGNED,
  dealing: UNSIGNED,
  // Whoever has signed already has said all it has to say.
  signing: { ...UNSIGNED, ended: ON },
  // A server that promised nothing yet is the one that signed last: another one has promised by the time it is resumed.
  signed: signed('name'),
  stored: signed('name'),
};

const RESUME = {
  on: 'goes on, and ends with the key',
  over: 'is over; the name is free',
  wait: 'goes on when the server answers',
  stuck: 'cannot go on without a newer backup of that server',
  add: 'goes on from there when the server is added again',
} as const;
const OUT = {
  none: '',
  cancel: 'cancel',
  name: 'cancel, naming the key',
} as const;

/** The table as the documentation prints it. */
export function formatWays(): string {
  const rows = Object.entries(CEREMONY_WAYS).flatMap(([stage, states]) =>
    Object.entries(states).map(([state, { resume, says, out }]) => [
      stage,
      state,
      RESUME[resume],
      asCodes(says === null ? [] : [says]),
      OUT[out],
    ]),
  );
  return asTable(['client', 'server', 'resuming it', 'says', 'way out'], rows);
}
