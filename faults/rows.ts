import type { Row } from './row.js';
import { backlogs } from './rows/backlogs.js';
import { clocks } from './rows/clocks.js';
import { closes } from './rows/closes.js';
import { contest } from './rows/contest.js';
import { damagedStores } from './rows/damages.js';
import { disks } from './rows/disks.js';
import { hostiles } from './rows/hostile.js';
import { kills } from './rows/kills.js';
import { networkServers } from './rows/network-servers.js';
import { outages } from './rows/outages.js';
import { policies } from './rows/policies.js';
import { reconnects } from './rows/reconnects.js';
import { redisRows } from './rows/redis.js';
import { repeats } from './rows/repeats.js';
import { replicas } from './rows/replicas.js';
import { stalls } from './rows/stalls.js';
import { stops } from './rows/stops.js';
import { throttling } from './rows/throttling.js';

/** Every fault, in the order in which they run. */
export const rows: readonly Row[] = [...kills, ...stops, ...outages, ...throttling, ...closes, ...policies, ...contest, ...reconnects, ...replicas, ...networkServers, ...repeats, ...clocks, ...stalls, ...disks, ...damagedStores, ...backlogs, ...hostiles, ...redisRows('disk'), ...redisRows('redis')];
