import { explanationsOf } from './explanation.js';

/** Codes that whoever makes or restores a backup meets. */
export const BACKUP_EXPLANATIONS = explanationsOf({
  BACKUP_NONE: [
    'The file is not a backup of a server.',
    'A backup begins with words of its own; this file begins with others, or is empty.',
    'Name the file that ckm server backup wrote.',
  ],
  BACKUP_UNREADABLE: [
    'The backup cannot be read.',
    'It is not there, or this user may not read it.',
    'Check the path and who owns the file.',
  ],
  BACKUP_CUT_SHORT: [
    'The backup ends before its end.',
    'A copy that broke off, or a disk that was full; half a server is not restored.',
    'Copy the file again from where it was made, or take an earlier backup. ckm server restore FILE FOLDER --preview checks it.',
  ],
  BACKUP_CHANGED: [
    'The backup is not what was written.',
    'Each part of it is bound to its place and to its beginning; one was changed, moved, or comes from another backup.',
    'Copy the file again from where it was made, or take an earlier backup.',
  ],
  BACKUP_OF_OTHER_VERSION: [
    'The backup was made by a version whose tables are others.',
    'Rows are restored as they were stored; this version would misread them.',
    'Restore it with the version that is named, then start the folder it makes with the present one.',
  ],
  BACKUP_EXISTS: [
    'The file that a backup is to be written to exists already.',
    'A backup never overwrites anything, least of all an earlier backup.',
    'Name another file, with the date in its name for example.',
  ],
  BACKUP_LEFT_OVER: [
    'The beginning of another backup lies where this one would be written.',
    'Either one is being made just now, or one was cut short and left it behind.',
    'If no backup is being made, remove that file, then make the backup again.',
  ],
  BACKUP_FOLDER_MISSING: [
    'The folder for the backup does not exist.',
    'A medium that is not mounted looks like this; a backup that fills the wrong disk would be worse.',
    'Mount the medium or make the folder, then make the backup again.',
  ],
  BACKUP_UNDER_WAY: [
    'Another backup of this server is being made.',
    'Two at once would take twice as much from everybody else.',
    'Wait until it is done.',
  ],
  BACKUP_KEY_CHANGING: [
    'The storage key is being changed.',
    'A backup holds one storage key, and part of the database is sealed under each of two.',
    'Make the backup when ckm server rotate-key is done; ckm server status FOLDER --json says isKeyChanging until then.',
  ],
  BACKUP_DATABASE_USED: [
    'The database to restore into is one of a server already.',
    'A restore never overwrites anything, and two servers in one database would be neither.',
    'Make an empty database, name it in CKM_DATABASE_URL, and restore again. One that a restore filled before it was cut short is taken with the same backup.',
  ],
  BACKUP_KEYS_USED: [
    'The folder of epoch keys that the restored server would use holds keys, or is marked by a server.',
    'A restore never overwrites anything; and two servers that use one folder destroy what the other still needs.',
    'Restore with an empty folder of its own: name it in CKM_EPOCH_KEYS, for the restore and for the start.',
  ],
  DRILL_OTHER_SERVER: [
    'The backup is one of another server.',
    'Its identity is compared with that of the server that runs in the folder.',
    'Name a backup of this server. ckm server restore FILE FOLDER --preview shows the likeness of the one that the file is of.',
  ],
  DRILL_NOT_WHOLE: [
    'A restore from the backup would not bring every share back.',
    'Each share in it was held against the public share that is certified for this server. What is older than a key, than its epoch, or was made without the keys of epochs, lacks some; one that is damaged has to be made again.',
    'Make another backup and drill with that one: ckm server backup FOLDER FILE, then ckm server drill FOLDER --backup FILE. Where a disk was lost meanwhile, the others give a share back: ckm key repair NAME --server SERVER.',
  ],
  BACKUP_FROM_LATER: [
    'The clock of this machine is behind the moment the backup was made.',
    'A clock that is behind brings expired things back to life.',
    'Correct the clock, then restore again.',
  ],
});
