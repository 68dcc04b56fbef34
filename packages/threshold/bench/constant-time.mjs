// Does the time of an operation depend on a secret? Welch's t between the scalar 3, one fixed random scalar, and ever
// new random ones; bigint arithmetic beside it for scale. A busy machine moves t by tens; a leak by hundreds.
// Run after a build: node bench/constant-time.mjs
import { randomBytes } from 'node:crypto';
import { groupNamed } from '../dist/group/index.js';

const ROUNDS = 3000;

function sample(operation, classes, size) {
  const times = classes.map(() => []);
  for (let round = 0; round < ROUNDS; round++) {
    const chosen = randomBytes(1)[0] % classes.length;
    const inputs = classes[chosen];
    const start = process.hrtime.bigint();
    for (let i = 0; i < size; i++) operation(inputs[i]);
    times[chosen].push(Number(process.hrtime.bigint() - start) / size);
  }
  // Without warm-up, and without the slow half, which is the operating system's.
  return times.map((list) => {
    const kept = list.slice(list.length / 5).sort((a, b) => a - b);
    return kept.slice(0, kept.length >> 1);
  });
}

function moments(list) {
  const mean = list.reduce((sum, value) => sum + value, 0) / list.length;
  const variance = list.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (list.length - 1);
  return { mean, error: variance / list.length };
}

for (const name of ['ed25519', 'secp256k1', 'P-256']) {
  const group = groupNamed(name);
  const { scalars } = group;
  const random = () => scalars.parseSecret(scalars.reduce(randomBytes(64)));
  const other = random();
  const fixed = random();
  const point = group.mulBase(random());
  const repeat = (make) => Array.from({ length: 64 }, make);
  const classes = [
    repeat(() => scalars.parseSecret(scalars.fromInteger(3))),
    repeat(() => scalars.parseSecret(fixed)),
    repeat(random),
  ];
  const operations = {
    add: (secret) => scalars.add(secret, other),
    subtract: (secret) => scalars.subtract(secret, other),
    multiply: (secret) => scalars.multiply(secret, other),
    mulBase: (secret) => group.mulBase(secret),
    mulSecret: (secret) => group.mulSecret(point, secret),
    bigint: (secret) => (scalars.toInteger(secret) * scalars.toInteger(other)) % scalars.order,
  };
  for (const [label, operation] of Object.entries(operations)) {
    const size = label.startsWith('mul') && label !== 'multiply' ? 1 : 64;
    const [small, same, fresh] = sample(operation, classes, size).map(moments);
    const against = ({ mean, error }) =>
      ((mean - fresh.mean) / Math.sqrt(error + fresh.error)).toFixed(1).padStart(8);
    console.log(
      `${name} ${label}`.padEnd(24),
      `${fresh.mean.toFixed(0).padStart(8)} ns`,
      `  t of 3: ${against(small)}   t of a fixed one: ${against(same)}`,
    );
  }
}
