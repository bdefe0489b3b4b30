-- Requests are lines of a file: method, path, token and perhaps an ETag, divided by tabs. Each thread has its own share.
local threads = {}

function setup(thread)
  thread:set("id", #threads)
  table.insert(threads, thread)
end

function init(args)
  requests, position = {}, 0
  local number = 0
  for line in io.lines(args[1]) do
    if number % tonumber(args[2]) == id then
      local method, path, token, etag = line:match("([^\t]*)\t([^\t]*)\t([^\t]*)\t?(.*)")
      local headers = { Authorization = "Bearer " .. token }
      if etag ~= "" then headers["If-None-Match"] = etag end
      if method ~= "GET" then headers["Content-Length"] = "0" end
      table.insert(requests, wrk.format(method, path, headers))
    end
    number = number + 1
  end
end

function request()
  position = position % #requests + 1
  return requests[position]
end

function done(summary, latency)
  io.write(string.format(
    'RESULT {"requests": %d, "microseconds": %d, "p50": %d, "p99": %d, "refused": %d, "broken": %d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), summary.errors.status,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout))
end
