import type { FunctionName } from '@ckm/api';
import { encodeHex, type PolicyError } from '@ckm/foundation';
import { quotaError } from '../accounts/codes.js';
import { createRateLimiter } from '../turns/rate-limiter.js';

/** Everybody without an account who looks for what waits for him, or brings votes: each costs a signature check. */
const APPROVERS_PER_MINUTE = 600;
/** Of one address: nobody alone uses up what all have. */
const PER_ADDRESS_PER_MINUTE = 60;
const LOOKS_PER_MINUTE = 60;
/** Votes are few; a flood of them is none of a person. */
const GIVES_PER_HOUR = 20;

/** Papers that stop a key have places of their own: whoever fills those that all have keeps none from being heard. */
const PAPERS_PER_MINUTE = 600;
/** Of one address, so that whoever would fill them has fifty: each server of a paper hears it once. */
const PAPERS_PER_ADDRESS = 12;

/** How many of those are heard who have no account and may be asked for a yes. */
export interface Approvers {
  /**
   * Lets a message of somebody in, or refuses it. Whom something waits for is heard however many others there are: that is looked up where these have used up what
   * all have, and he proves who he is, so that nobody learns by it what another one is asked.
   * @param address of the sender, as a limit counts it
   * @param places what it counts as; one is a message of ordinary length
   * @throws PolicyError `QUOTA_MESSAGES`
   */
  admit(sender: Uint8Array, called: FunctionName, address: string, places: number): Promise<void>;
}

/** @param isAsked whether anything waits for somebody here */
export function createApprovers(isAsked: (sender: Uint8Array) => Promise<boolean>): Approvers {
  const everybody = createRateLimiter({ count: APPROVERS_PER_MINUTE, perMs: 60_000 });
  const ofAddress = createRateLimiter({ count: PER_ADDRESS_PER_MINUTE, perMs: 60_000 });
  const looks = createRateLimiter({ count: LOOKS_PER_MINUTE, perMs: 60_000 });
  const papers = createRateLimiter({ count: PAPERS_PER_MINUTE, perMs: 60_000 });
  const papersOfAddress = createRateLimiter({ count: PAPERS_PER_ADDRESS, perMs: 60_000 });
  const gives = createRateLimiter({ count: GIVES_PER_HOUR, perMs: 3_600_000 });
  return {
    admit: async (sender, called, address, places) => {
      if (called === 'freeze.carry') {
        if (!papersOfAddress.take(address, places)) throw tooMany(PAPERS_PER_ADDRESS, 'a minute');
        if (!papers.take('', places)) throw tooMany(PAPERS_PER_MINUTE, 'a minute');
        return;
      }
      const name = encodeHex(sender);
      // The narrowest first: what somebody alone has used up must not be taken from others.
      if (!ofAddress.take(address, places)) throw tooMany(PER_ADDRESS_PER_MINUTE, 'a minute');
      const isGiven = called === 'approval.give';
      if (isGiven && !gives.take(name)) throw tooMany(GIVES_PER_HOUR, 'an hour');
      if (!isGiven && !looks.take(name)) throw tooMany(LOOKS_PER_MINUTE, 'a minute');
      if (everybody.take('', places) || (await isAsked(sender))) return;
      throw tooMany(APPROVERS_PER_MINUTE, 'a minute');
    },
  };
}

function tooMany(limit: number, per: 'a minute' | 'an hour'): PolicyError {
  return quotaError('QUOTA_MESSAGES', `messages ${per}`, limit, `wait ${per}`);
}
