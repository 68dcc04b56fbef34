import { forKeysMadeForIt } from '../fits.js';
import type { RequestKind } from '../kind.js';
import { showPsbt } from './artefact.js';
import { completePsbt } from './complete.js';
import { bitcoinCost } from './cost.js';
import { describeBitcoin } from './describe.js';
import { foreignSignatureWarnings } from './finalize.js';
import { bitcoinDetails, bitcoinSpending } from './details.js';
import { finishBitcoin } from './finish.js';
import { bitcoinForm } from './form.js';
import { bitcoinPublicForm } from './wallet.js';
import { BITCOIN_MAX_BYTES, parseBitcoin, type BitcoinRequest } from './parse.js';
import { bitcoinTasks } from './tasks.js';
import { verifyBitcoin } from './verify.js';

/** Taproot key-path spends, as PSBTs. The artefact is the PSBT with the key's signatures in it. */
export const bitcoinKind: RequestKind<BitcoinRequest> = forKeysMadeForIt({
  name: 'bitcoin',
  alsoFor: [],
  suites: ['secp256k1-tr'],
  publicForm: bitcoinPublicForm,
  showArtefact: showPsbt,
  form: bitcoinForm,
  maxBytes: BITCOIN_MAX_BYTES,
  complete: completePsbt,
  cost: bitcoinCost,
  parse: parseBitcoin,
  describe: describeBitcoin,
  doubts: foreignSignatureWarnings,
  tasks: bitcoinTasks,
  finish: finishBitcoin,
  verify: verifyBitcoin,
  details: bitcoinDetails,
  spends: bitcoinSpending,
});
