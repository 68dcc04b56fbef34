// Brings a fresh clone to a state that runs: a Node that is new enough, dependencies, compiled packages. Each step is skipped
// when nothing it depends on has changed. `--node LINE` brings a Node of that line, and does no more.
// Read by whichever Node the machine has: what an older one could not read is behind `import()`.
const OLDEST = 18;
const major = Number(process.versions.node.split('.')[0]);
if (major < OLDEST) {
  process.stderr.write(
    `setup: error: Node ${process.versions.node} is too old even to bring a newer one\n` +
      'setup: hint: install Node 22.13 or newer (24 is recommended), then try again\n' +
      'setup: code: NODE_TOO_OLD\n',
  );
  process.exit(69);
}
void import('./setup/steps.mjs').then(({ setUp }) => setUp(process.argv.slice(2)));
