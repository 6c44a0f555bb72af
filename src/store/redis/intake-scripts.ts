import { newScript } from './script.js';

/**
 * Adds a downlink unless its id is remembered or its connection is full; a flush takes out what waits for the device.
 * ARGV: device key, id, connection, network server, body, `list` or `box`, window ms, capacity, receivedAt, validUntil, flush (0|1), now.
 * Gives: `stored`, `duplicate` or `full`; 1 when the device's wake-up is delayed for a head that is no longer there; then the notices.
 */
export const addScript = newScript(`
local k, id, conn, ns, body, place = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local seen, list = p .. 'seen:' .. id, p .. 'list:' .. k
if call('EXISTS', seen) == 1 then return {'duplicate', 0} end
local gone, room = {}, 0
if ARGV[11] == '1' then
  gone = waits(k)
  for _, one in ipairs(gone) do
    if one[3][2] == conn then room = room + 1 end
  end
end
if call('ZCARD', p .. 'waiting:' .. conn) - room >= tonumber(ARGV[8]) then return {'full', 0} end
local out = {'stored', 0}
takeOut(k, gone, 'downlink_replaced', ARGV[12], out)
local seq = call('INCR', p .. 'sequence')
if tonumber(ARGV[7]) > 0 then call('SET', seen, '', 'PX', ARGV[7]) end
call('HSET', p .. 'downlink:' .. seq, 'id', id, 'conn', conn, 'ns', ns, 'body', body, 'k', k, 'place', place, 'valid', ARGV[10], 'attempts', 0, 'after', 0)
call('ZADD', p .. 'waiting:' .. conn, ARGV[9], seq)
call('ZADD', p .. 'validity', ARGV[10], seq)
call('RPUSH', p .. place .. ':' .. k, seq)
if place == 'list' then
  call('SADD', p .. 'devices', k)
  if call('LLEN', list) == 1 and call('ZSCORE', p .. 'wake:delayed', k) then out[2] = 1 end
elseif call('LLEN', list) == 0 then
  call('SREM', p .. 'devices', k)
end
return out
`);

/**
 * Takes out what waits past its validity. ARGV: now, how many to look at.
 * Gives: how many were looked at, how many of them stay because they are being submitted, devices whose head is gone, notices.
 */
export const expireScript = newScript(`
local due = call('ZRANGEBYSCORE', p .. 'validity', '-inf', ARGV[1], 'LIMIT', 0, ARGV[2])
local stay, wake, notices = 0, {}, {}
for _, seq in ipairs(due) do
  local f = call('HMGET', p .. 'downlink:' .. seq, 'k', 'place', 'id', 'conn', 'ns', 'body')
  if not f[1] then
    call('ZREM', p .. 'validity', seq)
  elseif string.match(call('GET', p .. 'busy:' .. f[1]) or '', '^%d+') == seq then
    stay = stay + 1
  else
    local where = p .. f[2] .. ':' .. f[1]
    if f[2] == 'list' and call('LINDEX', where, 0) == seq then
      call('ZREM', line(f[4], f[5]), f[1])
      wake[#wake + 1] = f[1]
    end
    call('LREM', where, 1, seq)
    erase(seq, f[4])
    if f[2] == 'list' and call('LLEN', where) == 0 then call('SREM', p .. 'devices', f[1]) end
    notices[#notices + 1] = note(seq, f[3], 'expired', '"cause":{"code":"expired"},', f[6], ARGV[1])
  end
end
return {#due, stay, wake, notices}
`);

/**
 * The answer to one request of a device's network. ARGV: device key, request id, again (0|1), remember ms, now, report window ms.
 * Gives the body (empty: none) and, when it was taken right now, the notice.
 */
export const collectScript = newScript(`
local k, at = ARGV[1], tonumber(ARGV[5])
local answer, box = p .. 'answer:' .. k .. ':' .. ARGV[2], p .. 'box:' .. k
local known = call('GET', answer)
if known then return {known} end
if ARGV[3] == '1' then return {''} end
local given, notice = '', nil
for _, seq in ipairs(call('LRANGE', box, 0, -1)) do
  local f = call('HMGET', p .. 'downlink:' .. seq, 'id', 'conn', 'body', 'valid')
  if not f[1] then
    call('LREM', box, 1, seq)
  elseif tonumber(f[4]) > at then
    call('LREM', box, 1, seq)
    erase(seq, f[2])
    remember(k, f[1], '{"downlink":' .. f[3] .. ',"ids":[],"submittedAt":' .. ARGV[5] .. ',"attempts":1,"state":"submitted"}', ARGV[6])
    given, notice = f[3], note(seq, f[1], 'submitted', '', f[3], ARGV[5])
    break
  end
end
call('SET', answer, given, 'PX', ARGV[4])
return {given, notice}
`);

/** ARGV: keys of notices. */
export const forgetScript = newScript(`
for _, key in ipairs(ARGV) do
  call('HDEL', p .. 'notices', key)
  call('ZREM', p .. 'notices:at', key)
end
return #ARGV
`);

/** What waits for a device, in the order in which it was added. ARGV: device key. Gives sequence number, body and attempts of each. */
export const waitingScript = newScript(`
local out = {}
for _, where in ipairs({p .. 'list:' .. ARGV[1], p .. 'box:' .. ARGV[1]}) do
  for _, seq in ipairs(call('LRANGE', where, 0, -1)) do
    local f = call('HMGET', p .. 'downlink:' .. seq, 'body', 'attempts')
    if f[1] then
      out[#out + 1] = seq
      out[#out + 1] = f[1]
      out[#out + 1] = f[2]
    end
  end
end
return out
`);

/** Takes out what waits for a device and is not being submitted. ARGV: device key, now. Gives the notices. */
export const clearScript = newScript(`
local out = {}
takeOut(ARGV[1], waits(ARGV[1]), 'downlink_deleted', ARGV[2], out)
if call('LLEN', p .. 'list:' .. ARGV[1]) == 0 then call('SREM', p .. 'devices', ARGV[1]) end
return out
`);
