import './refuse-old-node.js';

export * from './bytes.js';
export * from './errors.js';
export * from './file-error.js';
export * from './remedy.js';
export * from './secret.js';
export * from './text.js';
export { isThisMachine } from './this-machine.js';
export { VERSION } from './version.js';
