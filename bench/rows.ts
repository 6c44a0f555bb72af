import { at1000 } from './rows/at-1000.js';
import { backlog } from './rows/backlog.js';
import { bodies, connectionCounts, duplicates, jsonPath } from './rows/bodies.js';
import { deviceCounts, oneDevice } from './rows/devices.js';
import { downlinks } from './rows/downlinks.js';
import { headline } from './rows/headline.js';
import { quotas } from './rows/quota.js';
import { rates } from './rows/rates.js';
import { redisStore } from './rows/redis.js';
import { starts } from './rows/starts.js';
import { workers } from './rows/workers.js';
import type { Row } from './row.js';

/** Everything that is measured, in the order of the page. */
export const rows: readonly Row[] = [headline, rates, at1000, redisStore, workers, ...bodies, oneDevice, deviceCounts, connectionCounts, jsonPath, duplicates, backlog, ...downlinks, starts, ...quotas];
