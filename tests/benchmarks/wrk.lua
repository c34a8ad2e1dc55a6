-- Posts simulated bodies, each made distinct by a first field of its own, and prints JSON.
local bodies, run, sent = {}, nil, 0

function init(arguments)
    for line in io.lines(arguments[1]) do
        bodies[#bodies + 1] = line
    end
    run = arguments[2]
    wrk.method = "POST"
    wrk.headers["Content-Type"] = "application/json"
end

function request()
    sent = sent + 1
    local body = bodies[sent % #bodies + 1]
    local own = '{"delivery":"' .. run .. "-" .. sent .. '",' .. body:sub(2)
    return wrk.format(nil, nil, nil, own)
end

function done(summary, latency, requests)
    local errors = summary.errors
    print(string.format(
        '\n{"requests":%d,"per_second":%.1f,"p50_ms":%.3f,"p95_ms":%.3f,"p99_ms":%.3f,"errors":%d}',
        summary.requests,
        summary.requests / summary.duration * 1e6,
        latency:percentile(50) / 1e3,
        latency:percentile(95) / 1e3,
        latency:percentile(99) / 1e3,
        errors.connect + errors.read + errors.write + errors.status + errors.timeout
    ))
end
