export { roastReceive, roastWanting, startRoast } from './receive.js';
export type {
  NoncePair,
  RoastAction,
  RoastAnswer,
  RoastAttempt,
  RoastEvent,
  RoastFaultCode,
  RoastMember,
  RoastMemberStatus,
  RoastState,
  RoastStep,
  RoastTask,
} from './state.js';
