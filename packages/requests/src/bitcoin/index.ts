import { forKeysMadeForIt } from '../fits.js';
import type { RequestKind } from '../kind.js';
import { showPsbt } from './signing/artefact.js';
import { completePsbt } from './ownership/complete.js';
import { bitcoinCost } from './psbt/cost.js';
import { describeBitcoin } from './words/describe.js';
import { BITCOIN_FACTS, bitcoinFacts } from './words/facts.js';
import { foreignSignatureWarnings } from './signing/finalize.js';
import { bitcoinDetails, bitcoinSpending } from './words/details.js';
import { finishBitcoin } from './signing/finish.js';
import { bitcoinForm } from './form.js';
import { bitcoinPublicForm } from './wallet/wallet.js';
import { BITCOIN_MAX_BYTES, parseBitcoin, type BitcoinRequest } from './psbt/parse.js';
import { bitcoinTasks } from './signing/tasks.js';
import { verifyBitcoin } from './signing/verify.js';

/*
 * The rooms here, each of which knows nothing of those after it: `script` (the bytes of scripts), `psbt` (what a PSBT says),
 * `transaction` (what is true of the transaction in it, whoever signs), `wallet` (the addresses of a key), `ownership` (which
 * parts are the key's), `signing` (what is signed, and whether a signature is right), `words` (what a person reads of it).
 */

/** Taproot key-path spends, as PSBTs. The artefact is the PSBT with the key's signatures in it. */
export const bitcoinKind: RequestKind<BitcoinRequest> = forKeysMadeForIt({
  name: 'bitcoin',
  alsoFor: [],
  suites: ['secp256k1-tr'],
  usesChildren: true,
  publicForm: bitcoinPublicForm,
  showArtefact: showPsbt,
  form: bitcoinForm,
  maxBytes: BITCOIN_MAX_BYTES,
  complete: completePsbt,
  factTypes: BITCOIN_FACTS,
  cost: bitcoinCost,
  parse: parseBitcoin,
  describe: describeBitcoin,
  doubts: foreignSignatureWarnings,
  tasks: bitcoinTasks,
  finish: finishBitcoin,
  verify: verifyBitcoin,
  details: bitcoinDetails,
  spends: bitcoinSpending,
  facts: bitcoinFacts,
});
