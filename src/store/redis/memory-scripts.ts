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

/** Writes device records that differ from what is there. ARGV: key and record for each. */
export const heardScript = newScript(`
for index = 1, #ARGV, 2 do
  local key = p .. 'device:' .. ARGV[index]
  if call('GET', key) ~= ARGV[index + 1] then call('SET', key, ARGV[index + 1]) end
end
return 1
`);
