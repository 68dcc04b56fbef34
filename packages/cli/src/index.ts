export { fileStore } from './home/file-store.js';
export { runCli } from './main.js';
export { CLI_CODES, type CliCode } from './codes.js';
