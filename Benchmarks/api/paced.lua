-- Connections of wrk that think before each request, MEAN milliseconds on average, each time another
-- time: `wrk … -s paced.lua URL -- MEAN`. So they don't ask all at once, and make no queue themselves.
local mean

function init(args)
  mean = tonumber(args[1])
  math.randomseed(1)
end

function delay()
  return math.random(0, 2 * mean)
end
