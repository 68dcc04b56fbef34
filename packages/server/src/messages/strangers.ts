import { parseCall, recoveryTooOften } from '@ckm/api';
import { encodeHex, PolicyError } from '@ckm/foundation';
import type { Message } from '@ckm/gordian';
import { type AccountCode, quotaError } from '../accounts/codes.js';
import { createRateLimiter } from '../turns/rate-limiter.js';
import type { AskerFunctionName, AskerKnown, ServerContext } from '../context.js';

/** All strangers together; each of them costs a signature check, and if they are let in a row. */
const STRANGERS_PER_MINUTE = 600;
/** Those of one address: nobody alone can use up what all have. */
const STRANGERS_PER_ADDRESS_PER_MINUTE = 30;
/** Attempts with one unused invite, which many may hold until the first of them has used it. */
const TRIES_PER_INVITE_PER_MINUTE = 10;
/** Who wants an account back: each may leave a row that is kept for two days. Apart from the others, so that neither keep the others out. */
const ASKERS_PER_MINUTE = 120;
/** Of one who has shown something already. A no, and the end of what has waited, are not kept out by others who ask. */
const KNOWN_PER_MINUTE = 10;
const DAY_MS = 86_400_000;

/** How many strangers are heard. */
export interface Strangers {
  /**
   * Lets a stranger in, or refuses him: who opens an account, and who wants one back.
   * @param address of the sender, as a limit counts it
   * @param places what it counts as; one is a message of ordinary length
   * @param wanted what he asks for who wants an account back; null: he opens one
   * @throws PolicyError `QUOTA_MESSAGES`, `ACCOUNTS_PER_ADDRESS`
   */
  admit(message: Message, address: string, places: number, wanted?: AskerFunctionName | null): Promise<void>;
}

/**
 * Whoever has an unused invite is heard however many others knock: an invite cannot be guessed (100 random bits), so that
 * looking it up first tells nobody anything, and costs less than the signature that was checked before.
 */
export function createStrangers(
  context: Pick<ServerContext, 'accounts' | 'config' | 'storage'>,
  askerKnown: AskerKnown,
): Strangers {
  const { accounts, config, storage } = context;
  const { accountsPerAddressPerDay } = config.limits;
  const everybody = createRateLimiter({ count: STRANGERS_PER_MINUTE, perMs: 60_000 });
  const ofAddress = createRateLimiter({ count: STRANGERS_PER_ADDRESS_PER_MINUTE, perMs: 60_000 });
  const ofInvite = createRateLimiter({ count: TRIES_PER_INVITE_PER_MINUTE, perMs: 60_000 });
  const askers = createRateLimiter({ count: ASKERS_PER_MINUTE, perMs: 60_000 });
  const askersOfAddress = createRateLimiter({ count: STRANGERS_PER_ADDRESS_PER_MINUTE, perMs: 60_000 });
  const known = createRateLimiter({ count: KNOWN_PER_MINUTE, perMs: 60_000 });
  const openings = createRateLimiter({ count: accountsPerAddressPerDay, perMs: DAY_MS });

  async function unusedInvite(message: Message, places: number): Promise<string | null> {
    if (config.accounts !== 'invite' || places > 1) return null;
    const code = inviteIn(message);
    if (code === null) return null;
    const hash = await storage.read((reader) => accounts.unusedInvite(reader, code));
    return hash === null ? null : encodeHex(hash);
  }

  async function admitAsker(
    message: Message,
    address: string,
    places: number,
    wanted: AskerFunctionName,
  ): Promise<void> {
    // Of both or of neither: what an address has used up must not be taken from everybody.
    const isOverOfAddress = askersOfAddress.waitMs(address, places) > 0;
    if (!isOverOfAddress && askers.take('', places)) {
      askersOfAddress.take(address, places);
      return;
    }
    const name = places > 1 ? null : await askerKnown(message.header.sender, wanted, message.body);
    if (name !== null && known.take(name)) return;
    throw isOverOfAddress ? tooMany(STRANGERS_PER_ADDRESS_PER_MINUTE) : recoveryTooOften();
  }

  return {
    admit: async (message, address, places, wanted = null) => {
      if (wanted !== null) return admitAsker(message, address, places, wanted);
      const invite = await unusedInvite(message, places);
      if (invite !== null && ofInvite.take(invite)) return;
      // The address first: what it has used up must not be taken from everybody.
      if (!ofAddress.take(address, places)) throw tooMany(STRANGERS_PER_ADDRESS_PER_MINUTE);
      if (!everybody.take('', places)) throw tooMany(STRANGERS_PER_MINUTE);
      if (config.accounts === 'open' && !openings.take(address)) {
        throw tooManyAccounts(accountsPerAddressPerDay);
      }
    },
  };
}

/** Null: none, or nothing that could be read. */
function inviteIn({ body }: Message): string | null {
  try {
    return parseCall('account.open', body).invite;
  } catch {
    return null;
  }
}

function tooMany(limit: number): PolicyError {
  return quotaError('QUOTA_MESSAGES', 'messages a minute', limit, 'wait a minute');
}

function tooManyAccounts(limit: number): PolicyError {
  return new PolicyError(`from one address at most ${limit} accounts are opened a day`, {
    code: 'ACCOUNTS_PER_ADDRESS' satisfies AccountCode,
    hint: 'try again tomorrow, or ask the operator of this server',
    httpStatus: 429,
    facts: { limit },
  });
}
