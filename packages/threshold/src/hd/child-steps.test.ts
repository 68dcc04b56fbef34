import { createHash } from 'node:crypto';
import { decodeHex, encodeHex, encodeUtf8 } from '@ckm/foundation';
import { sha256 } from '@noble/hashes/sha2.js';
import { createBase58check } from '@scure/base';
import { describe, expect, test } from 'vitest';
import { groupNamed } from '../group/index.js';
import { dealKey } from '../protocols/frost/fixtures/dealer.js';
import { packageOf } from './fixtures/package.js';
import { deriveKey, encodeExtendedPublicKey, parsePath, type Tweak } from './index.js';

const at = (path: string): Tweak => ({ path: parsePath(path), taproot: null });

describe('BIP-32 public derivation', () => {
  const base58 = createBase58check(sha256);
  const open = (text: string) => {
    const bytes = base58.decode(text);
    return { chainCode: bytes.slice(13, 45), key: bytes.slice(45) };
  };
  /** Source: BIP-32, test vectors 1 and 2: each pair of xpubs with only unhardened steps between. */
  const PAIRS: [name: string, parent: string, path: string, child: string][] = [
    [
      "1: m/0' to /1",
      'xpub68Gmy5EdvgibQVfPdqkBBCHxA5htiqg55crXYuXoQRKfDBFA1WEjWgP6LHhwBZeNK1VTsfTFUHCdrfp1bgwQ9xv5ski8PX9rL2dZXvgGDnw',
      'm/1',
      'xpub6ASuArnXKPbfEwhqN6e3mwBcDTgzisQN1wXN9BJcM47sSikHjJf3UFHKkNAWbWMiGj7Wf5uMash7SyYq527Hqck2AxYysAA7xmALppuCkwQ',
    ],
    [
      "1: m/0'/1/2' to /2",
      'xpub6D4BDPcP2GT577Vvch3R8wDkScZWzQzMMUm3PWbmWvVJrZwQY4VUNgqFJPMM3No2dFDFGTsxxpG5uJh7n7epu4trkrX7x7DogT5Uv6fcLW5',
      'm/2',
      'xpub6FHa3pjLCk84BayeJxFW2SP4XRrFd1JYnxeLeU8EqN3vDfZmbqBqaGJAyiLjTAwm6ZLRQUMv1ZACTj37sR62cfN7fe5JnJ7dh8zL4fiyLHV',
    ],
    [
      "1: m/0'/1/2' to /2/1000000000",
      'xpub6D4BDPcP2GT577Vvch3R8wDkScZWzQzMMUm3PWbmWvVJrZwQY4VUNgqFJPMM3No2dFDFGTsxxpG5uJh7n7epu4trkrX7x7DogT5Uv6fcLW5',
      'm/2/1000000000',
      'xpub6H1LXWLaKsWFhvm6RVpEL9P4KfRZSW7abD2ttkWP3SSQvnyA8FSVqNTEcYFgJS2UaFcxupHiYkro49S8yGasTvXEYBVPamhGW6cFJodrTHy',
    ],
    [
      '2: m to /0',
      'xpub661MyMwAqRbcFW31YEwpkMuc5THy2PSt5bDMsktWQcFF8syAmRUapSCGu8ED9W6oDMSgv6Zz8idoc4a6mr8BDzTJY47LJhkJ8UB7WEGuduB',
      'm/0',
      'xpub69H7F5d8KSRgmmdJg2KhpAK8SR3DjMwAdkxj3ZuxV27CprR9LgpeyGmXUbC6wb7ERfvrnKZjXoUmmDznezpbZb7ap6r1D3tgFxHmwMkQTPH',
    ],
    [
      "2: m/0/2147483647' to /1",
      'xpub6ASAVgeehLbnwdqV6UKMHVzgqAG8Gr6riv3Fxxpj8ksbH9ebxaEyBLZ85ySDhKiLDBrQSARLq1uNRts8RuJiHjaDMBU4Zn9h8LZNnBC5y4a',
      'm/1',
      'xpub6DF8uhdarytz3FWdA8TvFSvvAh8dP3283MY7p2V4SeE2wyWmG5mg5EwVvmdMVCQcoNJxGoWaU9DCWh89LojfZ537wTfunKau47EL2dhHKon',
    ],
    [
      "2: m/0/2147483647'/1/2147483646' to /2",
      'xpub6ERApfZwUNrhLCkDtcHTcxd75RbzS1ed54G1LkBUHQVHQKqhMkhgbmJbZRkrgZw4koxb5JaHWkY4ALHY2grBGRjaDMzQLcgJvLJuZZvRcEL',
      'm/2',
      'xpub6FnCn6nSzZAw5Tw7cgR9bi15UV96gLZhjDstkXXxvCLsUXBGXPdSnLFbdpq8p9HmGsApME5hQTZ3emM2rnY5agb9rXpVGyy3bdW6EEgAtqt',
    ],
  ];

  test.each(PAIRS)('test vector %s', (_, parent, path, child) => {
    const { chainCode, key } = open(parent);
    const expected = open(child);
    const derived = deriveKey(packageOf('secp256k1', key, chainCode), at(path));
    expect(encodeHex(derived.groupKey)).toBe(encodeHex(expected.key));
    expect(encodeHex(derived.chainCode)).toBe(encodeHex(expected.chainCode));
    const taproot = deriveKey(packageOf('secp256k1-tr', key, chainCode), at(path));
    expect(encodeHex(taproot.groupKey)).toBe(`02${encodeHex(expected.key.subarray(1))}`);
    expect(encodeHex(taproot.chainCode)).toBe(encodeHex(expected.chainCode));
  });

  test('an extended public key is the master xpub or tpub of key and chain code', () => {
    const master = PAIRS[3]![1];
    const { chainCode, key } = open(master);
    for (const suite of ['secp256k1', 'secp256k1-tr'] as const) {
      expect(base58.encode(encodeExtendedPublicKey(packageOf(suite, key, chainCode), 'mainnet'))).toBe(
        master,
      );
      expect(base58.encode(encodeExtendedPublicKey(packageOf(suite, key, chainCode), 'testnet'))).toMatch(
        /^tpub/,
      );
    }
    const other = () =>
      encodeExtendedPublicKey(dealKey({ suite: 'ed25519', needed: 2, of: 3 }).public, 'mainnet');
    expect(other).toThrow(expect.objectContaining({ code: 'EXTENDED_KEY_UNSUPPORTED' }));
  });
});

describe('P-256 public derivation', () => {
  /** Source: SLIP-0010, test vector 1 for nist256p1, and "Test derivation retry for nist256p1" */
  test.each([
    [
      "m/0' to /1",
      '0384610f5ecffe8fda089363a41f56a5c7ffc1d81b59a612d0d649b2d22355590c',
      '3460cea53e6a6bb5fb391eeef3237ffd8724bf0a40e94943c98b83825342ee11',
      'm/1',
      '03526c63f8d0b4bbbf9c80df553fe66742df4676b241dabefdef67733e070f6844',
      '4187afff1aafa8445010097fb99d23aee9f599450c7bd140b6826ac22ba21d0c',
    ],
    [
      "m/0'/1/2' to /2/1000000000",
      '0359cf160040778a4b14c5f4d7b76e327ccc8c4a6086dd9451b7482b5a4972dda0',
      '98c7514f562e64e74170cc3cf304ee1ce54d6b6da4f880f313e8204c2a185318',
      'm/2/1000000000',
      '02216cd26d31147f72427a453c443ed2cde8a1e53c9cc44e5ddf739725413fe3f4',
      'b9b7b82d326bb9cb5b5b121066feea4eb93d5241103c9e7a18aad40f1dde8059',
    ],
    [
      "m/28578' to /33941, whose first try is no scalar",
      '02519b5554a4872e8c9c1c847115363051ec43e93400e030ba3c36b52a3e70a5b7',
      'e94c8ebe30c2250a14713212f6449b20f3329105ea15b652ca5bdfc68f6c65c2',
      'm/33941',
      '0235bfee614c0d5b2cae260000bb1d0d84b270099ad790022c1ae0b2e782efe120',
      '9e87fe95031f14736774cd82f25fd885065cb7c358c1edf813c72af535e83071',
    ],
  ])('SLIP-10 %s', (_, key, chainCode, path, childKey, childChainCode) => {
    const derived = deriveKey(packageOf('P-256', decodeHex(key), decodeHex(chainCode)), at(path));
    expect(encodeHex(derived.groupKey)).toBe(childKey);
    expect(encodeHex(derived.chainCode)).toBe(childChainCode);
  });
});

describe('ed25519 derivation', () => {
  const group = groupNamed('ed25519');
  const chainCode = new Uint8Array(32).fill(1);
  const groupKey = group.encode(group.generator);

  test('adds SHA-512 of tag, chain code, key and index, each with its length, modulo the order', () => {
    const hash = createHash('sha512');
    const index = Uint8Array.of(0x7f, 0xff, 0xff, 0xfe);
    for (const item of [encodeUtf8('CKM-ed25519-hd/v1'), chainCode, groupKey, index]) {
      hash.update(Uint8Array.of(0, 0, 0, item.length)).update(item);
    }
    const derived = deriveKey(packageOf('ed25519', groupKey, chainCode), at('m/2147483646'));
    expect(encodeHex(derived.offset)).toBe(encodeHex(group.scalars.reduce(Uint8Array.from(hash.digest()))));
    const sum = group.add(group.generator, group.mulBasePublic(derived.offset));
    expect(encodeHex(derived.groupKey)).toBe(encodeHex(group.encode(sum)));
  });

  test('a derived child has the bytes that were frozen', () => {
    const derived = deriveKey(packageOf('ed25519', groupKey, chainCode), at('m/0/5'));
    expect([encodeHex(derived.groupKey), encodeHex(derived.chainCode)]).toEqual([
      'f0202da34b6ed0f73378a59887dfff1cc811719d5b440a52d30ac42888a58e0b',
      '4818c24a47e80e4025e709b02ff150c9d05ff24ff138c813a0153065aaccc728',
    ]);
  });
});
