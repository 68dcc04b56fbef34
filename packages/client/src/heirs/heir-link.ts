import {
  encodeCall,
  HEIR_CALLS,
  type FunctionName,
  type HeirCallName,
  type Parameters,
  parseReply,
  type Result,
} from '@ckm/api';
import type { CallOptions, ServerLink } from '../carrier/server-link.js';
import { heirMayNot } from './heir-errors.js';

/** Which key it is that an heir uses. `first`: transcript hash of its first epoch; null: he does not know it. */
export interface HeirKeyMeant {
  readonly keyId: Uint8Array;
  readonly first: Uint8Array | null;
}

/**
 * A way to ask a server in the place of the owner of one key: what an heir may do there, the terms of the key say, and the server judges.
 * @param name what they call him: what he takes out of servers he takes in his own name
 */
export function heirLink(link: ServerLink, { keyId, first }: HeirKeyMeant, name: string): ServerLink {
  const use = async <F extends HeirCallName>(called: F, parameters: Parameters<F>, options: CallOptions) => {
    const body = encodeCall(called, parameters);
    const answer = await link.call(
      'heir.use',
      { keyId, first, called, body },
      { ...options, introduce: true },
    );
    return parseReply(called, answer.body);
  };
  return {
    chainPageBytes: link.chainPageBytes,
    call: async <F extends FunctionName>(
      called: F,
      parameters: Parameters<F>,
      options: CallOptions = {},
    ): Promise<Result<F>> => {
      // Of all keys of the account he sees this one.
      if (called === 'key.list') {
        const { key } = await use('key.show', { keyId }, options);
        return { keys: [key], next: null } as Result<'key.list'> as Result<F>;
      }
      if (!isHeirCall(called)) throw heirMayNot(called);
      const asked = inHisName(parameters as Parameters<HeirCallName>, name);
      return (await use(called, asked, options)) as Result<F>;
    },
  };
}

function isHeirCall(name: FunctionName): name is HeirCallName {
  return HEIR_CALLS.some((one) => one === name);
}

function inHisName(parameters: Parameters<HeirCallName>, heir: string): Parameters<HeirCallName> {
  if (!('proposal' in parameters)) return parameters;
  return { ...parameters, proposal: { ...parameters.proposal, heir } };
}
