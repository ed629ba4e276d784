-- What may leave now, decided in one place and one step for all workers. The server's clock is the only one.
--
-- ask    KEYS sender, board, alive, then (profile, lanes) pairs
--        ARGV lane, lease ms, wanted, sender's rate, given back, board's field and text, then for each pair
--             rate, connections, mails a place and round, given back, on their way now
--        → {known, sender's n, sender's wait, then for each pair n, places, wait, paused}
-- report KEYS profile, count          ARGV means, after, seconds, connections → 1 when it acted
-- pause  KEYS profile                 ARGV seconds
-- renew  KEYS lanes …                 ARGV lane, lease ms
-- leave  KEYS sender, board, then (profile, lanes) pairs
--        ARGV lane, sender's rate, given back, board's field, text and ms, then for each pair rate, given back
-- The last argument is the verb.
--
-- A profile: tokens, at · factor, factor_at, base (slowed: base × factor a second, doubling each RECOVERY)
--            · pause (until) · few, few_until (connections) · window, count, before (what left in ten seconds)
-- Its lanes: lane → "places:until:since"; no places: it waits for some.

local RECOVERY, SMALLEST, WINDOW = 120000, 1 / 32, 10000
local TURN, WAITS, AGAIN = 5000, 4000, 1000
local HOUR = 3600000
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function number(value, fallback) return tonumber(value or '') or fallback end

local function keep(key, longest) redis.call('PEXPIRE', key, math.ceil(HOUR + math.max(0, longest))) end

-- A bucket that nobody knows starts with one mail: after a flush it is slow, never unbounded.
local function tokens_of(tokens, at, rate, back)
  if not tokens then return 1 end
  return math.min(math.max(1, 2 * rate), tokens + back + math.max(0, now - at) * rate / 1000)
end

local function factor_of(key)
  local h = redis.call('HMGET', key, 'factor', 'factor_at')
  local factor = number(h[1], 1)
  return math.min(1, factor * 2 ^ (math.max(0, now - number(h[2], now)) / RECOVERY))
end

local function take(key, rate, back, wanted)
  local h = redis.call('HMGET', key, 'tokens', 'at')
  local tokens = tokens_of(tonumber(h[1] or ''), number(h[2], now), rate, back)
  local n = math.min(wanted, math.floor(tokens + 1e-6))
  redis.call('HSET', key, 'tokens', string.format('%.6f', tokens - n), 'at', now)
  keep(key, 2000 / rate)
  return n, (n < wanted) and math.ceil(math.max(0, 1 - (tokens - n)) * 1000 / rate) or 0
end

local function measured(key, n)
  local h = redis.call('HMGET', key, 'window', 'count', 'before')
  local window, count, before = math.floor(now / WINDOW), number(h[2], 0), number(h[3], 0)
  if number(h[1], -1) ~= window then
    before = (number(h[1], -1) == window - 1) and count or 0
    count = 0
  end
  redis.call('HSET', key, 'window', window, 'count', count + n, 'before', before)
  return math.max(before, count + n) * 1000 / WINDOW
end

local function rate_of(key, rate)
  local factor = factor_of(key)
  if rate > 0 then return rate * factor, factor end
  if factor < 1 then return number(redis.call('HGET', key, 'base'), 1) * factor, factor end
  return 0, 1
end

-- Places are shared evenly, and passed on after a turn while others wait. Those whose mails are still on their way
-- stay taken. A lane that died loses its places with its lease.
local function places_of(lanes, lane, most, lease, busy)
  local free, others, waiting, mine, since = most, 0, 0, 0, now
  local all = redis.call('HGETALL', lanes)
  for i = 1, #all, 2 do
    local places, till, from = string.match(all[i + 1], '^(%d+):(%d+):(%d+)$')
    places, till, from = tonumber(places), tonumber(till), tonumber(from)
    if not till or till < now then
      redis.call('HDEL', lanes, all[i])
    elseif all[i] == lane then
      mine, since = places, places > 0 and from or now
    else
      others, free = others + 1, free - places
      if places == 0 then waiting = waiting + 1 end
    end
  end
  local share = math.max(0, math.min(free, math.max(1, math.floor(most / (others + 1)))))
  local over = mine > 0 and waiting > 0 and now - since > TURN and free - share < 1
  if over then share = 0 end
  local held = math.max(share, math.min(mine, busy))
  redis.call('HSET', lanes, lane, held .. ':' .. (now + (held > 0 and lease or WAITS)) .. ':' .. since)
  keep(lanes, lease)
  return share, share > 0 and 0 or over and 2 * AGAIN or AGAIN
end

-- Wants none now: what is on its way keeps its places, without a claim to more.
local function stand_back(lanes, lane, busy)
  if busy < 1 then redis.call('HDEL', lanes, lane) end
end

local function ask()
  local lane, lease, wanted = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
  local known = redis.call('SET', KEYS[3], '1', 'PX', 30 * 24 * HOUR, 'GET') and 1 or 0
  local most, sender_wait = wanted, 0
  local sender_rate = tonumber(ARGV[4])
  if sender_rate > 0 then most, sender_wait = take(KEYS[1], sender_rate, tonumber(ARGV[5]), wanted) end
  redis.call('HSET', KEYS[2], ARGV[6], ARGV[7])
  redis.call('PEXPIRE', KEYS[2], 120000)
  local answer = {known, most, sender_wait}
  local at = 8
  for i = 4, #KEYS, 2 do
    local key, lanes = KEYS[i], KEYS[i + 1]
    local rate, connections, each = tonumber(ARGV[at]), tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
    local back, busy = tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4])
    at = at + 5
    local n, places, wait, paused = most, 0, 0, 0
    local h = redis.call('HMGET', key, 'pause', 'few', 'few_until')
    local factor
    rate, factor = rate_of(key, rate)
    if number(h[1], 0) > now then
      n, wait, paused = 0, h[1] - now, 1
      stand_back(lanes, lane, busy)
    else
      if connections > 0 or number(h[3], 0) > now then
        local allowed = connections > 0 and math.max(1, math.floor(connections * factor)) or 1
        if number(h[3], 0) > now then allowed = math.min(allowed, tonumber(h[2])) end
        places, wait = places_of(lanes, lane, allowed, lease, busy)
        n = math.min(n, places * each)
      end
      if n > 0 and rate > 0 then
        n, wait = take(key, rate, back, n)
        if n == 0 then
          stand_back(lanes, lane, busy)
          places = 0
        end
      end
    end
    measured(key, n - back)
    keep(key, number(h[1], now) - now)
    for _, value in ipairs({n, places, wait, paused}) do answer[#answer + 1] = value end
  end
  return answer
end

local function report()
  local means, after, seconds, few = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
  if after > 1 then
    local count = redis.call('INCR', KEYS[2])
    if count == 1 then redis.call('PEXPIRE', KEYS[2], HOUR) end
    if count < after then return 0 end
  end
  local key = KEYS[1]
  if means == 'pause' then
    redis.call('HSET', key, 'pause', math.max(number(redis.call('HGET', key, 'pause'), 0), now + seconds * 1000))
  elseif few > 0 then
    redis.call('HSET', key, 'few', few, 'few_until', now + seconds * 1000)
  else
    local at = number(redis.call('HGET', key, 'factor_at'), 0)
    -- mails that were on their way together say the same thing once
    if now - at < WINDOW then return 0 end
    local factor = factor_of(key)
    if factor >= 1 then redis.call('HSET', key, 'base', string.format('%.3f', math.max(1, measured(key, 0)))) end
    redis.call('HSET', key, 'factor', string.format('%.6f', math.max(SMALLEST, factor / 2)), 'factor_at', now)
  end
  keep(key, seconds * 1000)
  return 1
end

local function pause()
  redis.call('HSET', KEYS[1], 'pause', math.max(number(redis.call('HGET', KEYS[1], 'pause'), 0), now + ARGV[1] * 1000))
  keep(KEYS[1], ARGV[1] * 1000)
  return 1
end

local function renew()
  for _, lanes in ipairs(KEYS) do
    local places, since = string.match(redis.call('HGET', lanes, ARGV[1]) or '', '^(%d+):%d+:(%d+)$')
    if number(places, 0) > 0 then
      redis.call('HSET', lanes, ARGV[1], places .. ':' .. (now + ARGV[2]) .. ':' .. since)
      keep(lanes, tonumber(ARGV[2]))
    end
  end
  return 1
end

local function leave()
  local rate, back = tonumber(ARGV[2]), tonumber(ARGV[3])
  if rate > 0 and back > 0 then take(KEYS[1], rate, back, 0) end
  redis.call('HSET', KEYS[2], ARGV[4], ARGV[5])
  redis.call('PEXPIRE', KEYS[2], math.ceil(ARGV[6]))
  local at = 7
  for i = 3, #KEYS, 2 do
    local unused = tonumber(ARGV[at + 1])
    rate = rate_of(KEYS[i], tonumber(ARGV[at]))
    at = at + 2
    if rate > 0 and unused > 0 then take(KEYS[i], rate, unused, 0) end
    redis.call('HDEL', KEYS[i + 1], ARGV[1])
  end
  return 1
end

local verbs = {ask = ask, report = report, pause = pause, renew = renew, leave = leave}
return verbs[table.remove(ARGV)]()
