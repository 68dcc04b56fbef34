export { CLI_CODES, type CliCode } from './codes.js';
export { fileStore } from './home/file-store.js';
export { runCli } from './main.js';
