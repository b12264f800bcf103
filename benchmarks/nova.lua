-- What nova asks of Placement, for wrk: an instance is scheduled, claims, and is deleted some time
-- later, while its compute node reads what Placement knows of it.
-- Arguments: the UUIDs of the providers.

local providers = {}
local held, first, last = {}, 1, 0
local step, cycle = 0, 0
local headers = {
  ["X-Auth-Token"] = "admin",
  ["Content-Type"] = "application/json",
  ["OpenStack-API-Version"] = "placement 1.36",
}
local KEPT = 16 -- instances that are there at a time
local salt

function init(arguments)
  for _, uuid in ipairs(arguments) do
    providers[#providers + 1] = uuid
  end
  math.randomseed(os.time())
  salt = math.random(0, 0xffffff)
end

local function consumer(number)
  return string.format("%08x-0000-4000-8000-%06x%06x", number, salt, number % 0x1000000)
end

local function claim()
  last = last + 1
  held[last] = consumer(last)
  local body = string.format(
    '{"allocations": {"%s": {"resources": {"VCPU": 2, "MEMORY_MB": 2048, "DISK_GB": 20}}},' ..
    ' "project_id": "%s", "user_id": "%s", "consumer_generation": null}',
    providers[last % #providers + 1], held[last], held[last])
  return wrk.format("PUT", "/allocations/" .. held[last], headers, body)
end

local function release()
  local uuid = held[first]
  held[first], first = nil, first + 1
  return wrk.format("DELETE", "/allocations/" .. uuid, headers)
end

local function read(path)
  return wrk.format("GET", path, headers)
end

function request()
  step = step + 1
  local provider = "/resource_providers/" .. providers[cycle % #providers + 1]
  if step == 1 then
    return read("/allocation_candidates?limit=10&resources=VCPU:2,MEMORY_MB:2048,DISK_GB:20")
  elseif step == 2 then
    return claim()
  elseif step == 3 then
    return read("/resource_providers?in_tree=" .. providers[cycle % #providers + 1])
  elseif step == 4 then
    return read(provider .. "/inventories")
  elseif step == 5 then
    return read(provider .. "/aggregates")
  elseif step == 6 then
    return read(provider .. "/traits")
  elseif step == 7 then
    return read(provider .. "/allocations")
  end
  step, cycle = 0, cycle + 1
  if last - first < KEPT then
    return claim()
  end
  return release()
end
