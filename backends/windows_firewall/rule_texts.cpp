// Windows shows neither a rule's name nor, beside most lists of rules, what it matches: what tells
// two rules of one policy rule apart must stand in the display name.
#include "backends/windows_firewall/rule_texts.h"

#include <fmt/format.h>

#include "backends/common/names.h"
#include "backends/common/text.h"
#include "backends/windows_firewall/peers.h"
#include "backends/windows_firewall/script_text.h"
#include "support/text.h"

namespace hcipol::backends::windows_firewall {

namespace {

// Of ports, types and addresses. Two rules of the same peers do not have so many in common.
constexpr std::size_t most_shown = 8;
constexpr std::size_t longest_peers = 120;

// Appends escaped(plain(text, characters)), which nearly every text is as it is.
void append_text(std::string& out, std::string_view text, std::size_t characters) {
  const std::string_view first = text.substr(0, characters);
  if (printable_ascii_but<'|', '\\'>(first)) {
    out += trim(first);
  } else {
    out += escaped(plain(text, characters));
  }
}

void append_address(std::string& out, const policy::Rule& rule) {
  append_text(out, rule.address, 300);
}

void append_description(std::string& out, const policy::Rule& rule) {
  out += "Rule ";
  append_address(out, rule);
  out += '.';
  const auto add = [&out](std::string_view label, std::string_view value) {
    if (value.empty()) return;
    const std::size_t before = out.size();
    put(out, " ", label, ": ");
    const std::size_t begin = out.size();
    append_text(out, value, 1000);
    if (out.size() == begin) {
      out.resize(before);
    } else {
      out += '.';
    }
  };
  add("Feature", rule.origin.feature_title);
  add("Note", rule.note);
  add("Source", rule.origin.source);
  if (rule.kind == policy::Rule::Kind::exception) {
    add("Exception of", rule.owner);
    if (rule.expires) add("Until", to_string(*rule.expires));
    add("Reason", rule.reason);
  }
}

void append_some(std::string& out, const std::vector<std::string>& texts) {
  const std::size_t shown = texts.size() <= most_shown + 1 ? texts.size() : most_shown;
  for (std::size_t i = 0; i < shown; ++i) put(out, i == 0 ? " " : ", ", texts[i]);
  if (shown < texts.size()) out += fmt::format(" and {} more", texts.size() - shown);
}

}  // namespace

void set_texts(Texts& out, const policy::Rule& rule, const Document& document) {
  std::string& all = out.all;
  all.reserve(2 * rule.address.size() + rule.title.size() + rule.note.size() +
              2 * rule.origin.feature_title.size() + rule.origin.source.size() +
              document.group.size() + document.profile.size() + 64);
  append_text(all, rule.title, 150);
  if (all.empty()) append_text(all, rule.origin.feature_title, 150);
  const bool titled = !all.empty();
  if (!titled) append_address(all, rule);
  const std::size_t title = all.size();
  all += '\n';
  if (titled) append_address(all, rule);
  const std::size_t address = all.size();
  all += '\n';
  append_description(all, rule);
  const std::size_t description = all.size();
  put(all, "\n", document.group, "\n", document.profile);
  all += content_hash(all, 16);
  const std::string_view text = all;
  out.title = text.substr(0, title);
  out.address = text.substr(title + 1, address - title - 1);
  out.description = text.substr(address + 1, description - address - 1);
  out.hash = text.substr(all.size() - 16);
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
