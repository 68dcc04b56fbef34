import { CkmError, encodeHex } from '@ckm/foundation';
import { formatWords, likenessOf } from '@ckm/gordian';
import { createKeyDesk, type OpenServer } from '@ckm/server/testing';

/** Says yes to whatever waits for the operator of a server, and hears it in words where that is too late. */
export async function approveAll({ sessions }: OpenServer): Promise<void> {
  const { sessionDesk, changeDesk } = sessions;
  for (const waiting of (await sessionDesk.list()).sessions)
    if (waiting.asked) await unlessRefused(() => sessionDesk.approve(waiting));
  for (const waiting of (await changeDesk.list()).changes) {
    const words = formatWords(likenessOf(waiting.orderHash));
    if (waiting.asked) await unlessRefused(() => changeDesk.approve(waiting, words));
  }
}

async function unlessRefused(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof CkmError) || error.errorClass === 'BugError') throw error;
  }
}

/** Ends every freeze whose owner has asked for that. @returns whether there was one */
export async function thawAsked({ context, sessions }: OpenServer): Promise<boolean> {
  const desk = createKeyDesk({ context, sessions });
  const asked = (await desk.keys(null)).keys.filter(({ frozen }) => (frozen?.thawAskedAt ?? null) !== null);
  for (const { keyId, owner } of asked) await desk.thaw(keyId, Buffer.from(owner, 'hex'));
  return asked.length > 0;
}

/** Has a server use a key again without asking others how far it is: where too many were put back at once. */
export async function releaseKey(
  { context, sessions }: OpenServer,
  { owner, keyId }: { readonly owner: Uint8Array; readonly keyId: Uint8Array },
): Promise<void> {
  await createKeyDesk({ context, sessions }).release(encodeHex(keyId), owner);
}
