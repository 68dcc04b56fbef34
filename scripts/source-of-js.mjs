// Lets Node run the tests by itself: a file of TypeScript that imports `./name.js` means what becomes that, `./name.ts`. What Node
// made of each file is kept for the next run, which reads all of them in half the time.
import { enableCompileCache, flushCompileCache, registerHooks } from 'node:module';
import { join } from 'node:path';

enableCompileCache(join(import.meta.dirname, '../.compile-cache'));
// A worker is told to end by a signal, at which Node would not keep it.
process.once('SIGTERM', () => {
  flushCompileCache();
  process.exit();
});

const FROM_SOURCE = /\.ts(\?|$)/;
const COMPILED = /^(\.{1,2}\/.*)\.js$/;

registerHooks({
  resolve(specifier, context, next) {
    if (!FROM_SOURCE.test(context.parentURL ?? '') || !COMPILED.test(specifier))
      return next(specifier, context);
    try {
      return next(specifier.replace(COMPILED, '$1.ts'), context);
    } catch (error) {
      if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
      return next(specifier, context);
    }
  },
});
