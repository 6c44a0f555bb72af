import { newOutboxScript } from './script-parts.js';

/**
 * Appends groups, each of them whole or not at all. A message goes behind those of its device, under whatever slot they wait.
 * ARGV 10: number of groups; for each: number of its messages; for each: key, number of records; for each: connection, time of acceptance, device,
 * network server, about, payload, reason, detail (reason '': not parked).
 * Result: for each group the first position of each message (0: a duplicate), or -1 with the messages and bytes that found no room;
 * then the positions that went under another slot.
 */
export const appendScript = newOutboxScript(`
if not isOf(slot) then return {0} end
if not isInTurn() then return {-1} end
local now, window = tonumber(ARGV[5]), tonumber(ARGV[6])
-- When each message came, by its key; absent: it is new.
local arrived = {}
local function isKnown(key) return arrived[key] and math.abs(now - arrived[key]) < window end
local function lookUpMessages()
  local keys, devices, index = {}, {}, 11
  for _ = 1, tonumber(ARGV[10]) do
    local count = tonumber(ARGV[index])
    index = index + 1
    for _ = 1, count do
      local first, records = index + 2, tonumber(ARGV[index + 1])
      keys[#keys + 1] = p .. 'arrived:' .. ARGV[index]
      index = first + records * 8
      for at = first, index - 8, 8 do list(devices, ARGV[at], ARGV[at + 2]) end
    end
  end
  inRuns(keys, function(first, last)
    local times = call('MGET', unpack(keys, first, last))
    for at = first, last do arrived[keys[at]] = times[at - first + 1] or nil end
  end)
  lookUpAll(devices)
end
local function append(message)
  local first = nextPosition()
  position = position - 1
  if window > 0 then
    call('SET', message[2], ARGV[5], 'PX', ARGV[6])
    arrived[message[2]] = now
  end
  for at = message[3], message[3] + message[4] * 8 - 8, 8 do
    local conn, time, device, ns, about, payload, reason = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4], ARGV[at + 5], ARGV[at + 6]
    if reason == '' then
      place(conn, time, device, ns, about, payload)
    else
      park(whole(nextPosition()), conn, time, device, ns, about, payload, reason, ARGV[at + 7])
    end
  end
  return first
end
lookUpMessages()
local results, index = {}, 11
for group = 1, tonumber(ARGV[10]) do
  local result, fresh, claimed, messages, bytes, count = {}, {}, {}, 0, 0, tonumber(ARGV[index])
  index = index + 1
  for number = 1, count do
    local key, records, first = p .. 'arrived:' .. ARGV[index], tonumber(ARGV[index + 1]), index + 2
    index = first + records * 8
    result[number] = 0
    if not claimed[key] and not isKnown(key) then
      claimed[key] = true
      fresh[#fresh + 1] = {number, key, first, records}
      for at = first, index - 8, 8 do
        if ARGV[at + 6] == '' then
          messages = messages + 1
          bytes = bytes + sizeOf(ARGV[at + 2], ARGV[at + 3], ARGV[at + 4], ARGV[at + 5])
        end
      end
    end
  end
  if messages > 0 and not fits(messages, bytes) then
    result = {-1, messages, bytes}
  else
    for _, message in ipairs(fresh) do result[message[1]] = append(message) end
  end
  results[group] = result
end
trim()
keepTurn()
return answer({results, elsewhere})
`);

/**
 * Puts parked messages back, all or none. ARGV 10 and on, for each: its position, connection, time of acceptance, device, network server, about, payload.
 * Result: -1 with the messages and bytes that found no room, or the new position of each (0: it is not parked any more); then the positions that went under another slot.
 */
export const replayScript = newOutboxScript(`
if not isOf(slot) then return {0} end
if not isInTurn() then return {-1} end
local messages, bytes = 0, 0
for at = 10, #ARGV, 7 do
  if call('ZSCORE', p .. 'parked', ARGV[at]) then
    messages = messages + 1
    bytes = bytes + sizeOf(ARGV[at + 3], ARGV[at + 4], ARGV[at + 5], ARGV[at + 6])
  end
end
if messages > 0 and not fits(messages, bytes) then return answer({{-1, messages, bytes}, elsewhere}) end
local positions = {}
for at = 10, #ARGV, 7 do
  local parked = unpark(ARGV[at]) == 1
  positions[#positions + 1] = parked and place(ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4], ARGV[at + 5], ARGV[at + 6]) or 0
end
keepTurn()
return answer({positions, elsewhere})
`);
