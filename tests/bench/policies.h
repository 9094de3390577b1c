// Policies of any size for measuring: the shape of a company's rules, the same text on every run.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <string>

namespace hcipol::bench {

/// One cluster of two servers and `rules` rules in features of 50: roles, literal networks, single
/// addresses and host names, one to three services each.
inline std::string policy_of(unsigned rules) {
  constexpr unsigned roles = 200;
  std::string out;
  for (unsigned i = 0; i < roles; ++i) {
    out += fmt::format("role \"team-{:03}\" {{ members = 10.{}.{}.0/24 }}\n", i, 100 + i / 250,
                       i % 250);
  }
  std::string enables;
  for (unsigned at = 0, feature = 0; at < rules; ++feature) {
    enables += fmt::format("  enable \"feature-{:04}\"\n", feature);
    out += fmt::format("\nfeature \"feature-{:04}\" {{\n", feature);
    for (unsigned end = std::min(rules, at + 50); at < end; ++at) {
      const unsigned port = 1024 + at % 50000;
      switch (at % 4) {
        case 0:
          out += fmt::format("  allow \"r{:05}\" team-{:03} -> servers on tcp/{}\n", at, at % roles,
                             port);
          break;
        case 1:
          out += fmt::format("  allow \"r{:05}\" 10.{}.{}.0/24 -> servers on [tcp/{}, udp/{}]\n",
                             at, at % 90, at / 90 % 250, port, port + 7);
          break;
        case 2:
          out += fmt::format("  allow \"r{:05}\" servers -> 172.16.{}.{} on tcp/{}-{}\n", at,
                             at / 250 % 250, at % 250, port, port + 3);
          break;
        default:
          out += fmt::format("  allow \"r{:05}\" servers -> \"h{:05}.example.com\" on tcp/443\n",
                             at, at);
      }
    }
    out += "}\n";
  }
  out +=
      "\ncluster \"lab\" {\n  node \"n1\" { address = 10.200.0.11 }\n"
      "  node \"n2\" { address = 10.200.0.12 }\n\n" +
      enables + "}\n";
  return out;
}

}  // namespace hcipol::bench
