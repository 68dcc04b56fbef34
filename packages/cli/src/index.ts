export { CLI_CODES, type CliCode } from './command-line/codes.js';
export { fileStore } from './home/file-store.js';
export { runCli } from './main.js';
