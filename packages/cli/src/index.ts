export { CLI_CODES, type CliCode } from './command-line/codes.js';
export { runCli } from './main.js';
