import { newScript } from './script.js';

/** All resources at one moment. Gives the version, then `REVISION CREATED UPDATED DOCUMENT` of each. */
export const readResourcesScript = newScript(`
local out = call('HVALS', p .. 'resources')
table.insert(out, 1, call('GET', p .. 'resources:version') or '0')
return out
`);

/**
 * Changes resources if nobody else did since, with the audit entry. ARGV: version, now, audit entry, channel that is told, most audit entries;
 * then `put` or `remove`, field and document for each.
 * Gives nothing when the version is another one, else as `readResourcesScript`.
 */
export const writeResourcesScript = newScript(`
local at, kept = p .. 'resources:version', p .. 'resources'
if (call('GET', at) or '0') ~= ARGV[1] then return {} end
local version = call('INCR', at)
for index = 6, #ARGV, 3 do
  local field = ARGV[index + 1]
  if ARGV[index] == 'put' then
    local before = call('HGET', kept, field)
    local created = before and string.match(before, '^%d+ (%d+) ') or ARGV[2]
    call('HSET', kept, field, version .. ' ' .. created .. ' ' .. ARGV[2] .. ' ' .. ARGV[index + 2])
  else
    call('HDEL', kept, field)
  end
end
call('XADD', p .. 'audit', 'MAXLEN', '~', ARGV[5], '*', 'text', ARGV[3])
call('PUBLISH', ARGV[4], version)
local out = call('HVALS', kept)
table.insert(out, 1, tostring(version))
return out
`);

/**
 * Writes events to the log of their subject and to that of all, under the same id. ARGV: most of a subject, most of all, ms to keep a subject that is quiet;
 * then subject and text for each.
 */
export const noteEventsScript = newScript(`
for index = 4, #ARGV, 2 do
  local log = p .. 'events:' .. ARGV[index]
  local id = call('XADD', p .. 'events', 'MAXLEN', '~', ARGV[2], '*', 'text', ARGV[index + 1])
  local added = redis.pcall('XADD', log, 'MAXLEN', '~', ARGV[1], id, 'text', ARGV[index + 1])
  if type(added) == 'table' and added.err then call('XADD', log, 'MAXLEN', '~', ARGV[1], '*', 'text', ARGV[index + 1]) end
  call('PEXPIRE', log, ARGV[3])
end
return 1
`);

/** ARGV: id, hash, token. */
export const addTokenScript = newScript(`
local before = call('HGET', p .. 'tokens', ARGV[1])
if before then call('HDEL', p .. 'tokens:by-hash', cjson.decode(before).hash) end
call('HSET', p .. 'tokens', ARGV[1], ARGV[3])
return call('HSET', p .. 'tokens:by-hash', ARGV[2], ARGV[1])
`);

/** ARGV: hash. Gives the token. */
export const findTokenScript = newScript(`
local id = call('HGET', p .. 'tokens:by-hash', ARGV[1])
return id and call('HGET', p .. 'tokens', id)
`);

/** ARGV: id. Gives 1 where there was one. */
export const removeTokenScript = newScript(`
local before = call('HGET', p .. 'tokens', ARGV[1])
if not before then return 0 end
call('HDEL', p .. 'tokens:by-hash', cjson.decode(before).hash)
return call('HDEL', p .. 'tokens', ARGV[1])
`);
