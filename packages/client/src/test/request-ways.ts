/** How far a request has come, at a key both of whose servers ask their operators. */
export const REQUEST_STAGES = {
  asked: 'the client was killed when the first server had heard of it',
  waiting: 'both servers wait for their operators',
  partly: 'the operator of the other server has said yes, and this one’s has not answered',
  approved: 'both operators have said yes',
  rejected: 'an operator has said no',
  cancelled: 'its owner has taken it back, while this server did not answer',
  signed: 'the signature is there',
} as const;
export type RequestStage = keyof typeof REQUEST_STAGES;

/** What has become of one of its servers meanwhile. */
export const REQUEST_SERVERS = {
  same: 'as it was',
  expired: 'the time of the request is over, at every server',
  older: 'back from a backup older than the request',
  forgot: 'back from a backup older than the account of the owner',
  gone: 'does not answer',
} as const;
export type RequestServer = keyof typeof REQUEST_SERVERS;

/** How a request goes on from there. Whatever resuming says of one that is open, cancelling ends it: here, and at servers when they answer. */
export interface RequestWay {
  /**
   * `on`: resuming gives the signature. `people`: when operators have said yes. `over`: never, and where operators said no
   * it is over at once; it is asked for anew. `wait`: when the server answers. `add`: when its owner has added the server again and it has its share again.
   * `done`: its signature is on record.
   */
  readonly resume: 'on' | 'people' | 'over' | 'wait' | 'add' | 'done';
  /** What resuming says: one of these, by whichever server is heard first; none: it goes on. */
  readonly says: readonly string[];
}

const ON: RequestWay = { resume: 'on', says: [] };
const PEOPLE: RequestWay = { resume: 'people', says: ['REQUEST_WAITING'] };
const WAIT: RequestWay = { resume: 'wait', says: ['TOO_FEW_SERVERS'] };
const ADD: RequestWay = { resume: 'add', says: ['TOO_FEW_SERVERS'] };
const over = (...says: readonly string[]): RequestWay => ({ resume: 'over', says });
const REJECTED = over('REQUEST_REJECTED');
const DONE: RequestWay = { resume: 'done', says: ['REQUEST_OVER'] };
const BY_SERVER = { expired: over('REQUEST_EXPIRED'), older: PEOPLE, forgot: ADD, gone: WAIT } as const;

export const REQUEST_WAYS: Readonly<Record<RequestStage, Readonly<Record<RequestServer, RequestWay>>>> = {
  // A server that never heard of it says of the time what the others say of the request.
  asked: { same: PEOPLE, ...BY_SERVER, expired: over('REQUEST_EXPIRED', 'EXPIRY_PASSED') },
  waiting: { same: PEOPLE, ...BY_SERVER },
  partly: { same: PEOPLE, ...BY_SERVER },
  approved: { same: ON, ...BY_SERVER },
  rejected: {
    same: REJECTED,
    expired: REJECTED,
    older: REJECTED,
    forgot: over('REQUEST_REJECTED', 'TOO_FEW_SERVERS'),
    gone: over('REQUEST_REJECTED', 'TOO_FEW_SERVERS'),
  },
  cancelled: all(over('REQUEST_OVER')),
  signed: all(DONE),
};

/** Whatever has become of a server. */
function all(way: RequestWay): Readonly<Record<RequestServer, RequestWay>> {
  return { same: way, expired: way, older: way, forgot: way, gone: way };
}

const RESUME = {
  on: 'gives the signature',
  people: 'waits for people, and gives the signature when they have said yes',
  over: 'does not go on: ask anew',
  wait: 'goes on when the server answers',
  add: 'goes on when the server is added again and has its share again',
  done: 'does not go on: its signature is on record',
} as const;

/** The table as the documentation prints it. */
export function formatRequestWays(): string {
  const rows = Object.entries(REQUEST_WAYS).flatMap(([stage, states]) => {
    const lines = Object.entries(states).map(([state, { resume, says }]) => ({
      state,
      way: [RESUME[resume], says.map((code) => `\`${code}\``).join(' or ')].join(' | '),
    }));
    const isOne = lines.every(({ way }) => way === lines[0]!.way);
    const shown = isOne ? [{ ...lines[0]!, state: 'any' }] : lines;
    return shown.map(({ state, way }) => [stage, state, way].join(' | '));
  });
  return ['request | server | resuming it | says', '--- | --- | --- | ---', ...rows]
    .map((row) => `| ${row} |`)
    .join('\n');
}
