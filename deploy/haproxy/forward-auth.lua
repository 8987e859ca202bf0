-- Asks the auth service who is behind a request, for haproxy.cfg:
--
--   http-request lua.forward_auth http://127.0.0.1:3007/v1/auth/forward
--
-- Let through, the request carries the identity that was said; else the client gets the auth service's refusal. Whatever else
-- happens is an outage: 503, never through.

local identity = {
	"X-User-Id", "X-User-Email", "X-User-Username", "X-User-Type", "X-User-Token-Balance", "X-Auth-Kind",
}
local patience = 5000 -- milliseconds: longer than haproxy.cfg's own limits, for a time-out here is tried again three times

local unavailable = '{"success":false,"message":"Signing in cannot be checked at the moment; try again shortly",' ..
	'"code":"dependency_unavailable"}'

-- values gives a header's values as a list; HAProxy counts them from 0.
local function values(headers, name)
	local found, i = {}, 0
	while headers[name] and headers[name][i] do
		table.insert(found, headers[name][i])
		i = i + 1
	end
	return found
end

local function refuse(txn, response)
	local reply = txn:reply({ status = response.status, body = response.body })
	for _, name in ipairs({ "Content-Type", "WWW-Authenticate", "Retry-After", "X-Request-Id" }) do
		for _, value in ipairs(values(response.headers, name:lower())) do
			reply:add_header(name, value)
		end
	end
	txn:done(reply)
end

local function outage(txn)
	local reply = txn:reply({ status = 503, body = unavailable })
	reply:add_header("Content-Type", "application/json")
	reply:add_header("Retry-After", "1")
	txn:done(reply)
end

core.register_action("forward_auth", { "http-req" }, function(txn, url)
	local headers = { ["x-forwarded-for"] = { txn.f:src() } }
	local authorization = values(txn.http:req_get_headers(), "authorization")
	if #authorization > 0 then
		headers["authorization"] = authorization
	end

	local asked, response = pcall(function()
		return core.httpclient():get({ url = url, headers = headers, timeout = patience })
	end)
	if not asked or not response or not response.headers then
		return outage(txn)
	end
	if response.status == 401 or response.status == 403 or response.status == 503 and response.headers["retry-after"] then
		return refuse(txn, response)
	end
	if response.status ~= 200 then
		return outage(txn)
	end
	for _, name in ipairs(identity) do
		local said = values(response.headers, name:lower())
		if said[1] and said[1] ~= "" then
			txn.http:req_set_header(name, said[1])
		end
	end
end, 1)
