import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { hasProgram } from '../programs.js';

/** Where `scripts/judges/install.sh` put what no package of the system has; absent: they are looked for in PATH. */
const FOLDER = process.env['CKM_JUDGES'];

/** A Bitcoin node. */
export const BTCD = FOLDER === undefined ? 'btcd' : join(FOLDER, 'bin', 'btcd');
/** A Python that has what {@link hasPython} is asked for. */
export const PYTHON = FOLDER === undefined ? 'python3' : join(FOLDER, 'venv', 'bin', 'python');

/** Whether a node of Bitcoin can be started. */
export function hasBtcd(): boolean {
  return hasProgram(BTCD, '--version');
}

/** Whether Python finds all of these modules; none of them is loaded for it. */
export function hasPython(...modules: readonly string[]): boolean {
  const find = `import importlib.util as util, sys; sys.exit(not all(map(util.find_spec, sys.argv[1:])))`;
  return spawnSync(PYTHON, ['-c', find, ...modules], { stdio: 'ignore' }).status === 0;
}
