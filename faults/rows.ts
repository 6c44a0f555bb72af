import type { Row } from './row.js';
import { closes } from './rows/closes.js';
import { contest } from './rows/contest.js';
import { kills } from './rows/kills.js';
import { outages } from './rows/outages.js';
import { policies } from './rows/policies.js';
import { reconnects } from './rows/reconnects.js';
import { stops } from './rows/stops.js';
import { throttling } from './rows/throttling.js';

/** Every fault, in the order in which they run. */
export const rows: readonly Row[] = [...kills, ...stops, ...outages, ...throttling, ...closes, ...policies, ...contest, ...reconnects];
