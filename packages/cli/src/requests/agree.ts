import { type CkmError, UsageError } from '@ckm/foundation';
import type { Description } from '@ckm/requests';
import type { Context } from '../command-line/context.js';
import { type About, askTyped, confirm } from '../terminal/prompt.js';
import { cancelled, canAsk, notTyped } from '../terminal/seat.js';

/** What an owner said beforehand, and what there is to say yes to. */
export interface Agreement {
  readonly description: Description;
  /** The name of the key, which is typed to sign what nobody can describe. */
  readonly key: string;
  readonly question: string;
  /** Why the key's policy does not let it be signed: then nobody is asked. */
  readonly refusal: CkmError | null;
  /** Whether the owner asked for blind signing by its own flag. */
  readonly isBlindWanted: boolean;
  /** Whether the owner accepted by its own flag that value is lost. */
  readonly isLossAccepted?: boolean;
  /** As of {@link About}. */
  readonly shown: string | null;
}

/**
 * A person's yes to what was just described, where the policy of the key leaves anything to say. `--yes` says it beforehand, but
 * never for what cannot be described, which takes {@link agreeBlind} as well, nor for what loses value.
 * @throws StateError `CANCELLED_BY_PERSON`; UsageError `INPUT_NEEDED`, `CONFIRMATION_NEEDED`; the refusal of the policy
 */
export async function agree(context: Context, agreement: Agreement): Promise<void> {
  const { question, refusal } = agreement;
  if (refusal !== null) throw refusal;
  const isSaid = context.flags.yes === true;
  if (!isSaid && !(await confirm(context.terminal, question, aboutOf(agreement)))) throw cancelled();
  await agreeBlind(context, agreement);
  await agreeToLoss(context, agreement);
}

/**
 * The second yes, to a signature that could mean anything: the name of the key, typed; or the flag that says so.
 * Nothing is asked about what can be described.
 * @throws StateError `CANCELLED_BY_PERSON`; UsageError `CONFIRMATION_NEEDED` when nobody can be asked
 */
export async function agreeBlind(
  { terminal }: Pick<Context, 'terminal'>,
  agreement: Agreement,
): Promise<void> {
  const { description, key, isBlindWanted, refusal } = agreement;
  if (refusal !== null) throw refusal;
  if (!description.blind || isBlindWanted) return;
  if (!canAsk(terminal)) throw notConfirmed();
  const typed = await askTyped(
    terminal,
    `Nobody can say what this means. Type ${key} to sign it blindly, whatever it is:`,
    aboutOf(agreement),
  );
  if (typed.trim() !== key) throw notTyped(key);
}

function aboutOf({ description: { sentence }, shown }: Agreement): About {
  return { sentence, shown };
}

/** The second yes to what is gone for good: the name of the key, typed; or the flag that says so. */
async function agreeToLoss(
  { terminal }: Pick<Context, 'terminal'>,
  { description, key, isLossAccepted = false }: Agreement,
): Promise<void> {
  const lost = description.warnings.filter(({ isLoss }) => isLoss === true).map(({ text }) => text);
  if (lost.length === 0 || isLossAccepted) return;
  if (!canAsk(terminal)) throw lossNotAccepted(lost);
  const typed = await askTyped(
    terminal,
    `What is lost does not come back. Type ${key} to sign it all the same:`,
    { sentence: lost.join('; '), shown: null },
  );
  if (typed.trim() !== key) throw notTyped(key);
}

function lossNotAccepted(lost: readonly string[]): UsageError {
  return new UsageError(`${lost.join('; ')}: --yes does not sign that`, {
    code: 'CONFIRMATION_NEEDED',
    hint: 'see that the transaction is what you want; to sign it all the same, add --accept-loss',
  });
}

function notConfirmed(): UsageError {
  return new UsageError('nobody can say what this content means, and --yes does not sign it blindly', {
    code: 'CONFIRMATION_NEEDED',
    hint: 'find out what it is; to sign whatever it is, add --blind',
  });
}
