import { explanationsOf } from './explanation.js';

/** What the system says about a file or a folder, an owner's or a server's. */
export const FILE_EXPLANATIONS = explanationsOf({
  FILES_TOO_MANY: [
    'The system lets the process open no more files.',
    'Each connection of a server and each file counts.',
    'Allow it more: ulimit -n, or LimitNOFILE in the unit file of a server.',
  ],
  FILE_FORBIDDEN: [
    'The system does not let this user use the file, or enter a folder in front of it.',
    'A file belongs to one user; what was made as root, say, stays shut for everybody else.',
    'Run the command as the user it belongs to, or look at each folder with ls -ld.',
  ],
  FILE_IN_THE_WAY: [
    'Something else lies where a file or a folder is to be.',
    'A folder lies in the place of a file, a file in the place of a folder, or links go round in a circle. Nothing that lies there is written over.',
    'Look what is there (ls -l), and move it out of the way.',
  ],
  FILE_NAME_TOO_LONG: [
    'The path of the file is longer than the system takes.',
    'File systems have limits, often 255 bytes for one name and 4,096 for a whole path.',
    'Choose a shorter path.',
  ],
  FILE_NO_ROOM: [
    'There is no room left for a file, on the disk or in what this user may take of it.',
    'What cannot be written down is not done.',
    'Free space on that disk, then do the same again.',
  ],
  FILE_PLACE_MISSING: [
    'The place of the file is not there.',
    'A folder in front of it is missing, a link leads nowhere, or it is a place where nothing can be made, such as /proc.',
    'Look where the path leads (ls -l), make the folder, or name another place.',
  ],
  FILE_READ_ONLY: [
    'The disk is mounted for reading only.',
    'Somebody mounted it so, or the system did when the disk began to fail.',
    'Look into the log of the system (dmesg), mount the disk for writing, or name another place.',
  ],
  FILE_UNUSABLE: [
    'The system refuses to work with a file, for the reason in brackets.',
    'EIO, say, is a disk that cannot be read or written any more.',
    'Look at the disk and into the log of the system (dmesg), and copy what matters while it can be read.',
  ],
  WORKING_FOLDER_GONE: [
    'The folder in which the command was run was removed.',
    'The shell stays in it all the same, but a name without a folder in front leads nowhere from there.',
    'Go to a folder that is there (cd), then do the same again.',
  ],
});
