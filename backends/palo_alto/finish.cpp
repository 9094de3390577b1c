// The last steps look at rules side by side; none depends on their order.
#include "backends/palo_alto/finish.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <unordered_map>

#include "backends/common/names.h"
#include "backends/palo_alto/names.h"
#include "support/hash.h"
#include "support/text.h"

namespace hcipol::backends::palo_alto {

namespace {

// A packet belongs to one application, and to one of ours rather than to a predefined one: what
// means all of ICMP must name ours too, or another rule would take their types out of it.
void complete_icmp(Document& document) {
  Members icmp;
  Members icmp6;
  for (const auto& [name, application] : document.applications) {
    if (application.ident == Application::Ident::icmp_type) icmp.push_back(name);
    if (application.ident == Application::Ident::icmp6_type) icmp6.push_back(name);
  }
  const auto complete = [](Members& list, std::string_view all, const Members& ours) {
    if (ours.empty() || std::find(list.begin(), list.end(), all) == list.end()) return;
    list.insert(list.end(), ours.begin(), ours.end());
    std::sort(list.begin(), list.end());
    list.erase(std::unique(list.begin(), list.end()), list.end());
  };
  for (Members& list : document.application_lists) {
    complete(list, "icmp", icmp);
    complete(list, "ipv6-icmp", icmp6);
  }
}

/// One hash for names that differ in nothing but capitals; perhaps, but hardly ever, for others.
std::uint64_t hash_without_case(std::string_view name) {
  std::uint64_t hash = name.size();
  for (std::size_t at = 0; at < name.size(); at += sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, name.data() + at, std::min(sizeof word, name.size() - at));
    mix(hash, word | 0x2020'2020'2020'2020);  // the one bit that capitals lack
  }
  return hash;
}

bool surely_all_differ(const Document& document) {
  std::vector<std::uint64_t> hashes;
  hashes.reserve(document.rules.size() + document.cleanup.size());
  for (const auto* rules : {&document.rules, &document.cleanup}) {
    for (const SecurityRule& rule : *rules) hashes.push_back(hash_without_case(rule.name));
  }
  std::sort(hashes.begin(), hashes.end());
  return std::adjacent_find(hashes.begin(), hashes.end()) == hashes.end();
}

// Rules that want one name all get a hash of what they are, so that no name depends on which came
// first.
void name_rules(Document& document, const std::vector<Identity>& identities) {
  if (surely_all_differ(document)) return;
  std::unordered_map<std::string, int> wanted;
  for (const auto* rules : {&document.rules, &document.cleanup}) {
    for (const SecurityRule& rule : *rules) ++wanted[to_lower(rule.name)];
  }
  auto identity = identities.begin();
  for (auto* rules : {&document.rules, &document.cleanup}) {
    for (SecurityRule& rule : *rules) {
      const Identity& own = *identity++;
      if (wanted[to_lower(rule.name)] == 1) continue;
      const std::string hash = "-" + content_hash(own.text(), 8);
      rule.name = rule.name.substr(0, name_limit - hash.size()) + hash;
    }
  }
}

void define_tags(Document& document, std::string_view cluster) {
  document.tags[document.object_tag] = {"color3", "Made by hcipolc from a policy, not by hand"};
  document.tags[document.cluster_tag] = {
      "color24", "Azure Stack HCI cluster " + plain_text(cluster, object_description_limit / 2)};
  const bool exceptions = std::any_of(document.rules.begin(), document.rules.end(),
                                      [](const SecurityRule& rule) { return rule.exception; });
  if (!exceptions) return;
  document.tags[std::string(exception_tag)] = {"color1", "An exception with an owner and an end"};
}

}  // namespace

void finish(Document& document, const std::vector<Identity>& identities, std::string_view cluster) {
  complete_icmp(document);
  name_rules(document, identities);
  define_tags(document, cluster);
}

}  // namespace hcipol::backends::palo_alto
