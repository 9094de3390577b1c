// dnsmasq's files as dnsmasq reads them: which names lead into which sets, and for how long.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "backends/common/reading.h"
#include "net/domain_set.h"

namespace hcipol::backends::gateway {

/// By reference to a set, what makes the DomainSet of the names that fill it.
using LearntNames = std::map<std::string, std::vector<net::DomainSet::Entry>, std::less<>>;

/// Lines `option=/domain/reference,reference`. Semantics: dnsmasq(8) 2.90 and what was measured of
/// it (a domain is itself and all below it; of the lines that match a name the longest counts).
/// Throws Unreadable, also for a reference of which `fault` says something.
LearntNames read_domains(std::string_view file, std::string_view text, std::string_view option,
                         const std::function<std::string(std::string_view reference)>& fault);

/// The longest that an answer stays in a cache, in seconds. Throws Unreadable.
unsigned read_cache(std::string_view file, std::string_view text);

}  // namespace hcipol::backends::gateway
