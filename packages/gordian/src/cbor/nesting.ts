const ARRAY = 4;
const MAP = 5;
const TAG = 6;

/** Reads heads only, without recursion or allocation in proportion to what the heads claim. */
class HeadReader {
  at = 0;
  major = 0;
  argument = 0;
  private readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** Moves past one head and, for strings, past its content. False at the end or at a malformed head. */
  next(): boolean {
    const head = this.bytes[this.at++];
    if (head === undefined) return false;
    this.major = head >> 5;
    this.argument = head & 31;
    if (this.argument > 27) return false;
    if (this.argument > 23) {
      const width = 1 << (this.argument - 24);
      this.argument = 0;
      for (let i = 0; i < width; i++) this.argument = this.argument * 256 + (this.bytes[this.at++] ?? 0);
    }
    if (this.major === 2 || this.major === 3) this.at += this.argument;
    return this.at <= this.bytes.length;
  }

  /** How many items the head just read announces. */
  children(): number {
    if (this.major === ARRAY) return this.argument;
    if (this.major === MAP) return this.argument * 2;
    return this.major === TAG ? 1 : 0;
  }
}

/**
 * Whether `bytes` open more than `maxDepth` containers inside one another, or hold more than `maxItems` items, before
 * they end or go wrong. A recursive decoder is safe on whatever this finds fine: it reads the same heads in the same order.
 */
export function measureCbor(
  bytes: Uint8Array,
  maxDepth: number,
  maxItems = Number.POSITIVE_INFINITY,
): 'fine' | 'too deep' | 'too many' {
  const reader = new HeadReader(bytes);
  const awaited: number[] = [];
  let items = 0;
  do {
    if (!reader.next()) return 'fine';
    if (++items > maxItems) return 'too many';
    const children = reader.children();
    if (children > 0) {
      if (awaited.length === maxDepth) return 'too deep';
      awaited.push(children);
    } else {
      while (awaited.length > 0 && --awaited[awaited.length - 1]! === 0) awaited.pop();
    }
  } while (awaited.length > 0);
  return 'fine';
}

/** Whether `bytes` open more than `maxDepth` containers inside one another. */
export function nestsDeeperThan(bytes: Uint8Array, maxDepth: number): boolean {
  return measureCbor(bytes, maxDepth) === 'too deep';
}
