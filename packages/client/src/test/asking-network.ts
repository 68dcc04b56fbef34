import {
  type Approver as NamedApprover,
  ballotOfTerms,
  changeOfTerms,
  encodeTermsChange,
  encodeTermsProposal,
  encodeTerms,
  hashPayload,
  hashTasks,
  judgeVote,
  type KeyTerms,
  type ListedMatter,
  type Parameters,
  parseVote,
  policyHash,
  type ShownMatter,
  type CarriedVote,
} from '@ckm/api';
import { equalBytes, StateError } from '@ckm/foundation';
import { requestKind } from '@ckm/requests';
import type { CertifiedKey } from '../keys/key-record.js';
import { messageOf, type NetworkServer, type TestNetwork } from './test-network.js';

/** Servers that ask approvers about one request, as a test says, and keep what they answer. */
export interface Asking {
  /** By names of servers. */
  readonly shown: Map<string, ShownMatter>;
  readonly votes: Map<string, CarriedVote[]>;
  /** What all of them ask besides. */
  readonly beside: ShownMatter[];
}

/** What all honest servers of a key show of a request for it. */
export function shownRequest(
  key: CertifiedKey,
  terms: KeyTerms,
  { text = 'hello', requester, now }: { text?: string; requester: Uint8Array; now: number },
): ShownMatter {
  const { kind, payload } = messageOf(text);
  const tasks = requestKind(kind).parse(payload).tasks(key.context);
  return {
    matter: 'request',
    matterId: new Uint8Array(32).fill(0xab),
    keyId: key.keyId,
    kind,
    payload,
    payloadHash: hashPayload(kind, payload),
    tasksHash: hashTasks(tasks),
    termsHash: policyHash(terms),
    requester,
    createdAt: now,
    expiresAt: now + 7_200,
    terms: encodeTerms(terms),
    epoch: 0,
    transcriptHash: key.newest.transcriptHash,
    certificate: key.record.certificate,
    sentence: 'Believe me',
    votes: [],
  };
}

/** What all honest servers of a key show of a change of its terms. */
export function shownChange(key: CertifiedKey, before: KeyTerms, after: KeyTerms, now: number): ShownMatter {
  const change = changeOfTerms({ keyId: key.keyId, id: new Uint8Array(32).fill(0xcd) }, before, after);
  const statement = encodeTermsChange(change);
  const { serverId: _server, ...ballot } = ballotOfTerms(change, {
    serverId: new Uint8Array(32),
    expiresAt: now + 10 * 86_400,
  });
  const asked = shownRequest(key, before, { requester: new Uint8Array(32), now });
  return { ...asked, ...ballot, payload: encodeTermsProposal({ statement, terms: encodeTerms(after) }) };
}

/** Puts such a request before everybody. */
export function askPeople(
  network: TestNetwork,
  shown: ShownMatter,
  approvers: readonly NamedApprover[],
): Asking {
  const asking: Asking = { shown: new Map(), votes: new Map(), beside: [] };
  for (const server of network.servers) {
    asking.shown.set(server.name, shown);
    asking.votes.set(server.name, []);
    server.tamper = async ({ name, parameters }, honest) => {
      const known = asking.shown.get(server.name);
      if (name === 'approval.list') {
        const all = known === undefined ? asking.beside : [known, ...asking.beside];
        return { matters: all.map(listed), next: null };
      }
      if (name === 'approval.show') {
        const { matter, matterId } = parameters as Parameters<'approval.show'>;
        const other = asking.beside.find(
          (one) => one.matter === matter && equalBytes(one.matterId, matterId),
        );
        if (other !== undefined) return other;
        if (known === undefined) throw unknown();
        return { ...known, votes: asking.votes.get(server.name)!.map(({ bytes }) => bytes) };
      }
      if (name === 'approval.give') return take(asking, server, network.now, approvers, parameters);
      return honest();
    };
  }
  return asking;
}

function listed(shown: ShownMatter): ListedMatter {
  const { payload: _p, terms: _t, epoch: _e, transcriptHash: _h, certificate: _c, ...rest } = shown;
  const { sentence: _s, votes: _v, ...named } = rest;
  return { ...named, said: null };
}

function unknown(): StateError {
  return new StateError('unknown', { code: 'MATTER_UNKNOWN', hint: 'list', retryable: false });
}

function take(
  asking: Asking,
  server: NetworkServer,
  now: number,
  approvers: readonly NamedApprover[],
  parameters: unknown,
) {
  const { votes } = parameters as Parameters<'approval.give'>;
  const refused = votes.flatMap((bytes, at) => {
    const vote = parseVote(bytes);
    const ballot = { ...asking.shown.get(server.name)!, serverId: server.identity.xid };
    const polling = { ballot, approvers, without: [], moment: { now, maxSkewSeconds: 0 } };
    const code = judgeVote(vote, polling, () => false);
    if (code === null) asking.votes.get(server.name)!.push({ ...vote, bytes });
    return code === null ? [] : [{ at, code }];
  });
  return { refused };
}
