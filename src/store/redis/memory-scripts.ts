import { newScript } from './script.js';

/** ARGV: device key, downlink id, text, ms to keep. */
export const putScript = newScript(`
remember(ARGV[1], ARGV[2], ARGV[3], ARGV[4])
return 1
`);

/** What was submitted to a device, oldest first. ARGV: device key. */
export const recallScript = newScript(`
local out = {}
for _, id in ipairs(call('ZRANGE', p .. 'submitted:order:' .. ARGV[1], 0, -1)) do
  local text = call('HGET', p .. 'submitted:' .. ARGV[1], id)
  if text then out[#out + 1] = text end
end
return out
`);

/** ARGV: device key, downlink id. */
export const removeScript = newScript(`
call('ZREM', p .. 'submitted:order:' .. ARGV[1], ARGV[2])
call('DEL', p .. 'early:' .. ARGV[2])
return call('HDEL', p .. 'submitted:' .. ARGV[1], ARGV[2])
`);

/**
 * Keeps a report that no record names, for the head of the device's list and the last of what was submitted. ARGV: device key, text, ms to keep, how many for a downlink,
 * then ids as they stand in records, in lower case. Gives the records with one of them; where there are any, nothing is kept.
 */
export const keepEarlyScript = newScript(`
local k, named = ARGV[1], {}
local kept, order = p .. 'submitted:' .. k, p .. 'submitted:order:' .. k
for _, id in ipairs(call('ZRANGE', order, 0, -1)) do
  local text = call('HGET', kept, id) or ''
  for index = 5, #ARGV do
    if string.find(string.lower(text), ARGV[index], 1, true) then
      named[#named + 1] = text
      break
    end
  end
end
if #named > 0 then return named end
local ids = call('ZREVRANGE', order, 0, 7)
local head = call('LINDEX', p .. 'list:' .. k, 0)
ids[#ids + 1] = head and call('HGET', p .. 'downlink:' .. head, 'id') or nil
for _, id in ipairs(ids) do
  local early = p .. 'early:' .. id
  call('LREM', early, 0, ARGV[2])
  call('RPUSH', early, ARGV[2])
  call('LTRIM', early, -ARGV[4], -1)
  call('PEXPIRE', early, ARGV[3])
end
return {}
`);

/** What is kept of reports, in order. ARGV: downlink id. */
export const earlyScript = newScript(`return call('LRANGE', p .. 'early:' .. ARGV[1], 0, -1)`);

/** ARGV: downlink id, texts. */
export const forgetEarlyScript = newScript(`
for index = 2, #ARGV do call('LREM', p .. 'early:' .. ARGV[1], 0, ARGV[index]) end
return 1
`);

/**
 * Adds steps to lives of downlinks; what a life has already changes nothing. A life is a hash: `n` counts its steps, each step is a field `STATE ATTEMPT` with its number before it.
 * ARGV: ms to keep; then for each id, connection, device, correlation id, network server (empty: not known), state and attempt, step.
 */
export const noteLifeScript = newScript(`
for index = 2, #ARGV, 7 do
  local key, step = p .. 'life:' .. ARGV[index], ARGV[index + 5]
  if call('HEXISTS', key, step) == 0 then
    local n = call('HINCRBY', key, 'n', 1)
    call('HSET', key, 'connectionId', ARGV[index + 1], 'deviceId', ARGV[index + 2], step, n .. ' ' .. ARGV[index + 6])
    if ARGV[index + 3] ~= '' then call('HSET', key, 'correlationId', ARGV[index + 3]) end
    if ARGV[index + 4] ~= '' then call('HSET', key, 'networkServerId', ARGV[index + 4]) end
    if n > 64 then
      local fields, oldest = call('HGETALL', key), '^' .. (n - 64) .. ' '
      for at = 1, #fields, 2 do
        if fields[at] ~= 'n' and string.match(fields[at], ' ') and string.match(fields[at + 1], oldest) then call('HDEL', key, fields[at]) end
      end
    end
    call('PEXPIRE', key, ARGV[1])
  end
end
return 1
`);

/** Writes things, one hash for each connection. ARGV: connection, device key and record for each. */
export const putThingsScript = newScript(`
for index = 1, #ARGV, 3 do
  call('SADD', p .. 'things', ARGV[index])
  call('HSET', p .. 'things:' .. ARGV[index], ARGV[index + 1], ARGV[index + 2])
end
return 1
`);

/** The things of a device in all connections. ARGV: device key. */
export const thingsOfScript = newScript(`
local out = {}
for _, conn in ipairs(call('SMEMBERS', p .. 'things')) do
  local text = call('HGET', p .. 'things:' .. conn, ARGV[1])
  if text then out[#out + 1] = text end
end
return out
`);

/** ARGV: connection. */
export const forgetThingsScript = newScript(`
call('SREM', p .. 'things', ARGV[1])
return call('UNLINK', p .. 'things:' .. ARGV[1])
`);
