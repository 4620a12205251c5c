-- Rewrites attributes of the cookies that a service sets.
--
-- The rules are in the filter context of the route: cookie_rewrite_rules[cookie name] holds Path, Domain and SameSite
-- (their new text) and Secure (whether it is there), each only if it is to be changed.

-- The attributes behind a cookie's value: names in order, and the text of each.
local function parse(text)
  local names, texts = {}, {}
  for attribute in text:gmatch("[^;]+") do
    attribute = attribute:gsub("^%s+", "")
    local name = attribute:match("^[^=]*")
    if attribute ~= "" then
      if texts[name] == nil then
        names[#names + 1] = name
      end
      texts[name] = attribute
    end
  end
  return names, texts
end

-- Sets the attribute to text, or removes it if that is nil.
local function set(names, texts, name, text)
  if texts[name] == nil and text ~= nil then
    names[#names + 1] = name
  end
  texts[name] = text
end

local function rewrite(handle, rules, header)
  local name = header:match("^([^=]*)=")
  local rule = name and rules[name]
  if rule == nil then
    return header
  end
  handle:logDebug("rewriting attributes of cookie " .. name)
  local value, rest = header:match("^[^=]*=([^;]*);?(.*)$")
  local names, texts = parse(rest)
  for _, attribute in ipairs({ "Path", "Domain", "SameSite" }) do
    if rule[attribute] ~= nil then
      set(names, texts, attribute, attribute .. "=" .. rule[attribute])
    end
  end
  if rule.Secure == true then
    set(names, texts, "Secure", "Secure")
  elseif rule.Secure == false then
    set(names, texts, "Secure", nil)
  end
  local parts = { name .. "=" .. value }
  for _, attribute in ipairs(names) do
    parts[#parts + 1] = texts[attribute]
  end
  return table.concat(parts, "; ")
end

function envoy_on_response(handle)
  local rules = handle:filterContext():get("cookie_rewrite_rules")
  if rules == nil then
    return
  end
  local headers = handle:headers()
  local cookies = {}
  for index = 0, headers:getNumValues("set-cookie") - 1 do
    cookies[#cookies + 1] = rewrite(handle, rules, headers:getAtIndex("set-cookie", index))
  end
  if #cookies == 0 then
    return
  end
  headers:remove("set-cookie")
  for _, cookie in ipairs(cookies) do
    headers:add("set-cookie", cookie)
  end
end
