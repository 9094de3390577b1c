// A policy with one of everything that the Palo Alto backend writes, in few rules.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "backends/common/names.h"
#include "palo_alto_policy.h"

namespace hcipol::backends::palo_alto::testing {

inline void sample(World& world) {
  world.servers("10.1.0.11 10.1.0.12 fd00:10:1::11");
  NamedSet* servers = world.servers();
  NamedSet* management = world.role("management", "10.0.5.0/28");
  NamedSet* backup = world.role("backup", "10.0.7.1-10.0.7.9");
  NamedSet* login = world.endpoint("hci/login", {"login.example.com"});
  NamedSet* update = world.endpoint("hci/update", {"*.update.example.com"});
  world.allow("main/admin.rdp", {management}, {servers}, tcp(3389));
  world.allow("main/admin.winrm", {management}, {servers}, tcp(5985, 5986) | tcp(9999));
  world.allow("main/admin.ping", {management}, {servers}, icmp(8) | icmp(13));
  world.allow("main/backup.agent", {backup}, {servers}, tcp(6160) | udp(6161));
  world.allow("main/cloud.login", {servers}, {login}, tcp(443));
  world.allow("main/cloud.update", {servers}, {update}, tcp(80) | tcp(443));
  world.deny("main/quarantine.rdp", {world.role("wac", "10.0.5.10")}, {servers}, tcp(3389));
  const auto exception = [&](std::string address, std::string from, const char* expires) {
    Rule& rule = world.rule(Rule::Kind::exception, std::move(address), {world.literal(from)},
                            {servers}, tcp(445));
    rule.owner = "j.doe@contoso.example";
    rule.reason = "A file server moves.";
    rule.expires = *parse_date(expires);
  };
  exception("main/CHG1.vendor", "203.0.113.40", "2022-06-30");
  exception("main/CHG2.vendor", "203.0.113.41", "2023-01-31");
}

/// Two host names whose address objects would have one name: it is cut, and so is the hash.
inline std::pair<std::string, std::string> colliding_hosts() {
  const std::string beginning = std::string(60, 'h') + ".";
  std::map<std::string, std::string> seen;
  for (unsigned i = 0; i < 200'000; ++i) {
    const std::string host = beginning + "n" + std::to_string(i) + ".example";
    const auto [known, fresh] = seen.try_emplace(shortened("hci-fqdn-" + host, 63), host);
    if (!fresh) return {known->second, host};
  }
  return {};
}

}  // namespace hcipol::backends::palo_alto::testing
