export { type PostgresCluster, postgresPrograms, startPostgres } from './postgres.js';
