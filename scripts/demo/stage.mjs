// What the demo prints: numbered acts, the words of the programs themselves, and how long each act took.
const started = performance.now();
const bold =
  process.stdout.isTTY && !process.env.NO_COLOR ? (text) => `\u001b[1m${text}\u001b[0m` : (text) => text;

let acts = 0;

/** Runs one act and says how long it took. */
export async function act(title, play) {
  const begun = performance.now();
  process.stdout.write(`\n${bold(`${++acts}. ${title}`)}\n`);
  const result = await play();
  process.stdout.write(`   (${seconds(performance.now() - begun)})\n`);
  return result;
}

/** One line, or several, indented. */
export function tell(text) {
  for (const line of text.trimEnd().split('\n')) process.stdout.write(`   ${line}\n`);
}

export function seconds(ms) {
  return `${(ms / 1000).toFixed(1)} s`;
}

export function elapsed() {
  return seconds(performance.now() - started);
}

export function heading(text) {
  process.stdout.write(`\n${bold(text)}\n`);
}
