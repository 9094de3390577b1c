// Windows shows neither a rule's name nor, beside most lists of rules, what it matches: what tells
// two rules of one policy rule apart must stand in the display name.
#include "backends/windows_firewall/rule_texts.h"

#include <fmt/format.h>

#include <algorithm>

#include "backends/common/names.h"
#include "backends/common/text.h"
#include "backends/windows_firewall/peers.h"
#include "backends/windows_firewall/script_text.h"

namespace hcipol::backends::windows_firewall {

namespace {

// Of ports, types and addresses. Two rules of the same peers do not have so many in common.
constexpr std::size_t most_shown = 8;
constexpr std::size_t longest_peers = 120;

std::string description(const policy::Rule& rule, std::string_view address) {
  std::string text;
  text.reserve(address.size() + 6 + rule.origin.feature_title.size() + rule.note.size());
  put(text, "Rule ", address, ".");
  const auto add = [&](std::string_view label, std::string_view value) {
    if (value.empty()) return;
    const std::string line = plain(value, 1000);
    if (!line.empty()) put(text, " ", label, ": ", line, ".");
  };
  add("Feature", rule.origin.feature_title);
  add("Note", rule.note);
  add("Source", rule.origin.source);
  if (rule.kind == policy::Rule::Kind::exception) {
    add("Exception of", rule.owner);
    if (rule.expires) add("Until", to_string(*rule.expires));
    add("Reason", rule.reason);
  }
  return escaped(std::move(text));
}

void append_some(std::string& out, const std::vector<std::string>& texts) {
  const std::size_t shown = texts.size() <= most_shown + 1 ? texts.size() : most_shown;
  for (std::size_t i = 0; i < shown; ++i) put(out, i == 0 ? " " : ", ", texts[i]);
  if (shown < texts.size()) out += fmt::format(" and {} more", texts.size() - shown);
}

}  // namespace

Texts rule_texts(const policy::Rule& rule, const Document& document) {
  Texts out;
  std::string title = plain(rule.title, 150);
  if (title.empty()) title = plain(rule.origin.feature_title, 150);
  std::string address = plain(rule.address, 300);
  out.description = description(rule, address);
  if (title.empty()) {
    out.title = escaped(std::move(address));
  } else {
    out.title = escaped(std::move(title));
    out.address = escaped(std::move(address));
  }
  std::string all;
  all.reserve(out.title.size() + out.address.size() + out.description.size() +
              document.group.size() + document.profile.size() + 4);
  put(all, out.title, "\n", out.address, "\n", out.description, "\n", document.group, "\n",
      document.profile);
  out.hash = content_hash(all, 16);
  return out;
}

std::string shown_peers(const std::string& names) {
  if (names.size() <= longest_peers) return escaped(plain(names, longest_peers));
  return escaped(plain(names, longest_peers - 10)) + "... " + content_hash(names, 6);
}

std::string display_name(const Form& form) {
  const Texts& texts = *form.texts;
  const Shape& shape = form.shape;
  const Match& match = *shape.match;
  const std::string& remote = shape.peers->shown;
  std::string out;
  out.reserve(texts.title.size() + texts.address.size() + remote.size() + 64);
  put(out, texts.title, ": ", match.protocol.front() <= '9' ? "IP protocol " : "",
      match.protocol == "Any" ? "every protocol" : std::string_view(match.protocol));
  append_some(out, match.ports);
  append_some(out, match.icmp_types);
  put(out, shape.inbound ? " from " : " to ", remote, shape.by, shape.family);
  if (shape.remote != nullptr) out += shape.remote->place;
  if (shape.at != nullptr) {
    out += " at";
    append_some(out, shape.at->entries);
  }
  if (!texts.address.empty()) put(out, " (", texts.address, ")");
  return out;
}

}  // namespace hcipol::backends::windows_firewall
