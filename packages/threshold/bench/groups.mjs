// Microseconds per operation of every backend, beside noble's. Run after a build: node bench/groups.mjs [milliseconds per figure]
import { randomBytes } from 'node:crypto';
import { createNativeSecp256k1 } from '../dist/group/backends/libsecp256k1.js';
import { createNobleGroup } from '../dist/group/backends/noble.js';
import { createOpensslP256 } from '../dist/group/backends/node-openssl-p256.js';
import { createNativeEd25519 } from '../dist/group/backends/sodium-native.js';
import { createWasmGroup } from '../dist/group/backends/sodium-wasm.js';
import { hash, taggedHash } from '../dist/hash/index.js';
import { proveEqualLogs, proveKnowledge, verifyEqualLogs, verifyKnowledge } from '../dist/proofs/index.js';
import {
  evaluatePolynomial,
  feldmanCommit,
  feldmanEvaluate,
  feldmanEvaluateAll,
  lagrangeAtZero,
} from '../dist/sharing/index.js';

const budget = Number(process.argv[2] ?? 60);

/** Median of batches, in microseconds. */
function microseconds(operation) {
  operation();
  const samples = [];
  const end = performance.now() + budget;
  let batch = 1;
  do {
    const start = performance.now();
    for (let i = 0; i < batch; i++) operation();
    const took = performance.now() - start;
    samples.push((took * 1000) / batch);
    if (took < budget / 20) batch *= 2;
  } while (performance.now() < end);
  return samples.sort((a, b) => a - b)[samples.length >> 1];
}

function operationsOf(group) {
  const { scalars } = group;
  const secret = scalars.reduceSecret(randomBytes(64));
  const other = scalars.reduceSecret(randomBytes(64));
  const factor = scalars.publish(other, 'bench');
  const points = Array.from({ length: 10 }, () => group.mulBase(scalars.reduceSecret(randomBytes(64))));
  const factors = points.map(() => scalars.reduce(randomBytes(64)));
  const [p, q] = points;
  const encoded = group.encode(p);
  const encodings = points.map((point) => group.encode(point));
  const polynomial = Array.from({ length: 7 }, () => scalars.reduceSecret(randomBytes(64)));
  const commitment = feldmanCommit(group, polynomial);
  const ten = Array.from({ length: 10 }, (_, i) => i + 1);
  const fresh = randomBytes(32);
  const knowledge = { context: fresh, prover: 3, publicElement: group.mulBase(secret) };
  const equal = {
    context: fresh,
    publicElement: knowledge.publicElement,
    pairs: [{ input: q, output: group.mulSecret(q, secret) }],
  };
  const proof = proveKnowledge(group, knowledge, secret, fresh);
  const equalProof = proveEqualLogs(group, equal, secret, fresh);
  return {
    decode: () => group.decode(encoded),
    'encode a sum': () => group.encode(group.add(p, q)),
    add: () => group.add(p, q),
    'sum of 10': () => group.sum(points),
    'decodeAndSum of 10': () => group.decodeAndSum(encodings),
    decodeAndMul: () => group.decodeAndMul(encoded, factor),
    mulBase: () => group.mulBase(secret),
    mulSecret: () => group.mulSecret(p, secret),
    mulPublic: () => group.mulPublic(p, factor),
    'mulSmall 7': () => group.mulSmall(p, 7),
    'mulSmall 31': () => group.mulSmall(p, 31),
    'mulSmall 65535': () => group.mulSmall(p, 65535),
    'msm of 10': () => group.msm(points, factors),
    'scalar multiply': () => scalars.multiply(secret, other),
    'scalar add': () => scalars.add(secret, other),
    'scalar invert': () => scalars.invert(factor),
    'reduce 64 bytes': () => scalars.reduce(proof.length === 64 ? proof : proof.subarray(0, 64)),
    'share of 7 coefficients': () => evaluatePolynomial(group, polynomial, 9),
    'lagrange, 7 parties': () => lagrangeAtZero(group, ten.slice(3), 5),
    'verifying share, 7 coefficients': () => feldmanEvaluate(group, commitment, 9),
    '10 verifying shares': () => feldmanEvaluateAll(group, commitment, ten),
    'prove knowledge': () => proveKnowledge(group, knowledge, secret, fresh),
    'verify knowledge': () => verifyKnowledge(group, knowledge, proof),
    'prove equal logs': () => proveEqualLogs(group, equal, secret, fresh),
    'verify equal logs': () => verifyEqualLogs(group, equal, equalProof),
  };
}

const backends = {
  ed25519: [createNativeEd25519(), createWasmGroup('ed25519')],
  ristretto255: [createWasmGroup('ristretto255')],
  secp256k1: [createNativeSecp256k1()],
  'P-256': [createOpensslP256()],
};

for (const [name, candidates] of Object.entries(backends)) {
  const groups = [createNobleGroup(name), ...candidates.filter((group) => group !== undefined)];
  const tables = groups.map(operationsOf);
  console.log(`\n${name}`.padEnd(34), ...groups.map(({ backend }) => backend.padStart(16)), '  times noble');
  for (const operation of Object.keys(tables[0])) {
    const figures = tables.map((table) => microseconds(table[operation]));
    const ratio = figures[0] / figures[1];
    console.log(
      operation.padEnd(33),
      ...figures.map((figure) => figure.toFixed(1).padStart(16)),
      ratio.toFixed(1).padStart(10),
    );
  }
}

const message = randomBytes(200);
console.log(
  '\nhash of 200 bytes: sha256',
  microseconds(() => hash('sha256', message)).toFixed(1),
  'sha512',
  microseconds(() => hash('sha512', message)).toFixed(1),
  'tagged, 4 items',
  microseconds(() => taggedHash('CKM/schnorr/nonce/v1', message, message, message, message)).toFixed(1),
);
