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
return call('HDEL', p .. 'submitted:' .. ARGV[1], ARGV[2])
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
