import { newScript } from './script.js';

/** Writes device records that differ from what is there, and lists the devices. ARGV: key and record for each. */
export const heardScript = newScript(`
for index = 1, #ARGV, 2 do
  local key = p .. 'device:' .. ARGV[index]
  if call('GET', key) ~= ARGV[index + 1] then call('SET', key, ARGV[index + 1]) end
  call('ZADD', p .. 'known', 0, ARGV[index])
end
return 1
`);

/** Notes the latest message of devices, unless another replica noted a later one. ARGV: key and activity (\`LASTSEEN\` or \`LASTSEEN FCNT\`) for each. */
export const activeScript = newScript(`
local function seen(text) return tonumber(string.match(text, '^%d+') or 0) end
for index = 1, #ARGV, 2 do
  local before = call('HGET', p .. 'active', ARGV[index])
  if not before or seen(before) <= seen(ARGV[index + 1]) then call('HSET', p .. 'active', ARGV[index], ARGV[index + 1]) end
end
return 1
`);

/** ARGV: device key. Gives record and activity. */
export const findDeviceScript = newScript(`return {call('GET', p .. 'device:' .. ARGV[1]), call('HGET', p .. 'active', ARGV[1])}`);

/**
 * Devices in the order of their keys. ARGV: key to begin after (empty: the first), how many are wanted, how many to look at, network server, connection (empty: any).
 * Gives the key to go on after (empty: there are no more), then key, record and activity (empty: none) of each.
 */
export const listDevicesScript = newScript(`
local wanted, look, ns, conn = tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4], ARGV[5]
local from = '-'
if ARGV[1] ~= '' then from = '(' .. ARGV[1] end
local keys = call('ZRANGEBYLEX', p .. 'known', from, '+', 'LIMIT', 0, look)
local out = {''}
if #keys == 0 then return out end
if #keys == look then out[1] = keys[#keys] end
local names = {}
for index, k in ipairs(keys) do names[index] = p .. 'device:' .. k end
local texts = call('MGET', unpack(names))
local function meant(text)
  if ns == '' and conn == '' then return true end
  local record = cjson.decode(text)
  if ns ~= '' and record.networkServerId ~= ns then return false end
  if conn == '' then return true end
  for _, id in ipairs(record.connectionIds) do if id == conn then return true end end
  return false
end
local found = 0
for index, k in ipairs(keys) do
  local text = texts[index]
  if text and meant(text) then
    out[#out + 1] = k
    out[#out + 1] = text
    out[#out + 1] = call('HGET', p .. 'active', k) or ''
    found = found + 1
    if found == wanted then
      out[1] = k
      break
    end
  end
end
return out
`);
