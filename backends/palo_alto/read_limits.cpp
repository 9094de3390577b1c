// Figures and patterns are those of the schema that PAN-OS 10.0 serves, as far as no other source
// is named; they are written down here a second time, because the printer's could be wrong.
#include "backends/palo_alto/read_limits.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "backends/common/read_text.h"
#include "support/text.h"

namespace hcipol::backends::palo_alto {

namespace {

using pugi::xml_node;

constexpr std::size_t most_tags = 64;
constexpr std::size_t most_members = 65'535;   // capirca's paloaltofw.py
constexpr std::size_t longest_file_name = 32;  // netbox-panorama-configpump #12

bool letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool all_of(std::string_view text, std::string_view beside_letters_and_digits) {
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return letter_or_digit(c) || beside_letters_and_digits.find(c) != std::string_view::npos;
  });
}

bool plain_name(std::string_view name) {
  return all_of(name, " ._-") && (letter_or_digit(name.front()) || name.front() == '_') &&
         name.back() != ' ';
}
bool category_name(std::string_view name) {
  return all_of(name, " ._-") && !(name.front() >= '0' && name.front() <= '9') &&
         name.front() != ' ';
}
// Vendor's documentation of schedules: letters, digits, blanks, hyphens and underscores.
bool schedule_name(std::string_view name) {
  return plain_name(name) && all_of(name, " _-");
}
bool tag_name(std::string_view name) {
  return name.find_first_of("[]'") == std::string_view::npos && name != "none";
}

struct LimitedSection {
  const char* path;
  std::size_t longest_name;
  bool (*legal)(std::string_view name);
  std::size_t most;
  const char* text;  ///< what of an entry people read
  std::size_t longest_text;
};

constexpr LimitedSection limited_sections[] = {
    {"tag", 127, tag_name, 10'000, "comments", 1023},
    {"address", 63, plain_name, 162'400, "description", 1023},
    {"address-group", 63, plain_name, 102'400, "description", 1023},
    {"application", 31, plain_name, 6416, "description", 1023},
    {"service", 63, plain_name, 102'400, "description", 1023},
    {"external-list", 63, plain_name, 102'400, "description", 255},
    {"schedule", 31, schedule_name, 102'400, "description", 255},
    {"profiles/custom-url-category", 31, category_name, 102'400, "description", 255},
};

class Checker {
 public:
  explicit Checker(std::string_view file) : file_(file) {}

  void check(const Configuration& configuration) {
    for (const LimitedSection& section : limited_sections) check(configuration.objects(), section);
    std::size_t rules = 0;
    for (const char* rulebase : configuration.rulebases()) {
      const xml_node list = configuration.rules().child(rulebase).child("security").child("rules");
      for (const xml_node& rule : list.children()) {
        check_rule(rule);
        ++rules;
      }
    }
    if (rules > 102'400) fail(configuration.rules(), "too many rules");
    check_place(configuration.rules());
  }

 private:
  void check_place(xml_node place) const {
    const std::string_view name = place.attribute("name").value();
    if (name.size() > 31) fail(place, "its name");
  }

  void check(xml_node base, const LimitedSection& section) {
    const xml_node list = base.first_element_by_path(section.path);
    std::size_t count = 0;
    // Addresses, groups and lists stand in the same fields of rules.
    const std::string_view path = section.path;
    const bool peers = path == "address" || path == "address-group" || path == "external-list";
    std::set<std::string>& names = names_[peers ? "peers" : section.path];
    for (const xml_node& entry : list.children()) {
      const std::string_view name = entry.attribute("name").value();
      if (name.empty() || name.size() > section.longest_name || !section.legal(name)) {
        fail(entry, "its name");
      }
      // A load writes into what the device has under a name, so all names must be ours.
      const std::string_view ours = path == "tag" ? "hcipol" : "hci-";
      if (!name.starts_with(ours)) fail(entry, "a name that may be somebody else's");
      if (name == "any" || name == "0.0.0.0" || name == "application-default") {
        fail(entry, "a reserved name");
      }
      if (!names.insert(std::string(name)).second) fail(entry, "a name that is taken");
      check_text(entry, section.text, section.longest_text);
      check_list(entry, "tag", most_tags);
      check_list(entry, "static", 102'400);
      check_value(entry);
      ++count;
    }
    if (count > section.most) fail(list, "too many of them");
  }

  // What only some kinds of objects have.
  void check_value(xml_node entry) const {
    if (const xml_node fqdn = entry.child("fqdn")) {
      const std::string_view text = fqdn.text().get();
      const bool legal = text.size() >= 3 && text.size() <= 255 && all_of(text, "._-") &&
                         (letter_or_digit(text.front()) || text.front() == '_') &&
                         letter_or_digit(text.back());
      if (!legal) fail(entry, "its host name");
      // Release notes: names with capitals did not match before 10.2.10-h12.
      if (text != to_lower(text)) fail(entry, "capitals in a host name");
    }
    for (const char* protocol : {"tcp", "udp"}) {
      const xml_node port = entry.child("protocol").child(protocol).child("port");
      if (std::string_view(port.text().get()).size() > 1023) fail(entry, "its ports");
    }
    const xml_node url = entry.child("type").child("ip").child("url");
    if (std::string_view(url.text().get()).size() > 255) fail(entry, "its URL");
    const xml_node profile = entry.child("type").child("ip").child("certificate-profile");
    if (std::string_view(profile.text().get()).size() > 63) fail(entry, "its profile");
    for (const xml_node& member : entry.child("list").children()) check_url(member);
  }

  // Vendor's "Guidelines for URL Category Exceptions": a wildcard is a whole token.
  void check_url(xml_node member) const {
    const std::string_view url = member.text().get();
    if (url.size() > 255 || url.find("://") != std::string_view::npos) fail(member, "a URL");
    constexpr std::string_view separators = "./?&=;+";
    std::string_view before = ".";
    for (std::size_t at = 0; at < url.size();) {
      const std::size_t end = std::min(url.find_first_of(separators, at), url.size());
      const std::string_view token = url.substr(at, end - at);
      const bool wild = token.find_first_of("*^") != std::string_view::npos;
      if (wild && token.size() != 1) fail(member, "a wildcard within a word");
      if (token == "*" && before == "*") fail(member, "two wildcards in a row");
      before = token;
      at = end + 1;
    }
  }

  void check_rule(xml_node rule) const {
    const std::string_view name = rule.attribute("name").value();
    if (name.empty() || name.size() > 63 || !plain_name(name)) fail(rule, "its name");
    for (const char* reserved : {"any", "intrazone-default", "interzone-default"}) {
      if (name == reserved) fail(rule, "a reserved name");
    }
    check_text(rule, "description", 1024);
    check_text(rule, "group-tag", 127);
    check_text(rule, "log-setting", 63);
    check_list(rule, "tag", most_tags);
    for (const char* list : {"source", "destination", "service", "category", "application"}) {
      check_list(rule, list, most_members);
    }
    for (const char* list : {"from", "to"}) {
      check_list(rule, list, most_members);
      for (const xml_node& zone : rule.child(list).children()) {
        if (std::string_view(zone.text().get()).size() > 31) fail(rule, "a zone");
      }
    }
    if (std::string_view(rule.child_value("rule-type")) == "intrazone" && !same_zones(rule)) {
      fail(rule, "an intrazone rule between different zones");
    }
    const xml_node group = rule.child("profile-setting").child("group");
    check_list(rule.child("profile-setting"), "group", 1);
    if (std::string_view(group.child("member").text().get()).size() > 31) fail(rule, "its profile");
  }

  static bool same_zones(xml_node rule) {
    const auto zones = [&](const char* list) {
      std::set<std::string_view> out;
      for (const xml_node& zone : rule.child(list).children()) out.insert(zone.text().get());
      return out;
    };
    return zones("from") == zones("to");
  }

  // Release notes of 10.1.0: Panorama's command line does not refuse a member that stands twice.
  void check_list(xml_node parent, const char* name, std::size_t most) const {
    const xml_node list = parent.child(name);
    const xml_node first = list.first_child();
    if (!first.next_sibling()) return;
    std::set<std::string_view> members;
    for (const xml_node& member : list.children()) {
      if (!members.insert(member.text().get()).second) fail(list, "a member that stands twice");
    }
    if (members.size() > most) fail(list, "too many members");
  }

  void check_text(xml_node entry, const char* name, std::size_t longest) const {
    if (std::string_view(entry.child_value(name)).size() > longest) {
      fail(entry, fmt::format("a {} of more than {} bytes", name, longest));
    }
  }

  [[noreturn]] void fail(xml_node node, std::string_view what) const {
    for (xml_node at = node; at; at = at.parent()) {
      if (!at.attribute("name")) continue;
      unreadable(file_, node, fmt::format("{} ({})", what, at.attribute("name").value()));
    }
    unreadable(file_, node, what);
  }

  std::string_view file_;
  std::map<std::string_view, std::set<std::string>> names_;
};

}  // namespace

void check_limits(std::string_view file, const Configuration& configuration) {
  if (file.size() > longest_file_name) throw Unreadable(file, 0, "its own name is too long");
  Checker(file).check(configuration);
}

}  // namespace hcipol::backends::palo_alto
