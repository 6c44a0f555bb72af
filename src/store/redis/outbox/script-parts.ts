import { newScript, type Script } from '../script.js';

/**
 * What the scripts of the outbox share. Keys, behind `p`:
 * `out:SLOT:CONNECTION` what waits there (stream, entries POSITION-0: at, device, ns, about, payload), `outbox:sequence` the latest position of all,
 * `totals:SLOT` and `bytes:SLOT` how much that is (hashes by connection, none at 0), `outbox:totals` the same over all slots,
 * `held:CONNECTION` under which slots each device's messages wait (hash; `SLOT:COUNT,…`, oldest first, as a rule one),
 * `news:SLOT` how many others appended under it (hash by connection), `call:SLOT` token of its holder, number of the latest call that was done, and of the latest that may be,
 * `arrived:KEY` when a message came, `parked` positions of parked messages, `parked:POSITION` one of them (hash), `parked:bytes`.
 *
 * ARGV 1–9 of every script: slot, token, number of the call, latest position known to the caller, now, window of duplicates, most messages, most bytes, most parked bytes.
 * Every script gives: 1, or 0 when the slot is another's and nothing was done, or -1 when a later call was there before; its result;
 * totals (messages, bytes, parked messages, parked bytes, parked ones removed by this call, latest position);
 * what stands under the slot (connection, messages, bytes, time of the oldest) where that changed; news (connection, messages).
 */
const outboxParts = `
local slot, token, turn = ARGV[1], ARGV[2], ARGV[3]
local dayMs = 86400000
local touched, touchedList, sums, dropped, position = {}, {}, {}, 0, nil
local function whole(number) return string.format('%.0f', number) end
local function stream(where, conn) return p .. 'out:' .. where .. ':' .. conn end
local function touch(conn)
  if not touched[conn] then
    touched[conn] = true
    touchedList[#touchedList + 1] = conn
  end
end
local function isOf(where)
  local owner = call('GET', p .. 'lease:' .. where)
  if owner then return owner == token end
  return call('HGET', p .. 'slots:holders', where) == token
end
local function isInTurn()
  local who, last = string.match(call('GET', p .. 'call:' .. slot) or '', '^(.*) %d+ (%d+)$')
  return not who or (who == token and tonumber(last) < tonumber(turn))
end
local function keepTurn(latest) call('SET', p .. 'call:' .. slot, token .. ' ' .. (latest or turn) .. ' ' .. turn, 'PX', dayMs) end
local function nextPosition()
  position = (position or math.max(tonumber(call('GET', p .. 'outbox:sequence') or '0'), tonumber(ARGV[4]))) + 1
  return position
end
local function keepPosition()
  if position then call('SET', p .. 'outbox:sequence', whole(position)) end
end
local function sizeOf(device, ns, about, payload) return #device + #ns + #about + #payload + 64 end

-- What this call adds and takes away: by slot and connection, and over all.
local grown = {0, 0}
local function sum(where, conn, messages, bytes)
  local here = sums[where] or {}
  sums[where] = here
  here[conn] = (here[conn] or 0) + bytes
  grown[1] = grown[1] + messages
  grown[2] = grown[2] + bytes
end
local function keepSum(where, conn, bytes)
  local left = call('XLEN', stream(where, conn))
  if left == 0 then
    call('HDEL', p .. 'totals:' .. where, conn)
    call('HDEL', p .. 'bytes:' .. where, conn)
    call('DEL', stream(where, conn))
  else
    call('HSET', p .. 'totals:' .. where, conn, left)
    call('HINCRBY', p .. 'bytes:' .. where, conn, bytes)
  end
  if where == slot then touch(conn) end
end
local function keepSums()
  for where, here in pairs(sums) do
    for conn, bytes in pairs(here) do keepSum(where, conn, bytes) end
  end
  if grown[1] ~= 0 then
    call('HINCRBY', p .. 'outbox:totals', 'messages', grown[1])
    call('HINCRBY', p .. 'outbox:totals', 'bytes', grown[2])
  end
end
local used
local function fits(messages, bytes)
  if not used then used = call('HMGET', p .. 'outbox:totals', 'messages', 'bytes') end
  return tonumber(used[1] or '0') + grown[1] + messages <= tonumber(ARGV[7]) and tonumber(used[2] or '0') + grown[2] + bytes <= tonumber(ARGV[8])
end

-- A call out of a script costs as much as what most commands do, so one asks or tells for many. A list goes in runs that fit on Lua's stack.
local function inRuns(list, use)
  for first = 1, #list, 1000 do use(first, math.min(first + 999, #list)) end
end

-- Under which slots a device's messages wait, by connection and device: the text of \`held:CONNECTION\`, '' for none. Written at the end, where it changed.
local held, changed = {}, {}
local function heldBy(conn)
  if not held[conn] then held[conn], changed[conn] = {}, {} end
  return held[conn]
end
local function lookUp(conn, devices)
  local texts = heldBy(conn)
  inRuns(devices, function(first, last)
    local found = call('HMGET', p .. 'held:' .. conn, unpack(devices, first, last))
    for at = first, last do texts[devices[at]] = found[at - first + 1] or '' end
  end)
end
local function list(lists, conn, device)
  lists[conn] = lists[conn] or {}
  table.insert(lists[conn], device)
end
-- In lists of devices by connection; before anything changes.
local function lookUpAll(lists)
  for conn, devices in pairs(lists) do lookUp(conn, devices) end
end
local function heldOf(conn, device)
  if not heldBy(conn)[device] then lookUp(conn, {device}) end
  return held[conn][device]
end
local function setHeld(conn, device, text)
  heldBy(conn)[device] = text
  changed[conn][device] = true
end
local function keepHeld()
  for conn, devices in pairs(changed) do
    local key, kept, gone = p .. 'held:' .. conn, {}, {}
    for device in pairs(devices) do
      local text = held[conn][device]
      if text == '' then
        gone[#gone + 1] = device
      else
        kept[#kept + 1] = device
        kept[#kept + 1] = text
      end
    end
    inRuns(kept, function(first, last) call('HSET', key, unpack(kept, first, last)) end)
    inRuns(gone, function(first, last) call('HDEL', key, unpack(gone, first, last)) end)
  end
end

local elsewhere, isListed, onlyOne = {}, {}, slot .. ':1'
local function lastOf(conn, chain)
  local before, where, count = string.match(chain, '^(.-)([^:,]+):(%d+)$')
  if not where then return '', slot, 0 end
  -- A slot with nothing in it has nothing of this device: some writes were lost with a Redis that failed.
  if where ~= slot and call('XLEN', stream(where, conn)) == 0 then return lastOf(conn, string.sub(before, 1, -2)) end
  return before, where, count
end
local function hold(conn, device)
  local chain = heldOf(conn, device)
  if chain == '' then
    setHeld(conn, device, onlyOne)
    return slot
  end
  local before, where, count = lastOf(conn, chain)
  setHeld(conn, device, before .. where .. ':' .. (count + 1))
  return where
end
local function place(conn, at, device, ns, about, payload)
  local number, where = nextPosition(), hold(conn, device)
  call('XADD', stream(where, conn), whole(number) .. '-0', 'at', at, 'device', device, 'ns', ns, 'about', about, 'payload', payload)
  sum(where, conn, 1, sizeOf(device, ns, about, payload))
  if where ~= slot then
    elsewhere[#elsewhere + 1] = number
    call('HINCRBY', p .. 'news:' .. where, conn, 1)
    call('PEXPIRE', p .. 'news:' .. where, dayMs)
    if not isListed[where] then call('SADD', p .. 'slots', where) end
    isListed[where] = true
  end
  return number
end
local function chainOf(conn, device)
  local chain = {}
  for where, count in string.gmatch(heldOf(conn, device), '([^:,]+):(%d+)') do chain[#chain + 1] = {where, tonumber(count)} end
  return chain
end
local function keepChain(conn, device, chain)
  local texts = {}
  for _, one in ipairs(chain) do
    if one[2] > 0 then texts[#texts + 1] = one[1] .. ':' .. one[2] end
  end
  setHeld(conn, device, table.concat(texts, ','))
end
local function letGo(conn, device)
  if heldOf(conn, device) == onlyOne then return setHeld(conn, device, '') end
  local chain = chainOf(conn, device)
  for _, one in ipairs(chain) do
    if one[1] == slot then one[2] = one[2] - 1 end
  end
  keepChain(conn, device, chain)
end

local function park(number, conn, at, device, ns, about, payload, reason, detail)
  local size = sizeOf(device, ns, about, payload) + #reason + #detail
  call('HSET', p .. 'parked:' .. number, 'conn', conn, 'at', at, 'device', device, 'ns', ns, 'about', about, 'payload', payload, 'reason', reason, 'detail', detail, 'since', ARGV[5], 'size', size)
  call('ZADD', p .. 'parked', number, number)
  call('INCRBY', p .. 'parked:bytes', size)
end
local function unpark(number)
  if call('ZREM', p .. 'parked', number) == 0 then return 0 end
  call('DECRBY', p .. 'parked:bytes', call('HGET', p .. 'parked:' .. number, 'size') or 0)
  call('DEL', p .. 'parked:' .. number)
  return 1
end
local function trim()
  while dropped < 500 and tonumber(call('GET', p .. 'parked:bytes') or '0') > tonumber(ARGV[9]) do
    local oldest = call('ZRANGE', p .. 'parked', 0, 0)[1]
    if not oldest then return end
    dropped = dropped + unpark(oldest)
  end
end

local function standingOf(conn)
  local first = call('XRANGE', stream(slot, conn), '-', '+', 'COUNT', 1)[1]
  return {conn, call('XLEN', stream(slot, conn)), tonumber(call('HGET', p .. 'bytes:' .. slot, conn) or '0'), first and tonumber(first[2][2]) or 0}
end
-- False where the slot is another's: what stands there, and what is new, is for its holder.
local mine = true
local function answer(result)
  keepHeld()
  keepSums()
  keepPosition()
  local news, standings = {}, {}
  if mine then
    news = call('HGETALL', p .. 'news:' .. slot)
    if #news > 0 then call('DEL', p .. 'news:' .. slot) end
    for index = 1, #news, 2 do touch(news[index]) end
    for index, conn in ipairs(touchedList) do standings[index] = standingOf(conn) end
  end
  local all = call('HMGET', p .. 'outbox:totals', 'messages', 'bytes')
  local totals = {all[1] or '0', all[2] or '0', call('ZCARD', p .. 'parked'), call('GET', p .. 'parked:bytes') or '0', dropped, call('GET', p .. 'outbox:sequence') or '0'}
  return {1, result, totals, standings, news}
end
`;

export const newOutboxScript = (body: string): Script => newScript(outboxParts + body);
