import type { Redis } from 'ioredis';
import { callScript, newScript } from './script.js';

/**
 * Every command that the bridge, its scripts and BullMQ send, as the rules of an ACL name them. Redis asks for the right to a command inside of a script too.
 * `docs/redis.md` has the whole rule.
 */
export const neededCommands: readonly string[] = [
  'bzpopmin', 'client|setname', 'cluster|info', 'cluster|slots', 'decrby', 'del', 'eval', 'evalsha', 'exists', 'get', 'hdel', 'hexists', 'hget',
  'hgetall', 'hincrby', 'hkeys', 'hlen', 'hmget', 'hmset', 'hset', 'hvals', 'incr', 'incrby', 'info', 'lindex', 'llen', 'lpop', 'lpos', 'lpush',
  'lrange', 'lrem', 'ltrim', 'mget', 'persist', 'pexpire', 'pttl', 'publish', 'rpoplpush', 'rpush', 'sadd', 'scard', 'script|load', 'select', 'set',
  'sismember', 'smembers', 'srem', 'sscan', 'subscribe', 'time', 'unlink', 'xadd', 'xdel', 'xlen', 'xrange', 'xrevrange', 'xtrim', 'zadd', 'zcard',
  'zcount', 'zpopmin', 'zrange', 'zrangebylex', 'zrangebyscore', 'zrank', 'zrem', 'zremrangebyrank', 'zremrangebyscore', 'zrevrange',
  'zrevrangebyscore', 'zscore',
];

/**
 * ARGV: names of commands. Gives the rules that the user lacks; nothing on a Redis that cannot tell (before 7.0).
 * A command that this Redis does not know is none that it can refuse. Each is asked about with as many arguments as any of them takes, all of them keys and channels of
 * ours: Redis 7.0 crashes when it looks for a key where there is no argument. A refused channel cannot be told from a refused command, so both are named.
 */
const rightsScript = newScript(`
if not redis.acl_check_cmd then return {} end
local missing, own = {}, p .. 'alive'
local function allowed(name)
  local words = {}
  for word in string.gmatch(name, '[^|]+') do words[#words + 1] = word end
  for _ = 1, 8 do words[#words + 1] = own end
  local known, answer = pcall(redis.acl_check_cmd, unpack(words))
  return not known or answer
end
for _, name in ipairs(ARGV) do
  if not allowed(name) then
    missing[#missing + 1] = '+' .. name
    if name == 'publish' or name == 'subscribe' then missing[#missing + 1] = '&' .. p .. '*' end
  end
end
return missing
`);

/** What of the list matters to a connection: a single server is not asked for its cluster, and the first database need not be chosen. */
const askedOf = ({ options: { db } }: Redis, isCluster: boolean): readonly string[] =>
  neededCommands.filter((command) => (isCluster || !command.startsWith('cluster|')) && (command !== 'select' || (db ?? 0) !== 0));

/** What the ACL of the user lacks, as one text; `undefined` when nothing. @throws when the rights cannot be asked for */
export const missingRights = async (server: Redis, tag: string, isCluster: boolean): Promise<string | undefined> => {
  const missing = (await callScript(server, rightsScript, [`${tag}:`, ...askedOf(server, isCluster)])) as readonly string[];
  return missing.length === 0 ? undefined : `the user of Redis lacks ${[...new Set(missing)].join(' ')}`;
};
