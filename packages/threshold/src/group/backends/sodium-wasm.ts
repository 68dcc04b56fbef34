import type { Group } from '../group.js';
import { EDWARDS_IDENTITY, isPlausibleEdwards, negateEdwards } from './edwards-encoding.js';
import { createEncodedGroup, type EncodedArithmetic } from './encoded.js';

type Call = (...pointers: number[]) => number;

/**
 * The compiled module itself. Its wrappers would allocate and copy on each call, and free without wiping; calling it
 * directly with one block of memory is faster and leaves no secret behind.
 */
interface Module {
  readonly HEAPU8: Uint8Array;
  readonly _malloc: Call;
  readonly [symbol: `_crypto_${string}`]: Call | undefined;
}

interface Symbols {
  readonly multiplyBase: Call;
  readonly multiply: Call;
  readonly add: Call;
  readonly subtract: Call;
  readonly isValid: Call;
}

const RISTRETTO_IDENTITY = new Uint8Array(32);

let library: Module | undefined;

/** Loads the library, once. A policy that forbids WebAssembly makes that fail; then {@link createWasmGroup} has nothing. */
export async function loadSodiumWasm(): Promise<void> {
  if (library !== undefined) return;
  const { default: sodium, ready } = await import('libsodium-wrappers-sumo');
  library = await ready.then(
    () => (sodium as unknown as { readonly libsodium?: Module }).libsodium,
    () => undefined,
  );
}

/** A group over libsodium compiled to WebAssembly; undefined where that cannot run, or was not loaded. */
export function createWasmGroup(name: 'ed25519' | 'ristretto255'): Group | undefined {
  const symbols = library === undefined ? undefined : symbolsOf(library, name);
  if (library === undefined || symbols === undefined) return undefined;
  const kind = { backend: 'libsodium-wasm', grade: 'wasm' } as const;
  if (name === 'ed25519') {
    const arithmetic = edwardsArithmetic(library, symbols);
    return createEncodedGroup({ name, ...kind, identity: EDWARDS_IDENTITY, arithmetic });
  }
  const fromHash = library._crypto_core_ristretto255_from_hash;
  if (fromHash === undefined) return undefined;
  const arithmetic = { ...ristrettoArithmetic(library, symbols), fromUniform: uniformMap(library, fromHash) };
  return createEncodedGroup({ name, ...kind, identity: RISTRETTO_IDENTITY, arithmetic });
}

function symbolsOf(module: Module, name: 'ed25519' | 'ristretto255'): Symbols | undefined {
  const suffix = name === 'ed25519' ? '_noclamp' : '';
  const multiplyBase = module[`_crypto_scalarmult_${name}_base${suffix}`];
  const multiply = module[`_crypto_scalarmult_${name}${suffix}`];
  const add = module[`_crypto_core_${name}_add`];
  const subtract = module[`_crypto_core_${name}_sub`];
  const isValid = module[`_crypto_core_${name}_is_valid_point`];
  if (!multiplyBase || !multiply || !add || !subtract || !isValid) return undefined;
  return { multiplyBase, multiply, add, subtract, isValid };
}

/** Three 32-byte slots in the module's memory: result, first operand, second operand. Wiped after each call. */
function createCaller(module: Module) {
  const out = module._malloc(96);
  return (operation: Call, a: Uint8Array, b?: Uint8Array): Uint8Array | undefined => {
    module.HEAPU8.set(a, out + 32);
    if (b !== undefined) module.HEAPU8.set(b, out + 64);
    const status = b === undefined ? operation(out, out + 32) : operation(out, out + 32, out + 64);
    // Read the memory again: it may have grown, which moves it.
    const result = status === 0 ? module.HEAPU8.slice(out, out + 32) : undefined;
    module.HEAPU8.fill(0, out, out + 96);
    return result;
  };
}

/** 32 bytes out of 64, wiped after each call. */
function uniformMap(module: Module, fromHash: Call): (bytes: Uint8Array) => Uint8Array {
  const out = module._malloc(96);
  return (bytes) => {
    module.HEAPU8.set(bytes, out + 32);
    fromHash(out, out + 32);
    const element = module.HEAPU8.slice(out, out + 32);
    module.HEAPU8.fill(0, out, out + 96);
    return element;
  };
}

function edwardsArithmetic(module: Module, symbols: Symbols): EncodedArithmetic {
  const call = createCaller(module);
  const slot = module._malloc(32);
  return {
    multiplyBase: (scalar) => call(symbols.multiplyBase, scalar)!,
    multiply: (scalar, element) => call(symbols.multiply, scalar, element),
    add: (a, b) => call(symbols.add, a, b),
    subtract: (a, b) => call(symbols.subtract, a, b),
    negate: negateEdwards,
    isValid(element) {
      module.HEAPU8.set(element, slot);
      return symbols.isValid(slot) === 1;
    },
    isPlausible: isPlausibleEdwards,
  };
}

/** libsodium takes the identity, 32 zeros, for a valid element of ristretto255; we do not. */
function ristrettoArithmetic(module: Module, symbols: Symbols): EncodedArithmetic {
  const arithmetic = edwardsArithmetic(module, symbols);
  const call = createCaller(module);
  const isValid = (element: Uint8Array): boolean =>
    element.some((byte) => byte !== 0) && arithmetic.isValid(element);
  return {
    ...arithmetic,
    negate: (element) => call(symbols.subtract, RISTRETTO_IDENTITY, element)!,
    isValid,
    isPlausible: isValid,
  };
}
