// A name is as the policy has it, unless another set wants it as well.
#include "backends/palo_alto/set_names.h"

#include <unordered_set>
#include <utility>

#include "backends/common/names.h"
#include "support/text.h"

namespace hcipol::backends::palo_alto {

namespace {

using sema::NamedSet;

std::string content_of(const NamedSet& set) {
  return net::to_string(set.set.addresses) + "\n" + net::to_string(set.set.names) + "\n" + set.tag +
         "\n" + net::to_string(set.addresses);
}

}  // namespace

std::vector<const NamedSet*> all_sets(const std::vector<flow::Flow>& flows,
                                      const std::vector<Scope>& scopes) {
  std::vector<const NamedSet*> out;
  std::unordered_set<const NamedSet*> known;
  const auto add_one = [&](const NamedSet* set) {
    if (known.insert(set).second) out.push_back(set);
  };
  for (const flow::Flow& flow : flows) {
    for (const NamedSet* set : flow.from) add_one(set);
    for (const NamedSet* set : flow.to) add_one(set);
  }
  for (const Scope& scope : scopes) {
    add_one(scope.from);
    add_one(scope.to);
  }
  return out;
}

// Sets of servers are lists of hosts even where their addresses happen to be neighbours, so that
// one more server is one more line.
// In other sets two neighbours are read as two hosts, too, rather than as a /31.
std::size_t hosts_apart(NamedSet::Kind kind) {
  const bool servers = kind == NamedSet::Kind::servers || kind == NamedSet::Kind::site ||
                       kind == NamedSet::Kind::node;
  return servers ? 16 : 2;
}

void SetNames::Owners::add(const NamedSet& set) {
  if (first == nullptr) {
    first = &set;
    return;
  }
  clash = clash || set.name != first->name || content_of(set) != content_of(*first);
  mixed = mixed || hosts_apart(set.kind) != hosts_apart(first->kind);
}

SetNames::SetNames(const std::vector<const NamedSet*>& sets, std::string prefix)
    : prefix_(std::move(prefix)) {
  owners_.reserve(sets.size());
  for (const NamedSet* set : sets) owners_[to_lower(slug(set->name))].add(*set);
}

std::string SetNames::of(const NamedSet& set) const {
  std::string name = slug(set.name);
  const std::string key = to_lower(name);
  const Owners& owners = owners_.at(key);
  name.insert(0, prefix_);
  if (owners.clash || owners.mixed || key.empty()) {
    std::string content = set.name + "\n" + content_of(set);
    if (owners.mixed && hosts_apart(set.kind) > 2) content += "\nhosts";
    name += "-" + content_hash(content, 6);
  }
  return name;
}

}  // namespace hcipol::backends::palo_alto
