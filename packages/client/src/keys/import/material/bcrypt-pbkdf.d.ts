declare module 'bcrypt-pbkdf' {
  const bcrypt: {
    /** Fills `key`. @returns 0, or -1 for lengths that it does not take */
    pbkdf(
      passphrase: Uint8Array,
      passphraseLength: number,
      salt: Uint8Array,
      saltLength: number,
      key: Uint8Array,
      keyLength: number,
      rounds: number,
    ): number;
  };
  export default bcrypt;
}
