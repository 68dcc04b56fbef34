// Lets Node run the tests by itself: a file of TypeScript that imports `./name.js` means what becomes that, `./name.ts`.
import { registerHooks } from 'node:module';

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
