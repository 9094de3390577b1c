// Sets of packets in JSON, exactly: what is written is read back as the same set.
#pragma once

#include <optional>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "net/packet_set.h"
#include "support/source.h"

namespace hcipol::report {

using Json = nlohmann::ordered_json;

/// ["10.0.0.0/28", "10.0.0.20-10.0.0.22", "fd00::1"].
Json to_json(const net::AddressSet& set);
/// ["a.example", "*.b.example"]. Of the entries that match a name the most specific decides;
/// "except x.b.example" takes out, and "*" stands for every name that no other entry matches.
Json to_json(const net::DomainSet& set);
/// ["tcp/445", "udp/5000-5099", "tcp/any", "icmp/8:0-8:255"]; "ip/47" and "ip/0-5" are whole
/// protocols by number, and "ip/0-255" is every service.
Json to_json(const net::ServiceSet& set);
/// {"addresses": […], "hosts": […]} without what is empty.
Json to_json(const net::PeerSet& set);
/// {"from": {…}, "to": {…}, "service": […]}.
Json to_json(const net::Box& box);

/// {"file": "main.hcipol", "line": 12}; null without a place.
Json place_json(Span span, const SourceMap& sources);

/// The other way; nothing if a text is not one that to_json writes.
std::optional<net::AddressSet> read_addresses(const Json& json);
std::optional<net::DomainSet> read_hosts(const Json& json);
std::optional<net::ServiceSet> read_service(const Json& json);

}  // namespace hcipol::report
