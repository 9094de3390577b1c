// How values are called in messages.
#include "sema/value.h"

namespace hcipol::sema {

namespace {

std::string describe_peers(const Peers& peers) {
  if (peers.parts.size() != 1) return "a list of peers";
  const NamedSet& set = *peers.parts.front();
  switch (set.kind) {
    case NamedSet::Kind::role: return "the role `" + set.name + "`";
    case NamedSet::Kind::endpoint: return "the endpoint `" + set.name + "`";
    case NamedSet::Kind::site: return "the site `" + set.name + "`";
    case NamedSet::Kind::node: return "the node `" + set.name + "`";
    case NamedSet::Kind::proxy: return "the proxy `" + set.name + "`";
    case NamedSet::Kind::literal: return set.set.names.empty() ? "an address" : "a host name";
    default: return "`" + set.name + "`";
  }
}

struct Describe {
  std::string operator()(std::monostate) const { return "null"; }
  std::string operator()(bool) const { return "true or false"; }
  std::string operator()(std::int64_t) const { return "a number"; }
  std::string operator()(const std::string&) const { return "a string"; }
  std::string operator()(const Peers& peers) const { return describe_peers(peers); }
  std::string operator()(const net::ServiceSet&) const { return "a service"; }
  std::string operator()(Date) const { return "a date"; }
  std::string operator()(Duration) const { return "a duration"; }
  std::string operator()(const Flow&) const { return "a flow"; }
  std::string operator()(const List&) const { return "a list"; }
  std::string operator()(const Map&) const { return "an object"; }
  std::string operator()(const Reference& reference) const { return reference.what; }
};

}  // namespace

std::string describe(const Value& value) {
  return std::visit(Describe{}, value.data);
}

}  // namespace hcipol::sema
