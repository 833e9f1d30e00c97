import type { Script } from './link.ts'

/*
 * Whoever runs a script says which epoch it lives in: a Redis that has forgotten since, or is another one,
 * neither answers nor is written, however short a time ago that happened. The first key is the epoch's.
 */

/**
 * Writes if nothing of what a decision was made from has changed. Arguments: the epoch; how many records were read, and of
 * each the number of its hash among the keys, its key, and what it was ('' for none); how many indexes were read, and of
 * each its number, how many entries it had, and these; then the commands: name, number of the key, how many arguments,
 * and these. Answers `lost`, `changed`, or what the last command did.
 */
export const commitScript: Script = {
  name: 'portico_commit',
  lua: `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 'lost' end
local at = 1
local function take () at = at + 1; return ARGV[at] end
local function key () return KEYS[tonumber(take())] end
for _ = 1, tonumber(take()) do
  local hash = key()
  local field = take()
  local raw = take()
  if (redis.call('HGET', hash, field) or '') ~= raw then return 'changed' end
end
for _ = 1, tonumber(take()) do
  local entries = redis.call('ZRANGE', key(), 0, -1)
  local count = tonumber(take())
  if #entries ~= count then return 'changed' end
  for i = 1, count do
    if entries[i] ~= take() then return 'changed' end
  end
end
local answer = ''
while at < #ARGV do
  local command = { take() }
  command[2] = key()
  for _ = 1, tonumber(take()) do command[#command + 1] = take() end
  answer = redis.call(unpack(command))
end
return answer
`
}

/**
 * The records that stand in indexes. Keys: epoch, hash, indexes. Arguments: the epoch, the smallest entry as ZRANGE BYLEX has it,
 * how many at most (-1 for all). Answers with entries and records in turn, for each index; with nothing when the epoch is lost.
 */
export const findScript: Script = {
  name: 'portico_find',
  lua: `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return false end
local found = {}
for i = 3, #KEYS do
  local rows = {}
  for _, entry in ipairs(redis.call('ZRANGE', KEYS[i], ARGV[2], '+', 'BYLEX', 'LIMIT', 0, ARGV[3])) do
    rows[#rows + 1] = entry
    rows[#rows + 1] = redis.call('HGET', KEYS[2], string.match(entry, '^.*%z(.*)$'))
  end
  found[i - 2] = rows
end
return found
`
}

/**
 * Forgets what has expired. Keys: a zset by expiry, and others that have the same members. Arguments: the moment, how many at most.
 * Answers with how many it were.
 */
export const expireScript: Script = {
  name: 'portico_expire',
  lua: `
local due = redis.call('ZRANGE', KEYS[1], '-inf', ARGV[1], 'BYSCORE', 'LIMIT', 0, ARGV[2])
if #due > 0 then
  for _, key in ipairs(KEYS) do redis.call('ZREM', key, unpack(due)) end
end
return #due
`
}

/**
 * Writes an item unless a live one is there. Key: the item. Arguments: what is written, which begins with its expiry; now; the
 * milliseconds after which Redis may forget it. Answers 1 if it wrote.
 */
export const claimScript: Script = {
  name: 'portico_claim',
  lua: `
local held = redis.call('GET', KEYS[1])
if held and tonumber(string.match(held, '^%S+')) > tonumber(ARGV[2]) then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[3])
return 1
`
}
