// The compiler itself says what is open, through the whole pipeline.
#include "tests/support/imported.h"

#include <gtest/gtest.h>

#include <map>
#include <regex>

#include "diagnostics/render.h"
#include "net/domain_set.h"
#include "net/service.h"
#include "tests/support/compiled.h"

namespace hcipol::test {

Outcome import_list(const std::string& name, const std::string& text,
                    const std::vector<std::string>& flags) {
  Session session;
  session.files = TestFiles(std::map<std::string, std::string>{{name, text}});
  std::vector<std::string> words{"import", "endpoints", name, "--format", "short"};
  words.insert(words.end(), flags.begin(), flags.end());
  return session.run(words);
}

Opened opened_by(const std::string& imported, const std::string& cloud) {
  static const std::regex feature("feature \"([^\"]+)\"");
  std::smatch name;
  if (!std::regex_search(imported, name, feature)) {
    ADD_FAILURE() << "there is no feature in\n" << imported;
    return {};
  }
  driver::Compilation compilation;
  const std::string cluster = "\ncluster \"lab\" {\n  cloud = \"" + cloud +
                              "\"\n  node \"n1\" { address = 10.1.0.11 }\n  enable \"" +
                              name[1].str() + "\"\n}\n";
  if (!compile(imported + cluster, compilation)) {
    ADD_FAILURE() << render_short(compilation.reporter.sorted(), compilation.sources) << imported;
    return {};
  }
  Opened out;
  for (const policy::Rule& rule : compilation.policy.clusters.at(0).rules) {
    EXPECT_EQ(rule.kind, policy::Rule::Kind::allow);
    EXPECT_FALSE(rule.both_ways);
    for (const sema::NamedSet* part : rule.to.parts) {
      EXPECT_TRUE(part->set.addresses.empty());
      for (const net::DomainPattern& pattern : part->set.names.patterns()) {
        for (const net::ServiceRange range : rule.service.ranges()) {
          const auto one = net::to_string(net::ServiceSet::of({range}));
          out.emplace(net::to_string(pattern), one);
        }
      }
    }
  }
  return out;
}

namespace {

struct Service {
  std::uint8_t protocol;
  std::uint32_t first, last;
};

Service service_of(const std::string& text) {
  const std::size_t slash = text.find('/');
  const std::size_t dash = text.find('-');
  const auto number = [&](std::size_t at) {
    return static_cast<std::uint32_t>(std::stoul(text.substr(at + 1)));
  };
  const std::uint32_t first = number(slash);
  return {net::protocol_number(text.substr(0, slash)).value(), first,
          dash == std::string::npos ? first : number(dash)};
}

/// The hosts that are open on one port.
net::DomainSet hosts_on(const Opened& opened, std::uint8_t protocol, std::uint32_t port) {
  std::vector<net::DomainPattern> patterns;
  for (const auto& [host, text] : opened) {
    const Service service = service_of(text);
    if (service.protocol != protocol || port < service.first || port > service.last) continue;
    patterns.push_back(net::parse_pattern(host).value());
  }
  return net::DomainSet::of(std::move(patterns));
}

}  // namespace

std::string difference(const Opened& expected, const Opened& actual) {
  // Between two of these ports nothing changes.
  std::set<std::pair<std::uint8_t, std::uint32_t>> ports;
  for (const Opened* side : {&expected, &actual}) {
    for (const auto& [host, text] : *side) {
      const Service service = service_of(text);
      ports.emplace(service.protocol, service.first);
      ports.emplace(service.protocol, service.last + 1);
    }
  }
  std::string out;
  for (const auto& [protocol, port] : ports) {
    const net::DomainSet wanted = hosts_on(expected, protocol, port);
    const net::DomainSet found = hosts_on(actual, protocol, port);
    const std::string where = " on " + net::protocol_name(protocol) + "/" + std::to_string(port);
    if (wanted != found) {
      out += "- " + net::to_string(wanted - found) + where + "\n+ " +
             net::to_string(found - wanted) + where + "\n";
    }
  }
  return out;
}

}  // namespace hcipol::test
