import { explanationsOf } from './explanation.js';

/** Codes of `ckm ssh-agent` and `ckm git-sign`. */
export const SSH_EXPLANATIONS = explanationsOf({
  AGENT_SOCKET_BUSY: [
    'Another agent answers at the socket, or something that is no socket lies there.',
    'Two agents at one place would answer for each other; a file there may be yours.',
    'Stop the other agent, or choose another path with --socket.',
  ],
  AGENT_SOCKET_UNUSABLE: [
    'The agent’s socket cannot be made.',
    'Programs find the agent by this path; a socket has at most 107 characters of it.',
    'Name a shorter path in a folder that exists with --socket.',
  ],
  AGENT_WITHOUT_KEYS: [
    'None of your keys was made for SSH.',
    'A key answers only to what it was made for, so that a login can never be mistaken for a payment.',
    'Make one: ckm key create NAME --for ssh, then put the line of ckm key show NAME --public into authorized_keys.',
  ],
  KEY_NOT_FOR_SSH: [
    'The key was made for something else than SSH.',
    'Its servers would refuse every login: what a key is for is certified when it is made.',
    'Name a key made for SSH, or make one: ckm key create NAME --for ssh.',
  ],
  SSH_KEY_UNKNOWN: [
    'None of your keys is the one git wants to sign with.',
    'Signing with another one would make commits that nobody can verify.',
    'Write the line of ckm key show NAME --public to a file and name it in git’s user.signingkey.',
  ],
  SSH_PUBLIC_KEY_INVALID: [
    'The file that names the key to sign with holds no ssh-ed25519 public key.',
    'git hands over whatever user.signingkey says: a public key file, a private one beside it, or key::ssh-ed25519 ….',
    'Write the line of ckm key show NAME --public to a file and name it in git’s user.signingkey.',
  ],
  SIGNING_CALL_INVALID: [
    'ckm git-sign was called otherwise than ssh-keygen -Y sign is.',
    'An option that is ignored could be one that somebody relies on.',
    'Set gpg.format to ssh and gpg.ssh.program to ckm-git-sign, and let git call it; or call it as the hint says.',
  ],
  PROGRAM_MISSING: [
    'Another program that does part of the work cannot be started.',
    'Verifying git signatures is left to ssh-keygen; ssh-agent starts the command you name.',
    'Install it (ssh-keygen is in openssh-client), or check the name.',
  ],
});
