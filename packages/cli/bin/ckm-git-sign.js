#!/usr/bin/env node
// git calls its signing program by one name, without words of its own in front.
process.argv.splice(2, 0, 'git-sign');
await import('./ckm.js');
