import { newScript } from './script.js';

/**
 * Parts of the scripts about slots: `slots` all that may have something left (set), `slots:holders` who held each of them last (hash of tokens),
 * `lease:SLOT` who holds it now (token, ends by itself).
 */
const parts = `
local function leaseOf(slot) return p .. 'lease:' .. slot end
local function hold(slot, token, ms)
  call('SET', leaseOf(slot), token, 'PX', ms)
  call('HSET', p .. 'slots:holders', slot, token)
  call('SADD', p .. 'slots', slot)
end
local function isOf(slot, token)
  local owner = call('GET', leaseOf(slot))
  return owner == token or (not owner and call('HGET', p .. 'slots:holders', slot) == token)
end
`;

/**
 * Takes a slot as one's own, unless the token of who holds it, or held it last, does not begin with the given text: one that died while it was emptying the slot
 * may have moved the earlier half of a device's messages.
 * ARGV: slot, token, ms, beginning. Gives 1 and the latest position of the outbox, or 0.
 */
export const claimScript = newScript(`${parts}
local last = call('GET', leaseOf(ARGV[1])) or call('HGET', p .. 'slots:holders', ARGV[1])
if last and string.sub(last, 1, #ARGV[4]) ~= ARGV[4] then return {0} end
hold(ARGV[1], ARGV[2], ARGV[3])
return {1, call('GET', p .. 'outbox:sequence') or '0'}
`);

/**
 * Renews leases. One that ran out is taken back only by who held it last: had another one held it in between, what was known of its messages would be wrong.
 * ARGV: token, ms, slots. Gives for each slot whether it is held, the slots that nobody holds, the number of holders, and the clock of Redis.
 */
export const renewScript = newScript(`${parts}
local kept, free, seen, holders = {}, {}, {}, 0
for index = 3, #ARGV do
  local mine = isOf(ARGV[index], ARGV[1])
  if mine then hold(ARGV[index], ARGV[1], ARGV[2]) end
  kept[#kept + 1] = mine and 1 or 0
end
for _, slot in ipairs(call('SMEMBERS', p .. 'slots')) do
  local owner = call('GET', leaseOf(slot))
  if not owner then
    free[#free + 1] = slot
  elseif not seen[owner] then
    seen[owner] = true
    holders = holders + 1
  end
end
return {kept, free, holders, string.format('%.0f', clock())}
`);

/** Takes a slot that nobody holds. ARGV: slot, token, ms. Gives 1, or 0 when somebody was faster or it is gone. */
export const takeOverScript = newScript(`${parts}
if call('GET', leaseOf(ARGV[1])) or call('SISMEMBER', p .. 'slots', ARGV[1]) == 0 then return 0 end
hold(ARGV[1], ARGV[2], ARGV[3])
return 1
`);

/** Ends a slot under which nothing is left. ARGV: slot, token. Gives 1 when it is gone, 0 when something is left, -1 when another one holds it. */
export const finishScript = newScript(`${parts}
local slot = ARGV[1]
if call('SISMEMBER', p .. 'slots', slot) == 0 then return 1 end
if not isOf(slot, ARGV[2]) then return -1 end
if call('HLEN', p .. 'totals:' .. slot) > 0 then return 0 end
call('DEL', leaseOf(slot), p .. 'news:' .. slot, p .. 'call:' .. slot)
call('HDEL', p .. 'slots:holders', slot)
call('SREM', p .. 'slots', slot)
return 1
`);
