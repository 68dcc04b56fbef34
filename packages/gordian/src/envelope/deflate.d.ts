// The web's compression streams, which Node and every browser have, without the rest of the DOM's types in this room.
interface DeflateStream {
  readonly readable: {
    getReader(): {
      read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array }>;
      cancel(): Promise<void>;
    };
  };
  readonly writable: {
    getWriter(): { write(bytes: Uint8Array): Promise<void>; close(): Promise<void> };
  };
}

declare const CompressionStream: new (format: 'deflate-raw') => DeflateStream;
declare const DecompressionStream: new (format: 'deflate-raw') => DeflateStream;
