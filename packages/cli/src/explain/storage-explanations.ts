import { explanationsOf } from './explanation.js';

/** Codes of what a server stores: the keys that all of it lies under, and its database. */
export const STORAGE_EXPLANATIONS = explanationsOf({
  KEY_FILE_MISSING: [
    'A file of the server is gone: its storage key or its identity.',
    'Without the storage key nothing in the database can be read; without its identity it is not the server that owners know.',
    'Bring the file back from a copy, or restore a backup into a new folder: ckm server restore BACKUP NEWFOLDER. A key file that lies elsewhere is named in CKM_STORAGE_KEY_FILE. A new server would know nobody.',
  ],
  KEY_FILE_EXISTS: [
    'There is already a storage key.',
    'Writing over it would lose everything that is sealed with it.',
    'Choose an empty data directory.',
  ],
  KEY_FILE_EXPOSED: [
    'Other users of the machine may read the storage key.',
    'Whoever has it and the database has the shares.',
    'Give the file mode 600; if somebody may have read it, make new keys.',
  ],
  KEY_FILE_DAMAGED: [
    'A key file of the server is damaged or is something else.',
    'Its form is exact, so that a changed byte is noticed.',
    'Bring it back from a copy, or restore a backup into a new folder: ckm server restore BACKUP NEWFOLDER.',
  ],
  STORAGE_KEY_WRONG: [
    'The storage key belongs to another database.',
    'Writing with it would leave rows that nobody can read together.',
    'Bring storage key and database of the same server together.',
  ],
  EPOCH_KEY_MISSING: [
    'The server does not find the key that seals its share of this key.',
    'Each share is sealed under a key of its own, a file beside the database, so that it can be destroyed for good.',
    'Bring the file back from the copy of epoch-keys, or name the folder that the replicas share: CKM_EPOCH_KEYS. If it is gone for good, the owner of the key has the other servers give the share back: ckm key repair NAME --server SERVER.',
  ],
  EPOCH_KEYS_NOT_SHARED: [
    'Replicas of one server use different folders of epoch keys, a folder and a copy of it perhaps.',
    'One replica would not find the keys that the other makes: what one server holds could not be used at each of them.',
    'Mount one folder at every replica, name it in CKM_EPOCH_KEYS, bring the files of all folders there, then start again.',
  ],
  EPOCH_KEYS_OF_OTHERS: [
    'The folder of epoch keys is marked by another database, or by a later state of the one of this server.',
    'Two databases that clear away in one folder destroy what the other still needs.',
    'Give this server a folder of its own in CKM_EPOCH_KEYS. If its database was put back to an earlier state, and nobody else uses the folder, remove the file mark in it and start again.',
  ],
  EPOCH_KEYS_UNUSABLE: [
    'The folder of epoch keys is not there, or others may enter it.',
    'In an empty folder made by accident every share would seem lost.',
    'Make the folder, mode 0700, or mount it, then start the server again.',
  ],
  KEY_WENT_BACK: [
    'The stored key is older than this server has seen it.',
    'Somebody put its row back, and with it what was allowed then.',
    'Find out who writes to the database, and restore a backup.',
  ],
  ROTATION_REPLICAS: [
    'Other processes of this server have the database open.',
    'They would go on sealing with the old storage key, which is destroyed at the end.',
    'Stop all replicas but one, change the key there, then give the others the new key file.',
  ],
  FILE_TAMPERED: [
    'A sealed file of the server was changed, exchanged or damaged, or the storage key is another one.',
    'It is sealed with its name, so that no other file passes for it.',
    'Find out who could write there. Bring storage.key and identity back from one copy, or restore a backup into a new folder. audit.head and database.json are in no backup: remove them, as the hint says, and the next start makes them anew.',
  ],
  ROW_TAMPERED: [
    'A row of the database was changed, moved or damaged.',
    'Every row is sealed together with its readable columns.',
    'Stop the server, restore a backup, and find out who could write to the database.',
  ],
  VAULT_WIPED: [
    'The server is stopping and has forgotten its storage key.',
    'What is in memory longer than needed can be read longer than needed.',
    'Start it again.',
  ],
  STORAGE_IN_USE: [
    'Another process holds the database.',
    'Two processes on one database could use a nonce twice.',
    'Stop the other one; ckm server status FOLDER says whether a server runs.',
  ],
  STORAGE_BUSY: ['The database is busy.', 'Nothing was written.', 'Try again in a moment.'],
  STORAGE_CLOSED: [
    'The database is closed already.',
    'The server is stopping.',
    'Try again when it has started.',
  ],
  STORAGE_CONSTRAINT: [
    'The database refused a row that breaks a rule of its table.',
    'The rules of the tables are the last line of defence.',
    'Report this: a row was not checked before it was stored.',
  ],
  STORAGE_CORRUPT: [
    'The database file is damaged, or was cut short.',
    'Going on could lose more. What was in it is said as far as it is known outside of it.',
    'Stop the server, keep the file, and restore the newest backup into a new folder: ckm server restore BACKUP NEWFOLDER. With no backup: ckm explain STORAGE_MISSING.',
  ],
  STORAGE_CANNOT_OPEN: [
    'The file of the database cannot be opened.',
    'Its owner, its folder, or the number of open files may be why.',
    'Look at all three on the machine of the server.',
  ],
  STORAGE_FILES_TOO_MANY: [
    'The system lets the server open no more files or connections.',
    'Without one it does not reach its database.',
    'Allow it more: ulimit -n, or LimitNOFILE in the unit file.',
  ],
  SQLITE_OF_NODE: [
    'The database of this server is opened with the SQLite of Node itself, because Node 22.13 cannot run the one that CKM brings.',
    'What is committed is on the disk as ever. But Node calls its SQLite experimental, and it is an older one than servers on a newer Node have.',
    'Install Node 24, or 22.14 at least, and start the server again: it goes on with the same database.',
  ],
  STORAGE_DRIVER_MISSING: [
    'SQLite, which comes in a package with a file for each kind of machine, does not load on this one.',
    'Packages that were installed on another kind of machine, or only half, hold none that fits.',
    'In a clone, run npm run setup; installed from npm, install it again on this machine. Or let the server use PostgreSQL.',
  ],
  STORAGE_FAILED: [
    'The database refused.',
    'What cannot be stored is not done.',
    'Look at the disk and at the log of the database.',
  ],
  STORAGE_FULL: [
    'The database has no room left.',
    'What cannot be stored is not done.',
    'Free disk space on the machine of the server.',
  ],
  STORAGE_MISSING: [
    'There is no database of this server where it was looked for, or nothing is in it.',
    'A server keeps its data in ckm.sqlite in its folder, or in the PostgreSQL database that CKM_DATABASE_URL names. The variable is often set only in the unit of the service, and not in your shell.',
    'Set the variable as it is there. If the database is really lost, restore the newest backup into a new folder: ckm server restore BACKUP NEWFOLDER. To begin again with nothing, remove database.json, audit.head and audit.last from the folder: all shares are then gone, but those that owners have restored where the server runs with "backup": "static" (ckm key restore).',
  ],
  STORAGE_OTHER: [
    'The database is not the one that this server keeps its data in.',
    'The file database.json in the folder of a server notes the kind of its database, and a random number that is in it too. On another one the server would know nobody, and a backup would be empty.',
    'Set CKM_DATABASE_URL as it is where the server runs, or unset it. To change the database: ckm server move FOLDER --to postgres, or sqlite.',
  ],
  STORAGE_MOVED: [
    'The data of this server were moved to another database.',
    'ckm server move closes the old place for good, in the moment in which it has compared every row: two of a server would be one that says two things.',
    'Start it on the database that is named: with CKM_DATABASE_URL for PostgreSQL, without it for the folder. Where that start is refused, do the move again: it finishes what is left. Then destroy what lies here.',
  ],
  STORAGE_MOVE_BEGUN: [
    'The database is a copy that ckm server move did not finish.',
    'Until the old place is closed the server runs there, and what it does there is not in the copy.',
    'Do the move again: it makes a new copy, or opens this one where the old place is closed already. To stay where the server was, just start it there.',
  ],
  STORAGE_TARGET_USED: [
    'The database that a server was to be moved to holds another one.',
    'A move puts nothing in the place of anything but an earlier copy of the same database, or the one it was moved from.',
    'Make an empty database and name it in CKM_DATABASE_URL. A ckm.sqlite in the folder that nobody needs any more is removed by hand.',
  ],
  STORAGE_COPY_DIFFERS: [
    'The copy of a database is not what it was made of.',
    'A move compares every row of both before it closes the old place; something wrote to one of them meanwhile, or a disk lied.',
    'The server is where it was. Stop whatever else uses either database, and do the move again.',
  ],
  STORAGE_POOLED: [
    'The database is reached through a pooler that hands sessions on after each transaction.',
    'Statements are prepared on one session and run on it; on a shared one they run elsewhere, or not at all.',
    'Point CKM_DATABASE_URL at PostgreSQL itself, or set pool_mode = session for this database.',
  ],
  STORAGE_READ_ONLY: [
    'The database takes nothing that is written.',
    'It is a standby that has not been promoted, somebody set it to read only, or the disk of its file is mounted for reading only.',
    'If you own keys there, tell its operator. If you run it, promote the standby, point CKM_DATABASE_URL at the primary, or look at the disk; the server goes on by itself.',
  ],
  STORAGE_SETTINGS_LOST: [
    'The database did not take over a setting that the server asked for.',
    'A commit is only durable because its session says so; a pooler in between may drop what it was told.',
    'Point CKM_DATABASE_URL at PostgreSQL itself, or give the database that is behind the pooler these settings.',
  ],
  STORAGE_SCHEMA_NEWER: [
    'The database was written by a newer version.',
    'An older one would not see all of what is stored.',
    'Run the newer version, or restore a backup.',
  ],
  STORAGE_SCHEMA_WRONG: [
    'The tables of the database are not as this version makes them.',
    'Somebody else changed them.',
    'Restore the database from a backup.',
  ],
  STORAGE_UNREACHABLE: [
    'The database cannot be reached.',
    'What cannot be stored is not done.',
    'If you own keys there, tell its operator. If you run it, check that PostgreSQL runs and that CKM_DATABASE_URL is right; the server goes on by itself.',
  ],
  ROW_EXISTS: [
    'There is already something of that name on the server.',
    'Names of sessions and requests are used once.',
    'Start again; a new id is chosen.',
  ],
  ROW_CHANGED: [
    'Somebody else changed the same thing at the same moment.',
    'One of two changes would have been lost.',
    'Try again.',
  ],
});
