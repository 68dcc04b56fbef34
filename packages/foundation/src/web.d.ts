// The few globals that Node and every browser share; the rest of the DOM is not for this room.
declare class TextEncoder {
  encode(text: string): Uint8Array<ArrayBuffer>;
}
declare class TextDecoder {
  constructor(label?: string, options?: { fatal?: boolean; ignoreBOM?: boolean });
  decode(bytes: Uint8Array): string;
}
/** Of ES2024, which everything that has the other two knows. */
interface String {
  isWellFormed(): boolean;
}
