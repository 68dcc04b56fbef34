import {
  type DeriveArgs,
  type Derived,
  prepareDerivation,
  type PreparedDerivation,
} from '../deriving/derive.js';
import { carryChange } from '../keys/changes/carry-change.js';
import { withoutChange } from '../keys/changes/change-errors.js';
import { findChange } from '../keys/chain/change-record.js';
import type { OnProgress } from '../progress/progress.js';
import type { SessionRecord } from '../sessions/session-record.js';
import { describeSession, type SessionWords } from '../sessions/describe-session.js';
import { abandonSession, ceremonyOf, runSession } from '../sessions/run-session.js';
import { findOpenSession, findSession, listSessions } from '../sessions/sessions.js';
import type { RequestRecord } from '../requests/request-record.js';
import {
  assertRequestOpen,
  findOpenRequest,
  findRequest,
  listRequests,
  updateRequest,
} from '../requests/requests.js';
import type { GoingOn } from '../signing/signer.js';
import type { PreparedRequest, SignArgs, SignResult } from '../signing/sign-args.js';
import type { ClientRoom } from './client-room.js';
import { CEREMONIES, type SessionOutcome } from './ceremonies.js';
import { parseReason } from './parse-reason.js';

/** Signatures, and ceremonies that go on. */
export interface RequestCalls {
  /** Reads and describes a request, which can then be asked for as it was shown. Nothing is sent or written. */
  prepare(args: SignArgs): Promise<PreparedRequest>;
  /** The same for a request on record that is open: `sign` goes on with it. @throws StateError `REQUEST_OVER` */
  prepareAgain(id: string, options?: GoingOn): Promise<PreparedRequest>;
  /** Prepares and asks at once, where nobody is there to be shown anything. */
  sign(args: SignArgs, on?: OnProgress): Promise<SignResult>;
  /** Reads a label for a key that was made to derive secrets. Nothing is sent or written. @throws EncodingError `LABEL_INVALID` */
  prepareDerivation(args: DeriveArgs): Promise<PreparedDerivation>;
  /** Prepares and asks at once, where nobody is there to be shown anything. */
  derive(args: DeriveArgs, on?: OnProgress): Promise<Derived>;
  /** Signatures that were asked for and are on record. */
  listRequests(): Promise<readonly RequestRecord[]>;
  /** @param id the first digits of its id */
  showRequest(id: string): Promise<RequestRecord>;
  /** One that goes on. @param id the first digits of its id @throws StateError `REQUEST_OVER` */
  showOpenRequest(id: string): Promise<RequestRecord>;
  /** Tells every server that nobody wants it any more. @throws StateError `REQUEST_OVER` */
  cancelRequest(id: string, reason: string): Promise<RequestRecord>;
  /** Ceremonies that are on record. */
  listSessions(): Promise<readonly SessionRecord[]>;
  /** @param id the first digits of its id */
  showSession(id: string): Promise<SessionRecord>;
  /** One that goes on. @param id the first digits of its id @throws StateError `SESSION_OVER` */
  showOpenSession(id: string): Promise<SessionRecord>;
  /** What a person reads of a session: its title, as in "making treasury", and its details line by line. */
  describeSession(session: SessionRecord): SessionWords;
  resumeSession(id: string, on?: OnProgress): Promise<SessionOutcome>;
  /**
   * @param options.forget the name of a key that some of its servers hold already; without it such a ceremony stays
   * @throws StateError `KEY_HELD`, `SESSION_OVER`
   */
  cancelSession(id: string, reason: string, options?: { readonly forget?: string }): Promise<SessionRecord>;
}

export function createRequestCalls({ context, store, signer, acting, silent }: ClientRoom): RequestCalls {
  const shown = (prepared: PreparedRequest): PreparedRequest => ({
    ...prepared,
    sign: (on, options) => acting(prepared.sign(on, options)),
  });
  const prepare = async (args: SignArgs) => shown(await signer.prepare(args));

  return {
    prepare,
    prepareAgain: async (id, options) =>
      shown(await signer.prepareAgain(await findOpenRequest(store, id), options)),
    sign: async (args, on) => (await prepare(args)).sign(on),
    prepareDerivation: (args) => prepareDerivation(prepare, args),
    derive: async (args, on) => (await prepareDerivation(prepare, args)).derive(on),
    listRequests: () => listRequests(store),
    showRequest: (id) => findRequest(store, id),
    showOpenRequest: (id) => findOpenRequest(store, id),
    cancelRequest: async (id, reason) => {
      const request = await findOpenRequest(store, id);
      const over = { state: 'cancelled', reason: parseReason(reason) } as const;
      await acting(signer.cancel(request, reason));
      await updateRequest(store, request.requestId, (now) => {
        // Another process may have got its signature while servers were told.
        if (now !== null) assertRequestOpen(now);
        return { ...(now ?? request), ...over };
      });
      return { ...request, ...over };
    },
    listSessions: () => listSessions(store),
    showSession: (id) => findSession(store, id),
    showOpenSession: (id) => findOpenSession(store, id),
    describeSession: (session) => describeSession(CEREMONIES, session),
    resumeSession: async (id, on = silent) => {
      const change = await findChange(store, id);
      if (change !== null) return acting(carryChange(context, change, on));
      const session = await findOpenSession(store, id);
      const outcome = await acting(runSession(context, ceremonyOf(CEREMONIES, session), session, on));
      if (outcome.kind === 'reshare') throw withoutChange(session);
      return outcome;
    },
    cancelSession: async (id, reason, { forget: named = null } = {}) => {
      const session = await findOpenSession(store, id);
      const how = { reason: parseReason(reason), named };
      return acting(abandonSession(context, ceremonyOf(CEREMONIES, session), session, how));
    },
  };
}
