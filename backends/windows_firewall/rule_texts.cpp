// Windows shows neither a rule's name nor, beside most lists of rules, what it matches: what tells
// two rules of one policy rule apart must stand in the display name.
#include "backends/windows_firewall/rule_texts.h"

#include <fmt/format.h>

#include <algorithm>

#include "backends/common/names.h"
#include "backends/windows_firewall/script_text.h"

namespace hcipol::backends::windows_firewall {

namespace {

// Of ports, types and addresses. Two rules of the same peers do not have so many in common.
constexpr std::size_t most_shown = 8;
constexpr std::size_t longest_peers = 120;

std::string description(const policy::Rule& rule) {
  std::string text = "Rule " + plain(rule.address, 300) + ".";
  const auto add = [&](std::string_view label, std::string_view value) {
    const std::string line = plain(value, 1000);
    if (!line.empty()) text += fmt::format(" {}: {}.", label, line);
  };
  add("Feature", rule.origin.feature_title);
  add("Note", rule.note);
  add("Source", rule.origin.source);
  if (rule.kind == policy::Rule::Kind::exception) {
    add("Exception of", rule.owner);
    if (rule.expires) add("Until", to_string(*rule.expires));
    add("Reason", rule.reason);
  }
  return escaped(text);
}

void append_some(std::string& out, const std::vector<std::string>& texts) {
  const std::size_t shown = texts.size() <= most_shown + 1 ? texts.size() : most_shown;
  for (std::size_t i = 0; i < shown; ++i) out.append(i == 0 ? " " : ", ").append(texts[i]);
  if (shown < texts.size()) out += fmt::format(" and {} more", texts.size() - shown);
}

}  // namespace

Texts rule_texts(const policy::Rule& rule, const Document& document) {
  Texts out;
  std::string title = plain(rule.title, 150);
  if (title.empty()) title = plain(rule.origin.feature_title, 150);
  const std::string address = plain(rule.address, 300);
  out.title = escaped(title.empty() ? address : title);
  if (!title.empty()) out.address = escaped(address);
  out.description = description(rule);
  const std::string_view parts[] = {out.title, out.address, out.description, document.group,
                                    document.profile};
  out.hash = content_hash(fmt::format("{}", fmt::join(parts, "\n")), 16);
  return out;
}

std::string shown_peers(const std::string& names) {
  if (names.size() <= longest_peers) return escaped(plain(names, longest_peers));
  return escaped(plain(names, longest_peers - 10)) + "... " + content_hash(names, 6);
}

std::string display_name(const Rule& rule, std::string_view remote) {
  const Texts& texts = *rule.texts;
  const Match& match = *rule.match;
  std::string out;
  out.reserve(texts.title.size() + texts.address.size() + remote.size() + 64);
  out.append(texts.title).append(": ");
  if (match.protocol.front() <= '9') out += "IP protocol ";
  out += match.protocol == "Any" ? "every protocol" : std::string_view(match.protocol);
  append_some(out, match.ports);
  append_some(out, match.icmp_types);
  out.append(rule.inbound ? " from " : " to ").append(remote);
  out.append(rule.by).append(rule.family);
  if (rule.remote != nullptr) out += rule.remote->place;
  if (rule.at_some) {
    out += " at";
    append_some(out, rule.local->entries);
  }
  if (!texts.address.empty()) out.append(" (").append(texts.address).append(")");
  return out;
}

}  // namespace hcipol::backends::windows_firewall
