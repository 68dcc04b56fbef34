/** How far a request has come, at a key both of whose servers ask their operators. */
export const REQUEST_STAGES = {
  asked: 'the client was killed when the first server had heard of it',
  waiting: 'both servers wait for their operators',
  approved: 'both operators have said yes',
  rejected: 'an operator has said no',
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

/** How a request goes on from there. Whatever resuming says, cancelling ends it: here, and at servers when they answer. */
export interface RequestWay {
  /**
   * `on`: resuming gives the signature. `people`: when operators have said yes. `over`: never, and where operators said no
   * it is over at once; it is asked for anew. `wait`: when the server answers. `add`: when its owner has added the server again and it has its share again.
   */
  readonly resume: 'on' | 'people' | 'over' | 'wait' | 'add';
  /** What resuming says: one of these, by whichever server is heard first; none: it goes on. */
  readonly says: readonly string[];
}

const ON: RequestWay = { resume: 'on', says: [] };
const PEOPLE: RequestWay = { resume: 'people', says: ['REQUEST_WAITING'] };
const WAIT: RequestWay = { resume: 'wait', says: ['TOO_FEW_SERVERS'] };
const ADD: RequestWay = { resume: 'add', says: ['TOO_FEW_SERVERS'] };
const over = (...says: readonly string[]): RequestWay => ({ resume: 'over', says });
const REJECTED = over('REQUEST_REJECTED');
const BY_SERVER = { expired: over('REQUEST_EXPIRED'), older: PEOPLE, forgot: ADD, gone: WAIT } as const;

export const REQUEST_WAYS: Readonly<Record<RequestStage, Readonly<Record<RequestServer, RequestWay>>>> = {
  // A server that never heard of it says of the time what the others say of the request.
  asked: { same: PEOPLE, ...BY_SERVER, expired: over('REQUEST_EXPIRED', 'EXPIRY_PASSED') },
  waiting: { same: PEOPLE, ...BY_SERVER },
  approved: { same: ON, ...BY_SERVER },
  rejected: {
    same: REJECTED,
    expired: REJECTED,
    older: REJECTED,
    forgot: over('REQUEST_REJECTED', 'TOO_FEW_SERVERS'),
    gone: over('REQUEST_REJECTED', 'TOO_FEW_SERVERS'),
  },
};

const RESUME = {
  on: 'gives the signature',
  people: 'waits for people, and gives the signature when they have said yes',
  over: 'does not go on: ask anew',
  wait: 'goes on when the server answers',
  add: 'goes on when the server is added again and has its share again',
} as const;

/** The table as the documentation prints it. */
export function formatRequestWays(): string {
  const rows = Object.entries(REQUEST_WAYS).flatMap(([stage, states]) =>
    Object.entries(states).map(([state, { resume, says }]) =>
      [stage, state, RESUME[resume], says.map((code) => `\`${code}\``).join(' or ')].join(' | '),
    ),
  );
  return ['request | server | resuming it | says', '--- | --- | --- | ---', ...rows]
    .map((row) => `| ${row} |`)
    .join('\n');
}
