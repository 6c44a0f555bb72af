import { joinMs } from './lateness.js';
import { newScript } from './script.js';

/** How long two that took their moments at the same time are taken to go on doing so, ms. */
const togetherMs = 60_000;

/**
 * A device's oldest waiting downlink. ARGV: device key. Gives: sequence number, body, attempts, ms until its next attempt may be; nothing when none waits.
 * A number whose downlink is gone is dropped, so a damaged record cannot stop its device.
 */
export const headScript = newScript(`
local k = ARGV[1]
local list = p .. 'list:' .. k
for _ = 1, 1000 do
  local seq = call('LINDEX', list, 0)
  if not seq then
    call('SREM', p .. 'devices', k)
    return {}
  end
  local f = call('HMGET', p .. 'downlink:' .. seq, 'body', 'attempts', 'after')
  if f[1] then return {seq, f[1], f[2], math.max(0, math.ceil(f[3] - clock()))} end
  call('LPOP', list)
end
return {}
`);

/**
 * Asks whether a device's head may leave. ARGV: device key, sequence number, token, connection, network server, ms between two of the connection,
 * ms that the token holds, ms that may be waited in the process, first (0|1: to the front of the line).
 * Gives `go`, the µs until its moment and whether this process is alone (0|1), `later` and the ms until it may be its turn, `busy` and ms (another
 * process submits for this device), or `gone`.
 *
 * The moments of a connection are at least the given time apart, whoever asks. Who cannot leave yet stands in the line of its network server,
 * and is told to come back when those before it will have left; nothing is taken from the rate until it does, so devices
 * that never come back (expired, replaced, held) cost nothing. Lines of different network servers share the rate without waiting for each other.
 *
 * Who is alone may be late: what it missed cannot meet what others send. So one that joins it pauses the connection until all that was missed has left.
 */
export const permitScript = newScript(`
local k, seq, mine, conn, ns = ARGV[1], ARGV[2], ARGV[2] .. '|' .. ARGV[3], ARGV[4], ARGV[5]
local spacing, patience = tonumber(ARGV[6]), tonumber(ARGV[8])
if call('LINDEX', p .. 'list:' .. k, 0) ~= seq then return {'gone', 0} end
local busy = call('GET', p .. 'busy:' .. k)
if busy and busy ~= mine then return {'busy', math.max(1, call('PTTL', p .. 'busy:' .. k))} end
local now, pace, queue = clock(), p .. 'pace:' .. conn, line(conn, ns)
local last = tonumber(call('HGET', pace, 'last') or 0)
if last > now + spacing + ${3 * joinMs} then last = now end
local who, together = call('HGET', pace, 'who'), tonumber(call('HGET', pace, 'together') or -math.huge)
if who ~= ARGV[3] then
  call('HSET', pace, 'who', ARGV[3])
  if who and last + ${joinMs} > now then
    if now - together > ${togetherMs} then last = math.max(now, last) + ${joinMs} end
    together = now
    call('HSET', pace, 'together', now, 'last', last)
  end
end
local base = math.max(now, last + spacing)
local stood = call('EXISTS', queue) == 1
if ARGV[9] == '1' then call('ZADD', queue, 0, k) else call('ZADD', queue, 'NX', now, k) end
if not stood then call('HSET', pace, 'ns:' .. ns, now) end
local rank = call('ZRANK', queue, k)
local wait = base + rank * spacing - now
if wait > patience and rank > 0 and now - tonumber(call('HGET', pace, 'ns:' .. ns) or 0) > math.max(1000, 3 * spacing) then
  local front = call('ZRANGE', queue, 0, math.min(rank, 50) - 1)
  for _, other in ipairs(front) do call('ZADD', queue, now, other) end
  rank = call('ZRANK', queue, k)
  wait = base + rank * spacing - now
end
if wait > patience then
  if busy then call('DEL', p .. 'busy:' .. k) end
  return {'later', math.ceil(wait)}
end
call('ZREM', queue, k)
call('HSET', pace, 'last', base, 'ns:' .. ns, now)
call('SET', p .. 'busy:' .. k, mine, 'PX', ARGV[7])
local left = p .. 'left:' .. conn
call('ZREMRANGEBYSCORE', left, '-inf', now - 1000)
call('ZADD', left, base, seq .. '|' .. base)
call('PEXPIRE', left, 5000)
return {'go', math.floor((base - now) * 1000), now - together > ${togetherMs} and 1 or 0}
`);

/** Gives up a place in line. ARGV: device key, connection, network server. */
export const leaveScript = newScript(`return call('ZREM', line(ARGV[2], ARGV[3]), ARGV[1])`);

/**
 * What becomes of a head that was handed out. ARGV: device key, sequence number, token, `done`, `retry` or `release`, attempts, ms.
 * Only exactly this head is touched: a process that was paused may come late. Gives how many wait now.
 */
export const settleScript = newScript(`
local k, seq, verdict = ARGV[1], ARGV[2], ARGV[4]
local list, busy = p .. 'list:' .. k, call('GET', p .. 'busy:' .. ARGV[1])
local mine = busy == seq .. '|' .. ARGV[3]
if mine then call('DEL', p .. 'busy:' .. k) end
if call('LINDEX', list, 0) == seq then
  if verdict == 'done' then
    local conn = call('HGET', p .. 'downlink:' .. seq, 'conn')
    call('LPOP', list)
    if conn then erase(seq, conn) end
    if call('LLEN', list) == 0 then call('SREM', p .. 'devices', k) end
  elseif verdict == 'retry' and (mine or not busy) then
    call('HSET', p .. 'downlink:' .. seq, 'attempts', ARGV[5], 'after', clock() + tonumber(ARGV[6]))
  end
end
return call('LLEN', list)
`);

/** Keeps what is being submitted marked as such. ARGV: ms, then device key and value for each. */
export const renewScript = newScript(`
for index = 2, #ARGV, 2 do
  local busy = p .. 'busy:' .. ARGV[index]
  if call('GET', busy) == ARGV[index + 1] then call('PEXPIRE', busy, ARGV[1]) end
end
return 1
`);

/** How many of a connection left in the last second. ARGV: connection. */
export const leftScript = newScript(`return call('ZCOUNT', p .. 'left:' .. ARGV[1], clock() - 1000, '+inf')`);

/** Devices with a list and without a wake-up. ARGV: cursor. Gives the next cursor and their keys. */
export const sleepingScript = newScript(`
local page = call('SSCAN', p .. 'devices', ARGV[1], 'COUNT', 500)
local missing = {}
for _, k in ipairs(page[2]) do
  if call('LLEN', p .. 'list:' .. k) == 0 then
    call('SREM', p .. 'devices', k)
  elseif call('EXISTS', p .. 'wake:' .. k) == 0 then
    missing[#missing + 1] = k
  end
end
return {page[1], missing}
`);
