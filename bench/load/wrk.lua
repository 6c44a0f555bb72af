-- The body of every request of wrk is an uplink of its own: devices take turns, and frame counters rise with every round.
-- Arguments: the document with its fields in double braces (bench/load/templates.ts), the number of devices, the first frame
-- counter, how often each message is posted, and the device that begins.
local ffi = require("ffi")

ffi.cdef([[
  struct moment { long seconds; long micros; };
  int gettimeofday(struct moment *now, void *zone);
]])

local now = ffi.new("struct moment")
local format, concat, floor = string.format, table.concat, math.floor

local threads = {}

function setup(thread)
  threads[#threads + 1] = thread
end

-- Globals are what `done` may ask for.
posted = 0
local parts, holes = {}, {}
local head, devices, firstFrame, copies, firstDevice
local last

local function headOf(headers)
  local lines = { "POST " .. wrk.path .. " HTTP/1.1" }
  for name, value in pairs(headers) do lines[#lines + 1] = name .. ": " .. value end
  lines[#lines + 1] = "Content-Length: "
  return concat(lines, "\r\n")
end

function init(args)
  head = headOf(wrk.headers)
  for text, field in (args[1] .. "{{}}"):gmatch("(.-){{(%w*)}}") do
    parts[#parts + 1] = text
    if field ~= "" then
      holes[field] = holes[field] or {}
      table.insert(holes[field], #parts + 1)
      parts[#parts + 1] = field
    end
  end
  devices, firstFrame, copies, firstDevice = tonumber(args[2]), tonumber(args[3]), tonumber(args[4]), tonumber(args[5])
end

local function fill(field, text)
  local places = holes[field]
  if places == nil then return end
  for index = 1, #places do parts[places[index]] = text end
end

local filledSecond, secondText

local function fillMoment()
  ffi.C.gettimeofday(now, nil)
  local seconds, micros = tonumber(now.seconds), tonumber(now.micros)
  if seconds ~= filledSecond then
    filledSecond = seconds
    fill("seconds", format("%d", seconds))
    secondText = os.date("!%Y-%m-%dT%H:%M:%S.", seconds)
  end
  local digits = format("%06d", micros)
  fill("sent", format("%d", seconds) .. digits)
  fill("time", secondText .. digits)
end

local function message(number)
  local frame = firstFrame + floor(number / devices)
  fill("device", format("%08x", number % devices))
  fill("frame", format("%d", frame))
  fill("frameHex", format("%012x", frame))
  fillMoment()
  local body = concat(parts)
  return head .. #body .. "\r\n\r\n" .. body
end

-- wrk calls `request` once to look at what it gives, and does not send that.
local looked = false

function request()
  if not looked then
    looked = true
    return message(0)
  end
  if posted % copies == 0 then last = message(firstDevice + posted / copies) end
  posted = posted + 1
  return last
end

function done(summary, latency)
  local errors = summary.errors
  local all = 0
  for _, thread in ipairs(threads) do all = all + thread:get("posted") end
  io.write(format(
    '{"posted":%d,"completed":%d,"refused":%d,"errors":%d,"micros":%d,"cpuSeconds":%.3f,"p50":%d,"p99":%d,"p999":%d,"max":%d}\n',
    all, summary.requests, errors.status, errors.connect + errors.read + errors.write + errors.timeout, summary.duration, os.clock(),
    latency:percentile(50), latency:percentile(99), latency:percentile(99.9), latency.max
  ))
end
