import type { SilenceView } from '@ckm/api';
import { encodeHex } from '@ckm/foundation';
import type { DeskMeans } from './means.js';

type KeyName = { readonly owner: Uint8Array; readonly keyId: Uint8Array };

/** What an operator sees of cases of silence, and says of them. */
export function createOperatorSilence({ context, sessions }: DeskMeans) {
  return {
    silence: async (name: KeyName) => written(await sessions.silenceDesk.show(name)),
    agreeSilence: async (name: KeyName, without: readonly Uint8Array[], as: string | null) => {
      const view = await sessions.silenceDesk.agree(name, without, as);
      context.events.operatorActed({ action: 'silence' });
      return written(view);
    },
  };
}

function written(view: SilenceView | null) {
  if (view === null) return { silence: null };
  const { granted: _granted, missing, ...rest } = view;
  return { silence: { ...rest, missing: missing.map(encodeHex) } };
}
