// Builds device policies for the azure-firewall tests, piece by piece.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "backends/azure_firewall/azure_firewall.h"
#include "flow/flow.h"
#include "tests/unit/backends/proved.h"

namespace hcipol::test::azure {

using net::ServiceSet;
using policy::NamedSet;
using Kind = policy::Rule::Kind;
using Sets = std::vector<const NamedSet*>;

inline net::AddressSet addresses(const std::vector<std::string>& texts) {
  net::AddressSet out;
  for (const std::string& text : texts) {
    if (const auto dash = text.find('-'); dash != std::string::npos) {
      out = out | net::AddressSet(net::AddressRange{*net::parse_address(text.substr(0, dash)),
                                                    *net::parse_address(text.substr(dash + 1))});
    } else if (const auto slash = text.find('/'); slash != std::string::npos) {
      const auto address = *net::parse_address(text.substr(0, slash));
      const auto length = static_cast<unsigned>(std::stoul(text.substr(slash + 1)));
      out = out | net::AddressSet(net::Cidr{net::first_of(address, length), length});
    } else {
      out = out | net::AddressSet(*net::parse_address(text));
    }
  }
  return out;
}

inline net::DomainSet names(const std::vector<std::string>& texts) {
  std::vector<net::DomainPattern> patterns;
  for (const std::string& text : texts) patterns.push_back(*net::parse_pattern(text));
  return net::DomainSet::of(std::move(patterns));
}

inline ServiceSet tcp(std::uint16_t first, std::uint16_t last = 0) {
  return ServiceSet::ports(net::protocol::tcp, first, last == 0 ? first : last);
}
inline ServiceSet udp(std::uint16_t first, std::uint16_t last = 0) {
  return ServiceSet::ports(net::protocol::udp, first, last == 0 ? first : last);
}

/// What the backend gave, and what it reported.
struct Outcome {
  backends::Emission emission;
  Reporter reporter;

  const std::string& text() const { return emission.artefacts.at(0).text; }
  const std::string& parameters() const { return emission.artefacts.at(1).text; }
  std::size_t count(Diag id) const {
    std::size_t n = 0;
    for (const Diagnostic& diagnostic : reporter.sorted()) n += diagnostic.id == id;
    return n;
  }
  /// All messages with their notes, one a line.
  std::string messages() const {
    std::string out;
    for (const Diagnostic& diagnostic : reporter.sorted()) {
      out += std::string(entry(diagnostic.id).code) + " " + diagnostic.message + "\n";
      for (const std::string& note : diagnostic.notes) out += "  " + note + "\n";
    }
    return out;
  }
};

class Builder {
 public:
  explicit Builder(const std::string& cluster = "prod") {
    policy_.clusters.emplace_back().name = cluster;
    policy_.targets.push_back({"azure-firewall", "", {}});
    device_.policy = &policy_;
    device_.cluster = &policy_.clusters.front();
    view_.target = &policy_.targets.front();
    device_.view = &view_;
  }
  Builder(const Builder&) = delete;
  Builder& operator=(const Builder&) = delete;

  const NamedSet* set(std::string name, const std::vector<std::string>& texts,
                      NamedSet::Kind kind = NamedSet::Kind::role) {
    NamedSet out;
    out.kind = kind;
    out.name = std::move(name);
    out.set.addresses = addresses(texts);
    return add(std::move(out));
  }
  const NamedSet* endpoint(std::string name, const std::vector<std::string>& patterns,
                           std::string tag = {}, const std::vector<std::string>& at = {},
                           const std::vector<std::string>& behind_tag = {}) {
    NamedSet out;
    out.kind = NamedSet::Kind::endpoint;
    out.name = std::move(name);
    out.set.names = patterns.empty() && !tag.empty() ? net::DomainSet(NamedSet::tag_name(tag))
                                                     : names(patterns);
    out.tag = std::move(tag);
    out.addresses = addresses(at);
    out.tag_addresses = addresses(behind_tag);
    return add(std::move(out));
  }
  const NamedSet* everything(std::string name, const net::AddressSet& at, NamedSet::Kind kind) {
    NamedSet out;
    out.kind = kind;
    out.name = std::move(name);
    out.set = {at, net::DomainSet::all()};
    return add(std::move(out));
  }
  const NamedSet* any() { return everything("any", net::AddressSet::all(), NamedSet::Kind::any); }
  const NamedSet* internet() {
    return everything("internet", net::internet_addresses(), NamedSet::Kind::internet);
  }
  const NamedSet* add(NamedSet set) { return &policy_.sets.emplace_back(std::move(set)); }

  /// The rule "module/feature.rule" with one flow. Returns the rule, for titles and the like.
  policy::Rule& flow(const std::string& address, Sets from, Sets to, ServiceSet service,
                     Kind kind = Kind::allow, const std::string& id_suffix = {}) {
    policy::Rule& rule = device_rules().emplace_back();
    rule.kind = kind;
    rule.address = address;
    rule.origin.module = address.substr(0, address.find('/'));
    const auto dot = address.find('.', address.find('/'));
    rule.origin.feature = address.substr(address.find('/') + 1, dot - address.find('/') - 1);
    rule.origin.rule = address.substr(dot + 1);
    rule.from.parts = from;
    rule.to.parts = to;
    rule.service = service;
    device_.flows.push_back(
        {kind, std::move(from), std::move(to), std::move(service), &rule, address + id_suffix});
    return rule;
  }

  template <class T>
  Builder& option(const std::string& name, T value) {
    view_.options[name].data = std::move(value);
    return *this;
  }
  Builder& option(const std::string& name, const char* value) {
    return option(name, std::string(value));
  }
  Builder& option(const std::string& name, int value) { return option(name, std::int64_t{value}); }

  policy::Policy& policy() { return policy_; }
  const flow::DevicePolicy& device() const { return device_; }
  std::vector<flow::Flow>& flows() { return device_.flows; }
  policy::TargetView& view() { return view_; }

  Outcome emit() {
    Outcome out;
    backends::EmitContext context(out.reporter, device_);
    const auto backend = backends::azure_firewall::backend();
    out.emission = backend.emit(device_, context);
    expect_proved(backend, device_, out.emission, out.reporter);
    return out;
  }

 private:
  std::deque<policy::Rule>& device_rules() { return policy_.clusters.front().rules; }

  policy::Policy policy_;
  policy::TargetView view_;
  flow::DevicePolicy device_;
};

}  // namespace hcipol::test::azure
