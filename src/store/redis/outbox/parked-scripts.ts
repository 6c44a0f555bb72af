import { newScript } from '../script.js';
import { newOutboxScript } from './script-parts.js';

/** Removes parked messages for good. ARGV 10 and on: their positions. Result: how many were there. */
export const discardScript = newOutboxScript(`
local removed = 0
for index = 10, #ARGV do removed = removed + unpark(ARGV[index]) end
return answer(removed)
`);

const fields = "'conn', 'at', 'device', 'ns', 'about', 'payload', 'reason', 'detail', 'since'";

/**
 * Looks through parked messages. ARGV: position after which to begin, most messages, most to look at, most bytes; then connection, network server, device, reason,
 * each '' for any or the value behind '='. Gives the last position looked at, 1 at the end, then the messages: position and fields.
 */
export const listParkedScript = newScript(`
local function fits(index, value) return ARGV[index] == '' or ARGV[index] == '=' .. (value or '') end
local numbers = call('ZRANGEBYSCORE', p .. 'parked', '(' .. ARGV[1], '+inf', 'LIMIT', 0, ARGV[3])
local out, bytes = {ARGV[1], #numbers < tonumber(ARGV[3]) and 1 or 0}, 0
for _, number in ipairs(numbers) do
  if #out - 2 >= tonumber(ARGV[2]) or bytes >= tonumber(ARGV[4]) then
    out[2] = 0
    break
  end
  out[1] = number
  local named = call('HMGET', p .. 'parked:' .. number, 'conn', 'ns', 'device', 'reason')
  if named[1] and fits(5, named[1]) and fits(6, named[2]) and fits(7, named[3]) and fits(8, named[4]) then
    local one = call('HMGET', p .. 'parked:' .. number, ${fields})
    bytes = bytes + #one[6]
    out[#out + 1] = {number, one}
  end
end
return out
`);

/** ARGV: positions. Gives for each that is parked its position and fields. */
export const readParkedScript = newScript(`
local out = {}
for _, number in ipairs(ARGV) do
  if call('ZSCORE', p .. 'parked', number) then out[#out + 1] = {number, call('HMGET', p .. 'parked:' .. number, ${fields})} end
end
return out
`);

/** ARGV: stream behind \`out:\`, positions. Gives the entries that are there. */
export const readSomeScript = newScript(`
local out = {}
for index = 2, #ARGV do out[#out + 1] = call('XRANGE', p .. 'out:' .. ARGV[1], ARGV[index], ARGV[index])[1] end
return out
`);
