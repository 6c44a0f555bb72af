import { createHash } from 'node:crypto';
import type { ChainableCommander, Redis } from 'ioredis';
import type { RedisClient } from './redis-client.js';

/** A Lua script: what it changes, it changes in one step. */
export interface Script {
  readonly lua: string;
  readonly sha: string;
}

/**
 * Parts that several scripts use. `p` is the beginning of all keys (`{prefix}:`):
 * `list:K` and `box:K` sequence numbers of a device's downlinks, `downlink:N` one of them (hash), `busy:K` which one is being submitted and by whom,
 * `waiting:CONNECTION` and `validity` sorted by receipt and by end of validity, `line:CONNECTION|SERVER` devices in line for the rate,
 * `devices` those with a list, `notices` with `notices:at`, `submitted:K` with `submitted:order:K`, `early:ID` reports that came before the answer, `answer:K:REQUEST`,
 * `device:K` its record, `known` all device keys in order, `active` their latest messages, `life:ID`, `things` connections with `things:CONNECTION`;
 * `resources` with `resources:version`, `audit`, `events` with `events:SUBJECT`, `tokens` with `tokens:by-hash`.
 * Those of the slots and of the outbox stand in `slot-scripts.ts` and `outbox/script-parts.ts`.
 */
const prelude = `
local p = KEYS[1]
local call = redis.call
local function clock()
  local t = call('TIME')
  return t[1] * 1000 + t[2] / 1000
end
local function line(conn, ns) return p .. 'line:' .. conn .. '|' .. ns end
local function erase(seq, conn)
  call('DEL', p .. 'downlink:' .. seq)
  call('ZREM', p .. 'waiting:' .. conn, seq)
  call('ZREM', p .. 'validity', seq)
end
local function note(seq, id, state, cause, body, at)
  local key = id .. '-' .. seq .. '-' .. state
  local text = '{"key":"' .. key .. '","state":"' .. state .. '",' .. cause .. '"downlink":' .. body .. '}'
  call('HSET', p .. 'notices', key, text)
  call('ZADD', p .. 'notices:at', at, key)
  return text
end
local function waits(k)
  local held, out = string.match(call('GET', p .. 'busy:' .. k) or '', '^%d+'), {}
  for _, where in ipairs({p .. 'list:' .. k, p .. 'box:' .. k}) do
    for _, seq in ipairs(call('LRANGE', where, 0, -1)) do
      if seq ~= held then out[#out + 1] = {seq, where, call('HMGET', p .. 'downlink:' .. seq, 'id', 'conn', 'ns', 'body')} end
    end
  end
  return out
end
local function takeOut(k, gone, code, at, out)
  for _, one in ipairs(gone) do
    local seq, old = one[1], one[3]
    call('LREM', one[2], 1, seq)
    if old[4] then
      call('ZREM', line(old[2], old[3]), k)
      erase(seq, old[2])
      out[#out + 1] = note(seq, old[1], 'failed', '"cause":{"code":"' .. code .. '"},', old[4], at)
    end
  end
end
local function remember(k, id, text, ms)
  local order, kept = p .. 'submitted:order:' .. k, p .. 'submitted:' .. k
  if call('HEXISTS', kept, id) == 0 then call('ZADD', order, call('INCR', p .. 'sequence'), id) end
  call('HSET', kept, id, text)
  while call('ZCARD', order) > 64 do call('HDEL', kept, call('ZPOPMIN', order)[1]) end
  call('PEXPIRE', order, ms)
  call('PEXPIRE', kept, ms)
end
`;

export const newScript = (body: string): Script => {
  const lua = prelude + body;
  return { lua, sha: createHash('sha1').update(lua).digest('hex') };
};

/** Loads scripts, so that the first calls of several of them keep their order. */
export const loadScripts = async (client: Redis, scripts: readonly Script[]): Promise<void> => {
  await Promise.all(scripts.map(({ lua }) => client.script('LOAD', lua)));
};

export type Argument = string | number | Buffer;

/** Calls a script, with its text if Redis has forgotten it. */
export const callScript = async (client: RedisClient | ChainableCommander, { sha, lua }: Script, args: readonly [string, ...Argument[]]): Promise<unknown> => {
  try {
    return await client.evalsha(sha, 1, ...args);
  } catch (error) {
    if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
    return client.eval(lua, 1, ...args);
  }
};
