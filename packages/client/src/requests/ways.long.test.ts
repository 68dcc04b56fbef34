// @module-tag long
import { walkRequestWays } from '../test/request-walk.js';

walkRequestWays(['partly', 'cancelled', 'signed']);
