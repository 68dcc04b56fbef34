import { drillsOf, isDrillKeyId, type FunctionName } from '@ckm/api';
import { DRILL } from '@ckm/requests';
import type { Handler, Handlers, SessionFunctionName } from '../../context.js';
import { demand } from '../../refusals.js';

/** What is looked at before a key is held here. */
interface OfPurpose {
  readonly keyId: Uint8Array;
  readonly purpose: string;
  readonly exportable?: boolean | undefined;
}

/**
 * Keys of drills and all others are told apart by their ids and by their certified purpose, and the two always agree: whatever is done
 * more easily for a drill is never done with a key that holds anything.
 * @throws PolicyError `KEY_IS_FOR_DRILLS`, `NO_KEY_OF_A_DRILL`
 */
export function assertIdOfPurpose({ keyId, purpose, exportable }: OfPurpose): void {
  const isDrill = isDrillKeyId(keyId);
  demand(isDrill || purpose !== DRILL, 'NO_KEY_OF_A_DRILL', 'a key for drills has an id that says so');
  demand(
    !isDrill || purpose === DRILL,
    'KEY_IS_FOR_DRILLS',
    'a key with the id of a drill is for nothing else',
  );
  demand(!isDrill || exportable !== true, 'KEY_IS_FOR_DRILLS', 'a key of a drill is never exported');
}

/** The same functions; whatever is not said to be about keys of drills is refused for them, and the other way round. */
export function keepDrillsApart(handlers: Handlers<SessionFunctionName>): Handlers<SessionFunctionName> {
  const entries = Object.entries(handlers as Record<string, Handler<FunctionName>>);
  const guarded = entries.map(([name, handler]): [string, Handler<FunctionName>] => [
    name,
    async (call, parameters) => {
      assertApart(name as FunctionName, parameters);
      return handler(call, parameters);
    },
  ]);
  return Object.fromEntries(guarded) as unknown as Handlers<SessionFunctionName>;
}

function assertApart(name: FunctionName, parameters: object): void {
  const keyId = keyIn(parameters);
  if (keyId === null) return;
  const allowed = drillsOf(name);
  const isDrill = isDrillKeyId(keyId);
  demand(!isDrill || allowed !== null, 'KEY_IS_FOR_DRILLS', `a key of a drill is not for ${name}`);
  demand(isDrill || allowed !== 'only', 'NO_KEY_OF_A_DRILL', `this key is not one of a drill`);
}

/** The key that a function is called about; null: none, or one that is named deeper, where its room looks. */
function keyIn(parameters: object): Uint8Array | null {
  const { keyId, order } = parameters as {
    readonly keyId?: unknown;
    readonly order?: { readonly keyId?: unknown };
  };
  const found = keyId ?? order?.keyId;
  return found instanceof Uint8Array ? found : null;
}
