import { type Approver, type KeyTerms, policyHash, readTerms, versionOf } from '@ckm/api';
import { encodeUtf8 } from '@ckm/foundation';
import { REQUEST_FACTS } from '@ckm/requests';
import { hash } from '@ckm/threshold';
import type { WrittenTerms } from './terms-file.js';
import { approverAbsent } from './missing-approvers.js';

/** What a terms file cannot say. */
export interface TermsPeople {
  /** 32 bytes, of this key alone; null: terms that ask nobody need none. */
  readonly ownerKey: Uint8Array | null;
  /** By the names in the terms; whom the file does not name is left out. */
  readonly approvers: readonly Approver[];
}

/**
 * The terms that servers certify: what was written, with the keys of its people.
 * @param before the terms in force; null: the key is yet to be made
 * @throws EncodingError `TERMS_…`; StateError `TERMS_APPROVER_ABSENT`
 */
export function certifiedTerms(
  written: WrittenTerms,
  { ownerKey, approvers }: TermsPeople,
  before: KeyTerms | null,
): KeyTerms {
  const { approvers: names, ...rest } = written;
  const asked = names?.map((name) => approvers.find((one) => one.name === name) ?? name) ?? [];
  const absent = asked.filter((one) => typeof one === 'string');
  if (absent.length > 0) throw approverAbsent(absent);
  return readTerms(
    {
      ...rest,
      ...(before === null ? {} : { version: versionOf(before) + 1, previous: policyHash(before) }),
      ...(asksPeople(written) && ownerKey !== null ? { ownerKey } : {}),
      ...(names === undefined ? {} : { approvers: asked }),
    },
    REQUEST_FACTS,
  );
}

/** Whether terms have anything that a policy of before has not. */
export function asksPeople({ approvers, approvals, change, silence }: WrittenTerms): boolean {
  return [approvers, approvals, change, silence].some((part) => part !== undefined);
}

/**
 * The same before anybody has answered, with keys that nobody has: to find out whether what was written can be certified, and to say it.
 * @throws EncodingError `TERMS_…`
 */
export function draftTerms(written: WrittenTerms): KeyTerms {
  const standIn = (name: string) => hash('sha256', encodeUtf8(`a key that nobody has: ${name}`));
  // Names that are doubled or no names are left to be refused with the rest.
  const approvers = (written.approvers ?? []).map((name, at): Approver => ({
    name,
    xid: standIn(`the identity of ${name} ${at}`),
    keys: [{ kind: 'ed25519', key: standIn(`the key of ${name} ${at}`) }],
  }));
  return certifiedTerms(written, { ownerKey: standIn('the owner'), approvers }, null);
}
