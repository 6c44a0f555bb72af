import type { FlowConfig } from '../config/flow.js';
import type { Flow } from '../flows/match.js';

/** A paused flow takes nothing, but it is there: pausing the only flow must not send everything to the only connection. */
export const flowOf = ({ active, networkServers, matchers, connections, uplinkTimeValidity }: FlowConfig): Flow => ({
  matchers,
  connections: active ? connections : [],
  ...(networkServers === undefined ? {} : { networkServers }),
  ...(uplinkTimeValidity === undefined ? {} : { validityMs: uplinkTimeValidity }),
});
