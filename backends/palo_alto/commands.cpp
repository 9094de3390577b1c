// Lines that begin with `#` are for people. In all others stand only names that are made of
// letters, digits, blanks, `.`, `_` and `-`, so no quotation can be broken out of.
#include "backends/palo_alto/commands.h"

#include <fmt/format.h>

#include <algorithm>

#include "backends/palo_alto/set_writer.h"

namespace hcipol::backends::palo_alto {

namespace {

using Names = std::vector<std::string>;

/// What a partial load takes at once.
struct Section {
  std::vector<const char*> path;  ///< "profiles", "custom-url-category"
  Names names;
  bool rules = false;
};

template <class Object>
Names keys(const std::map<std::string, Object>& objects) {
  Names out;
  for (const auto& [name, object] : objects) out.push_back(name);
  return out;
}

/// In an order in which nothing is loaded before what it uses. Without empty ones.
std::vector<Section> sections(const Document& document) {
  std::vector<Section> out{
      {{"tag"}, keys(document.tags)},
      {{"address"}, keys(document.addresses)},
      {{"address-group"}, keys(document.address_groups)},
      {{"application"}, keys(document.applications)},
      {{"service"}, keys(document.services)},
      {{"external-list"}, keys(document.external_lists)},
      {{"schedule"}, keys(document.schedules)},
      {{"profiles", "custom-url-category"}, keys(document.url_categories)},
  };
  const auto add_rules = [&](const std::string& rulebase, const std::vector<SecurityRule>& rules) {
    const auto same = [&](const Section& each) { return each.path.front() == rulebase; };
    auto place = std::find_if(out.begin(), out.end(), same);
    if (place == out.end()) {
      out.push_back({{rulebase.c_str(), "security", "rules"}, {}, true});
      place = out.end() - 1;
    }
    for (const SecurityRule& rule : rules) place->names.push_back(rule.name);
  };
  add_rules(document.location.rulebase, document.rules);
  add_rules(document.location.cleanup_rulebase, document.cleanup);
  std::erase_if(out, [](const Section& section) { return section.names.empty(); });
  return out;
}

std::string xpath(const Location& location, const Section& section) {
  const bool shared =
      section.rules ? location.rules == Location::Rules::shared : location.shared_objects;
  std::string out = "/config/shared";
  if (!shared) {
    out = fmt::format("/config/devices/entry[@name='localhost.localdomain']/{}/entry[@name='{}']",
                      location.panorama() ? "device-group" : "vsys", location.name);
  }
  for (const char* element : section.path) out += fmt::format("/{}", element);
  return out;
}

/// For the command line, which takes a word with a blank in quotation marks only.
std::string quoted_if(const std::string& xpath) {
  return xpath.find(' ') == std::string::npos ? xpath : '"' + xpath + '"';
}

constexpr std::string_view api_function =
    "api() { curl -sS -H \"X-PAN-KEY: $KEY\" \"https://$HOST/api/\" \"$@\"; echo; }\n";

std::string where(const Location& location) {
  switch (location.rules) {
    case Location::Rules::vsys: return "the virtual system " + location.name + " of a firewall";
    case Location::Rules::device_group: return "the device group " + location.name + " of Panorama";
    case Location::Rules::shared: break;
  }
  return "what all device groups of Panorama share";
}

std::string head(const Document& document) {
  return fmt::format(
      "# {0}: {1}.\n"
      "# What the device holds at most it says itself: show system state | match "
      "cfg.general.max\n"
      "# Nothing takes effect before a commit, which is left to you.\n"
      "#\n"
      "# To update, first paste the delete commands of the {2} that belongs to the file that is\n"
      "# loaded now, then load this one, and commit both at once. Without the first step, rules\n"
      "# that are gone stay, and new ones end up behind the clean-up. Rules come behind those "
      "that\n"
      "# are there: if one of them denies everything, `move` it to the bottom afterwards.\n",
      document.file_name, where(document.location), beside(document.file_name, ".remove.txt"));
}

}  // namespace

std::string beside(const std::string& file_name, const std::string& ending) {
  return file_name.substr(0, file_name.rfind('.')) + ending;
}

std::string apply_commands(const Document& document) {
  const std::vector<Section> all = sections(document);
  const std::string& file = document.file_name;
  std::string out = head(document);
  if (document.set_commands) {
    out += fmt::format(
        "\n# In operational mode:\nset cli scripting-mode on\nconfigure\n"
        "# Then paste {}, 30 or 40 lines at a time, and in the end:\nvalidate full\n",
        file);
    return out;
  }
  out += fmt::format(
      "\n# ---- Command line, in operational mode. USER@SERVER:/PATH is where the file lies.\n"
      "scp import configuration from USER@SERVER:/PATH/{}\nconfigure\n",
      file);
  for (const Section& section : all) {
    const std::string path = quoted_if(xpath(document.location, section));
    out += fmt::format("load config partial from {} from-xpath {} to-xpath {} mode merge\n", file,
                       path, path);
  }
  out += fmt::format(
      "validate full\n"
      "\n# ---- Or XML API, from a shell in the folder of {0}; HOST is the device, KEY an API "
      "key.\n"
      "{1}"
      "curl -sS -H \"X-PAN-KEY: $KEY\" -F \"file=@{0}\" "
      "\"https://$HOST/api/?type=import&category=configuration\"; echo\n",
      file, api_function);
  for (const Section& section : all) {
    const std::string path = xpath(document.location, section);
    out += fmt::format(
        "api --data-urlencode \"type=op\" --data-urlencode \"cmd=<load><config><partial>"
        "<from>{}</from><from-xpath>{}</from-xpath><to-xpath>{}</to-xpath><mode>merge</mode>"
        "</partial></config></load>\"\n",
        file, path, path);
  }
  out +=
      "api --data-urlencode \"type=op\" --data-urlencode "
      "\"cmd=<validate><full></full></validate>\"\n";
  return out;
}

std::string remove_commands(const Document& document) {
  std::vector<Section> all = sections(document);
  std::reverse(all.begin(), all.end());
  std::string out = fmt::format(
      "# Takes {} off again, and nothing else. What other rules still use the device refuses to\n"
      "# delete, and it stays. Nothing takes effect before a commit, which is left to you.\n"
      "\n# ---- Command line, in configuration mode:\n",
      document.file_name);
  SetWriter writer("delete");
  for (const Section& section : all) {
    const bool shared = section.rules ? document.location.rules == Location::Rules::shared
                                      : document.location.shared_objects;
    std::size_t open = open_place(writer, document.location, shared);
    for (std::size_t i = 0; i + 1 < section.path.size(); ++i, ++open) writer.open(section.path[i]);
    for (const std::string& name : section.names) writer.text(section.path.back(), name);
    writer.close(open);
  }
  out += writer.take();
  out += "\n# ---- Or XML API, from a shell; HOST is the device, KEY an API key.\n";
  out += api_function;
  for (const Section& section : all) {
    // A name a line, so that one rule more is one line more.
    out += fmt::format(
        "while read -r name; do api --data-urlencode \"type=config\" --data-urlencode "
        "\"action=delete\" --data-urlencode \"xpath={}/entry[@name='$name']\"; done <<'END'\n"
        "{}\nEND\n",
        xpath(document.location, section), fmt::join(section.names, "\n"));
  }
  return out;
}

}  // namespace hcipol::backends::palo_alto
