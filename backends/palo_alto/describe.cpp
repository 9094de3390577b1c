// Each piece has a limit of its own, so that a long title cannot push the owner or the source out.
#include "backends/palo_alto/describe.h"

#include <fmt/format.h>

#include <utility>

#include "backends/palo_alto/document.h"
#include "backends/palo_alto/names.h"

namespace hcipol::backends::palo_alto {

std::string describe(const policy::Rule& rule) {
  std::string out = plain_text(rule.address, 200);
  const bool exception = rule.kind == policy::Rule::Kind::exception;
  // What encloses an exception's rules is called "Exception CHG1", which is said below.
  const std::string& title =
      rule.title.empty() && !exception ? rule.origin.feature_title : rule.title;
  if (!title.empty()) out += ": " + plain_text(title, 200);
  if (exception) {
    out += fmt::format("{} Exception until {}, owner {}, reason: {}", title.empty() ? ":" : ".",
                       rule.expires ? to_string(*rule.expires) : "-", plain_text(rule.owner, 100),
                       plain_text(rule.reason, 300));
    if (out.ends_with('.')) out.pop_back();  // of the reason
  }
  if (!rule.origin.source.empty()) out += ". Source: " + plain_text(rule.origin.source, 150);
  return plain_text(std::move(out), rule_description_limit);
}

std::string describe_cleanup(std::string_view cluster, const sema::NamedSet& from,
                             const sema::NamedSet& to) {
  return plain_text(
      fmt::format("Default deny of cluster {}: what no rule above allows from {} to {}",
                  plain_text(cluster, 100), plain_text(from.name, 200), plain_text(to.name, 200)),
      rule_description_limit);
}

std::string describe_scope(const sema::NamedSet& from, const sema::NamedSet& to,
                           const net::ServiceSet& service) {
  // The clean-up's own sets have names of hashes.
  const auto end = [](const sema::NamedSet& set) {
    const bool literal = set.kind == sema::NamedSet::Kind::literal;
    return plain_text(literal ? net::to_string(set.set.addresses) : set.name, 200);
  };
  std::string out = end(from) + " -> " + end(to);
  if (!service.is_any()) out += " on " + plain_text(net::to_string(service), 100);
  return out;
}

}  // namespace hcipol::backends::palo_alto
