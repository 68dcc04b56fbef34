import { purposeGivesSecrets } from '@ckm/requests';
import { type ImportProposal, policyHash } from '@ckm/api';
import { equalBytes, UsageError } from '@ckm/foundation';
import { dealKey, type PublicKeyPackage } from '@ckm/threshold';
import type { ClientContext } from '../../context/context.js';
import type { OnProgress } from '../../progress/progress.js';
import { showServerRecord } from '../../servers/servers.js';
import { runSession } from '../../sessions/run-session.js';
import type { SessionRecord } from '../../sessions/session-record.js';
import { listSessions, saveSession } from '../../sessions/sessions.js';
import { IMPORT } from '../free-name.js';
import {
  type CreateKeyArgs,
  type KeyPlan,
  parsePolicy,
  planKey,
  sessionFromPlan,
  givesSecrets,
} from '../generation/plan-key.js';
import type { CertifiedKey } from '../key-record.js';
import type { ReadKey } from '../keys.js';
import { readImport } from './import-record.js';
import { createKeyImport, type Deal } from './key-import.js';
import { type KeyMaterial, publicHalfOf } from './material/key-material.js';

/** A key that its owner has whole, and what shall become of it. */
export interface ImportKeyArgs extends Omit<CreateKeyArgs, 'exportable' | 'suite'> {
  /** The caller wipes it. */
  readonly material: KeyMaterial;
}

/** What an import will ask of whom: nothing has been sent or written. */
export interface ImportPlan extends Omit<KeyPlan, 'proposal'> {
  readonly proposal: Omit<ImportProposal, 'keyId'>;
  /** What its owner compares with what he has. */
  readonly shown: PublicKeyPackage;
  /** Whether an import that was cut goes on. */
  readonly goesOn: boolean;
}

/**
 * Checks everything about an import that can be checked here.
 * @throws as `planKey`
 */
export async function planImport(context: ClientContext, args: ImportKeyArgs): Promise<ImportPlan> {
  const { material } = args;
  const open = await findOpenImport(context, args);
  if (open !== null) {
    const { proposal, network } = readImport(open);
    const servers = await Promise.all(args.servers.map((name) => showServerRecord(context.store, name)));
    return { proposal, network, servers, shown: publicHalfOf(material), goesOn: true };
  }
  if (purposeGivesSecrets(args.purpose)) throw givesSecrets(args.purpose);
  const { proposal, servers, network } = await planKey(context, planArgs(args));
  const { suite, purpose, quorum, policy, strict } = proposal;
  const { groupKey } = material;
  const hd = material.chainCode !== null;
  return {
    proposal: {
      kind: IMPORT,
      suite,
      purpose,
      quorum,
      policy,
      groupKey,
      hd,
      ...(strict === true ? { strict } : {}),
    },
    network,
    servers,
    shown: publicHalfOf(material),
    goesOn: false,
  };
}

function planArgs({ material, ...args }: ImportKeyArgs): CreateKeyArgs {
  return { ...args, suite: material.suite };
}

/** Takes a key over, or goes on with an import of that name and key that was cut. @throws as {@link planImport}, `runSession` */
export async function importKey(
  context: ClientContext,
  readKey: ReadKey,
  args: ImportKeyArgs,
  on: OnProgress,
): Promise<CertifiedKey> {
  // Whatever needs a person (a passphrase) comes before the first trace of the session.
  for (const { xid } of (await planImport(context, args)).servers) await context.identityFor(xid);
  const session = await context.store.exclusive('key-names', async () => {
    const open = await findOpenImport(context, args);
    if (open !== null) return open;
    const begun = sessionFromPlan(context, await planImport(context, args), args);
    await saveSession(context.store, begun);
    return begun;
  });
  const { material } = args;
  const chainCode = material.chainCode ?? new Uint8Array(32);
  const deal: Deal = (params) => {
    const seed = context.random(32);
    const dealt = dealKey({ params, secret: material.secret, chainCode }, seed);
    seed.fill(0);
    return dealt;
  };
  await runSession(context, createKeyImport(deal), session, on);
  return readKey(args.name);
}

/** An import of that name that is open. @throws UsageError `KEY_EXISTS` where it is of another key, or for something else */
async function findOpenImport(
  { store }: Pick<ClientContext, 'store'>,
  args: ImportKeyArgs,
): Promise<SessionRecord | null> {
  const open = (await listSessions(store)).find(
    (one) => one.proposal.kind === IMPORT && one.state === 'open' && one.keyName === args.name,
  );
  if (open === undefined) return null;
  const { purpose, quorum, policy, groupKey, strict } = readImport(open).proposal;
  const isSame =
    equalBytes(groupKey, args.material.groupKey) &&
    purpose === args.purpose &&
    quorum.needed === args.quorum.needed &&
    quorum.of === args.quorum.of &&
    (strict === true) === (args.strict === true) &&
    open.servers.length === args.servers.length &&
    open.servers.every(({ name }, i) => name === args.servers[i]) &&
    equalBytes(policyHash(policy), policyHash(parsePolicy(args)));
  if (isSame) return open;
  throw new UsageError(`a key ${args.name} is already being imported: another one, or in another way`, {
    code: 'KEY_EXISTS',
    hint: 'go on with it as it was begun, or cancel it',
    remedy: { kind: 'resumeSession' },
  });
}
