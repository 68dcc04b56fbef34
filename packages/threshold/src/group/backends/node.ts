import { backends } from './node-lazy.js';

await backends.prepare();

/** For Node: native libraries where their prebuilt addon loads, else what a browser would use. */
export { backends };
