import type { Client, KeyRepair, RepairKeyArgs } from '@ckm/client';
import { CkmError } from '@ckm/foundation';

/** Has a share given back, also where the key can never be changed again after that. */
export async function repairAnyhow(client: Client, asked: RepairKeyArgs): Promise<KeyRepair> {
  try {
    return await client.repairKey(asked);
  } catch (error) {
    if (!(error instanceof CkmError) || error.code !== 'REPAIR_ENDS_CHANGES') throw error;
    const { ends } = await client.planRepair(asked);
    return client.repairKey(ends === null ? asked : { ...asked, endsChanges: ends });
  }
}
