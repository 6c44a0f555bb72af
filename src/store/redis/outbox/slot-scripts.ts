import { newOutboxScript } from './script-parts.js';

/**
 * Removes what was settled, or parks it. Done even when the slot is another's: what was delivered must not be delivered again.
 * ARGV 10 and on, for each: connection, position, device, bytes, reason (''; not parked), detail. Result: 1 while the slot is the caller's.
 */
export const settleScript = newOutboxScript(`
if not isInTurn() then return {-1} end
local function remove(conn, number, device, bytes)
  if call('XDEL', stream(slot, conn), number) == 0 then return end
  letGo(conn, device)
  sum(slot, conn, -1, -bytes)
end
local function setAside(conn, number, device, bytes, reason, detail)
  local entry = call('XRANGE', stream(slot, conn), number, number)[1]
  if not entry then return end
  local fields = entry[2]
  remove(conn, number, device, bytes)
  park(number, conn, fields[2], fields[4], fields[6], fields[8], fields[10], reason, detail)
end
local devices = {}
for at = 10, #ARGV, 6 do list(devices, ARGV[at], ARGV[at + 2]) end
lookUpAll(devices)
for at = 10, #ARGV, 6 do
  local conn, number, device, bytes, reason = ARGV[at], ARGV[at + 1], ARGV[at + 2], tonumber(ARGV[at + 3]), ARGV[at + 4]
  if reason == '' then remove(conn, number, device, bytes) else setAside(conn, number, device, bytes, reason, ARGV[at + 5]) end
end
trim()
keepTurn()
mine = isOf(slot)
return answer(mine and 1 or 0)
`);

/**
 * What stands under the slot, for who does not know because an answer was lost. Calls of before that Redis takes up only now are not in turn any more.
 * Result: the number of the caller's latest call that was done.
 */
export const syncScript = newOutboxScript(`
if not isOf(slot) then return {0} end
local who, latest = string.match(call('GET', p .. 'call:' .. slot) or '', '^(.*) (%d+) %d+$')
if who ~= token then latest = '0' end
keepTurn(latest)
for _, conn in ipairs(call('HKEYS', p .. 'totals:' .. slot)) do touch(conn) end
return answer(tonumber(latest))
`);

/** Looks what others did, and removes parked messages past their limit. Result: nothing. */
export const lookScript = newOutboxScript(`
if not isOf(slot) then return {0} end
if not isInTurn() then return {-1} end
trim()
keepTurn()
return answer(0)
`);

/**
 * Moves messages of a connection from a slot that the caller holds beside its own behind its own messages. The messages of a device keep their order: those whose
 * earlier ones wait under a third slot stay. What comes for a device meanwhile goes behind what is still to be moved.
 * ARGV 10: the slot to empty; 11: connection; 12: position after which to begin; 13: most entries; 14: most bytes; then the devices of which an earlier call left some.
 * Result: how many were moved, the last position looked at, 1 at the end; devices of which some were left.
 */
export const adoptScript = newOutboxScript(`
local from, conn = ARGV[10], ARGV[11]
if not isOf(slot) then return {0} end
if from == slot or not isOf(from) then return answer({-1, '0', 1, {}}) end
if not isInTurn() then return {-1} end
local moved, bytes, looked, last, ended, left, isLeft = 0, 0, 0, ARGV[12], 0, {}, {}
for index = 15, #ARGV do isLeft[ARGV[index]] = true end
local function mayMove(chain)
  return chain[1] and (chain[1][1] == from or (chain[1][1] == slot and chain[2] and chain[2][1] == from))
end
local function move(entry)
  local fields = entry[2]
  local device, size = fields[4], sizeOf(fields[4], fields[6], fields[8], fields[10])
  if isLeft[device] then return end
  local chain = chainOf(conn, device)
  if not mayMove(chain) then
    isLeft[device] = true
    left[#left + 1] = device
    return
  end
  if chain[1][1] == from then table.insert(chain, 1, {slot, 0}) end
  chain[1][2] = chain[1][2] + 1
  chain[2][2] = chain[2][2] - 1
  call('XDEL', stream(from, conn), entry[1])
  call('XADD', stream(slot, conn), whole(nextPosition()) .. '-0', unpack(fields))
  keepChain(conn, device, chain)
  sum(from, conn, -1, -size)
  sum(slot, conn, 1, size)
  moved = moved + 1
  bytes = bytes + size
end
while ended == 0 and looked < tonumber(ARGV[13]) and bytes < tonumber(ARGV[14]) do
  local entries = call('XRANGE', stream(from, conn), '(' .. last, '+', 'COUNT', 20)
  for _, entry in ipairs(entries) do
    move(entry)
    last = entry[1]
  end
  looked = looked + #entries
  if #entries < 20 then ended = 1 end
end
keepTurn()
return answer({moved, (string.match(last, '^%d+')), ended, left})
`);
