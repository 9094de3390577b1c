// Policies of any size for measuring: the shape of a company's rules, the same text on every run.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

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

/// The product's shape: clusters of 16 roles that have 150 rules each, in 30 of 90 features that
/// all of them share. Destinations are groups of up to 30 networks, names, roles and the servers.
/// With `edited`, one rule in a hundred asks for another port.
inline std::string clusters_of(unsigned clusters, bool edited = false) {
  constexpr unsigned roles = 16, groups = 60, features = 90;
  std::string out;
  for (unsigned i = 0; i < roles; ++i) out += fmt::format("role \"r{:02}\" {{}}\n", i);
  for (unsigned i = 0; i < groups; ++i) {
    std::string list;
    for (unsigned n = 0; n <= i % 30; ++n) {
      list +=
          fmt::format("{}172.{}.{}.0/24", n == 0 ? "" : ", ", 16 + i % 16, (i * 7 + n * 5) % 256);
    }
    out += fmt::format("endpoint \"g{:02}\" {{ address = [{}] }}\n", i, list);
  }
  for (unsigned f = 0; f < features; ++f) {
    out += fmt::format("\nfeature \"f{:02}\" {{\n", f);
    for (unsigned i = 0; i < 5; ++i) {
      const unsigned n = f * 5 + i;
      const unsigned port = edited && n % 100 == 7 ? 20001 : 1024 + n * 37 % 9000;
      const std::string to = n % 4 == 0 ? fmt::format("\"h{}.zone{}.example.com\"", n % 40, n % 12)
                             : n % 4 == 1 ? fmt::format("r{:02}", n * 5 % roles)
                             : n % 4 == 2 ? "servers"
                                          : fmt::format("g{:02}", n % groups);
      out += fmt::format("  allow \"a{}\" r{:02} -> {} on [tcp/{}, tcp/{}-{}]\n", i, n % roles, to,
                         port, port + 100, port + 120);
    }
    out += "}\n";
  }
  for (unsigned c = 0; c < clusters; ++c) {
    const unsigned high = 10 + c / 200, low = c % 200;
    out += fmt::format("\ncluster \"c{:03}\" {{\n  node \"n\" {{ address = {}.{}.250.1 }}\n", c,
                       high, low);
    for (unsigned i = 0; i < roles; ++i) {
      out += fmt::format("  role \"r{:02}\" {{ members = {}.{}.{}.0/24 }}\n", i, high, low, i);
    }
    for (unsigned i = 0; i < 30; ++i) {
      out += fmt::format("  enable \"f{:02}\"\n", (c + i * 3) % features);
    }
    out += "}\n";
  }
  return out;
}

struct Company {
  std::string text;
  /// One source, one destination, one range of ports each: the lines of a list without sets.
  std::size_t elementary_rules = 0;
};

/// Clusters like those above, but with the long lists of a cloud: of five rules in a row one each
/// goes to a name, a role, the servers, up to 30 networks, and 40 to 2,500 networks; one in twelve
/// denies.
inline Company company_of(unsigned clusters) {
  constexpr unsigned roles = 16, groups = 200, lists = 40, features = 90;
  Company out;
  std::vector<std::size_t> sizes;
  const auto list = [&](const std::string& name, unsigned size, auto&& network) {
    out.text += fmt::format("endpoint \"{}\" {{ address = [", name);
    for (unsigned n = 0; n < size; ++n) out.text += (n == 0 ? "" : ", ") + network(n);
    out.text += "] }\n";
    sizes.push_back(size);
  };
  for (unsigned i = 0; i < roles; ++i) out.text += fmt::format("role \"r{:02}\" {{}}\n", i);
  for (unsigned i = 0; i < groups; ++i) {
    list(fmt::format("g{:03}", i), 1 + i % 30, [&](unsigned n) {
      return fmt::format("172.{}.{}.0/24", 16 + i % 16, (i * 7 + n * 5) % 256);
    });
  }
  for (unsigned i = 0; i < lists; ++i) {
    list(fmt::format("t{:02}", i), 40 + 2460 * i * i / (lists * lists), [&](unsigned n) {
      return fmt::format("{}.{}.{}.0/28", 20 + i % 20, n / 64 % 256, n % 64 * 4 + i % 3);
    });
  }
  std::vector<std::size_t> elementary(features);
  for (unsigned f = 0; f < features; ++f) {
    out.text += fmt::format("\nfeature \"f{:02}\" {{\n", f);
    for (unsigned i = 0; i < 5; ++i) {
      const unsigned n = f * 5 + i;
      const unsigned port = 1024 + n * 37 % 9000;
      const std::string to[] = {fmt::format("\"h{}.zone{}.example.com\"", n % 40, n % 12),
                                fmt::format("r{:02}", n * 5 % roles), "servers",
                                fmt::format("g{:03}", n % groups),
                                fmt::format("t{:02}", n % lists)};
      out.text += fmt::format("  {} \"a{}\" r{:02} -> {} on [tcp/{}, tcp/{}-{}]\n",
                              n % 12 == 5 ? "deny" : "allow", i, n % roles, to[n % 5], port,
                              port + 100, port + 120);
      const std::size_t width = n % 5 == 3   ? sizes[n % groups]
                                : n % 5 == 4 ? sizes[groups + n % lists]
                                             : 1;
      elementary[f] += 2 * width;
    }
    out.text += "}\n";
  }
  for (unsigned c = 0; c < clusters; ++c) {
    const unsigned high = 10 + c / 200, low = c % 200;
    out.text += fmt::format("\ncluster \"c{:03}\" {{\n  node \"n\" {{ address = {}.{}.250.1 }}\n",
                            c, high, low);
    for (unsigned i = 0; i < roles; ++i) {
      out.text += fmt::format("  role \"r{:02}\" {{ members = {}.{}.{}.0/24 }}\n", i, high, low, i);
    }
    for (unsigned i = 0; i < 30; ++i) {
      const unsigned f = (c + i * 3) % features;
      out.text += fmt::format("  enable \"f{:02}\"\n", f);
      out.elementary_rules += elementary[f];
    }
    out.text += "}\n";
  }
  return out;
}

}  // namespace hcipol::bench
