export { type ChaosReport, runSchedule } from './schedule.js';
