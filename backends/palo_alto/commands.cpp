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

// The device says in the body of its answer whether it has done what it was asked for.
constexpr std::string_view api_function =
    "api() {\n"
    "  query=$1; shift\n"
    "  answer=$(curl -sS -H \"X-PAN-KEY: $KEY\" \"https://$HOST/api/$query\" \"$@\") || return 1\n"
    "  printf '%s\\n' \"$answer\"\n"
    "  case $answer in *'<response status=\"success\"'*) ;; *) return 1 ;; esac\n"
    "}\n";

// A rule that is there already is where it shall be.
constexpr std::string_view move_function =
    "move() {\n"
    "  api \"\" \"$@\" && return\n"
    "  case $answer in *'already at the top'*) ;; *) return 1 ;; esac\n"
    "}\n";

std::string where(const Location& location) {
  switch (location.rules) {
    case Location::Rules::vsys: return "the virtual system " + location.name + " of a firewall";
    case Location::Rules::device_group: return "the device group " + location.name + " of Panorama";
    case Location::Rules::shared: break;
  }
  return "what all device groups of Panorama share";
}

// What only Panorama's firewalls can tell: whether zones and profiles exist, and how much they
// hold.
std::string about_panorama(const Location& location) {
  std::string line = "commit-all shared-policy";
  std::string api = "<commit-all><shared-policy>";
  if (location.rules == Location::Rules::device_group) {
    line += " device-group " + quoted_if(location.name);
    api += fmt::format("<device-group><entry name=\"{}\"/></device-group>", location.name);
  }
  return fmt::format(
      "# Panorama knows no zones: what `validate full` says here is only that the rules are well\n"
      "# formed. After your commit to Panorama, and before the push, let the firewalls look:\n"
      "#   {} validate-only yes\n"
      "# or by API type=commit, action=all,\n"
      "#   cmd={}<validate-only>yes</validate-only></shared-policy></commit-all>\n"
      "# Without the push nothing changes on any firewall. What one holds at most it says itself:\n"
      "# show system state | match cfg.general.max\n",
      line, api);
}

std::string about_place(const Document& document) {
  const Location& location = document.location;
  std::string out =
      "# PAN-OS asks rules from the top and takes the first that matches, and a load puts rules\n"
      "# behind those that are there, after an update as well. So the `move` commands are part of\n"
      "# each load: they put ours as one block, in their order, ";
  out +=
      document.before.empty() ? "on top.\n" : fmt::format("right before `{}`.\n", document.before);
  out +=
      "# Whatever stands above the block decides first: an allow there that matches the servers\n"
      "# opens what the policy closes, a deny closes what it opens.\n";
  if (document.denies_rest) {
    out +=
        "# Whatever stands below gets no traffic of the servers any more, for the block ends with\n"
        "# the clean-up that denies it.\n";
  }
  if (!location.panorama()) return out;
  if (location.rules == Location::Rules::device_group) {
    out += "# Pre-rules of parent device groups and of `shared` come before all of these.\n";
  }
  if (location.rulebase != location.cleanup_rulebase) {
    out +=
        "# A firewall's own rules come between the rules and the clean-up, which stands on top of\n"
        "# the post-rules.\n";
  }
  return out;
}

std::string head(const Document& document) {
  return fmt::format(
      "# {0}: {1}.\n"
      "{3}"
      "# Nothing takes effect before a commit, which is left to you.\n"
      "#\n"
      "# To update, first paste the delete commands of the {2} that belongs to the file that is\n"
      "# loaded now, then load this one, and commit both at once. Without the first step, rules\n"
      "# that are gone stay. What rules of yours use the device refuses to delete, and a load "
      "adds\n"
      "# to what is there: of such a group take by hand what is gone from it.\n"
      "#\n"
      "{4}",
      document.file_name, where(document.location), beside(document.file_name, ".remove.txt"),
      document.location.panorama()
          ? about_panorama(document.location)
          : "# What the device holds at most it says itself: show system state | match "
            "cfg.general.max\n",
      about_place(document));
}

/// Names of rules in the order in which moving one after the other leaves them in theirs.
template <class Take>
void for_each_move(const Names& names, bool to_top, Take take) {
  if (to_top) {
    std::for_each(names.rbegin(), names.rend(), take);
  } else {
    std::for_each(names.begin(), names.end(), take);
  }
}

/// `before` is a rule of the rules' rule base; the clean-up's may be another.
bool goes_to_top(const Document& document, const Section& section) {
  return document.before.empty() || section.path.front() != document.location.rulebase;
}

/// What a command on an entry of the section begins with. Names are words as they are.
std::string beginning(std::string_view verb, const Document& document, const Section& section) {
  SetWriter writer(verb);
  const bool shared = section.rules ? document.location.rules == Location::Rules::shared
                                    : document.location.shared_objects;
  open_place(writer, document.location, shared);
  for (const char* element : section.path) writer.open(element);
  return writer.beginning();
}

std::string moves_by_line(const Document& document, const std::vector<Section>& all) {
  std::string out;
  for (const Section& section : all) {
    if (!section.rules) continue;
    const bool to_top = goes_to_top(document, section);
    const std::string begin = beginning("move", document, section);
    const std::string end = to_top ? " top\n" : " before " + command_word(document.before) + "\n";
    for_each_move(section.names, to_top, [&](const std::string& name) {
      out += begin;
      out += name;
      out += end;
    });
  }
  return out;
}

std::string moves_by_api(const Document& document, const std::vector<Section>& all) {
  std::string out(move_function);
  for (const Section& section : all) {
    if (!section.rules) continue;
    const bool to_top = goes_to_top(document, section);
    const std::string where =
        to_top ? "\"where=top\""
               : fmt::format("\"where=before\" --data-urlencode \"dst={}\"", document.before);
    out += fmt::format(
        "while read -r name; do move --data-urlencode \"type=config\" --data-urlencode "
        "\"action=move\" --data-urlencode \"xpath={}/entry[@name='$name']\" --data-urlencode {}; "
        "done <<'END'\n",
        xpath(document.location, section), where);
    for_each_move(section.names, to_top, [&](const std::string& name) {
      out += name;
      out += '\n';
    });
    out += "END\n";
  }
  return out;
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
        "# Then paste {}, 30 or 40 lines at a time, and after it:\n",
        file);
    out += moves_by_line(document, all);
    out += "validate full\n";
    return out;
  }
  out += fmt::format(
      "\n# ---- Command line, in operational mode, 30 or 40 lines at a time. USER@SERVER:/PATH is\n"
      "# ---- where the file lies.\n"
      "set cli scripting-mode on\n"
      "scp import configuration from USER@SERVER:/PATH/{}\nconfigure\n",
      file);
  for (const Section& section : all) {
    const std::string path = quoted_if(xpath(document.location, section));
    out += fmt::format("load config partial from {} from-xpath {} to-xpath {} mode merge\n", file,
                       path, path);
  }
  out += moves_by_line(document, all);
  out += fmt::format(
      "validate full\n"
      "\n# ---- Or XML API, from a shell in the folder of {0}; HOST is the device, KEY an API "
      "key.\n"
      "# ---- It stops at the first thing that the device refuses.\n"
      "(set -eu\n"
      "{1}"
      "api \"?type=import&category=configuration\" -F \"file=@{0}\"\n",
      file, api_function);
  for (const Section& section : all) {
    const std::string path = xpath(document.location, section);
    out += fmt::format(
        "api \"\" --data-urlencode \"type=op\" --data-urlencode \"cmd=<load><config><partial>"
        "<from>{}</from><from-xpath>{}</from-xpath><to-xpath>{}</to-xpath><mode>merge</mode>"
        "</partial></config></load>\"\n",
        file, path, path);
  }
  out += moves_by_api(document, all);
  out +=
      "api \"\" --data-urlencode \"type=op\" --data-urlencode "
      "\"cmd=<validate><full></full></validate>\"\n"
      ")\n";
  return out;
}

std::string remove_commands(const Document& document) {
  std::vector<Section> all = sections(document);
  std::reverse(all.begin(), all.end());
  std::string out = fmt::format(
      "# Takes {} off again, and nothing else. What other rules still use the device refuses to\n"
      "# delete, and it stays. Nothing takes effect before a commit, which is left to you.\n"
      "\n# ---- Command line, in operational mode, 30 or 40 lines at a time:\n"
      "set cli scripting-mode on\nconfigure\n",
      document.file_name);
  for (const Section& section : all) {
    const std::string begin = beginning("delete", document, section);
    for (const std::string& name : section.names) {
      out += begin;
      out += name;
      out += '\n';
    }
  }
  out +=
      "\n# ---- Or XML API, from a shell; HOST is the device, KEY an API key. It goes on when the\n"
      "# ---- device refuses something, and says what.\n"
      "(set -u\n";
  out += api_function;
  for (const Section& section : all) {
    // A name a line, so that one rule more is one line more.
    out += fmt::format(
        "while read -r name; do api \"\" --data-urlencode \"type=config\" --data-urlencode "
        "\"action=delete\" --data-urlencode \"xpath={}/entry[@name='$name']\" || echo \"refused: "
        "$name\" >&2; done <<'END'\n"
        "{}\nEND\n",
        xpath(document.location, section), fmt::join(section.names, "\n"));
  }
  out += ")\n";
  return out;
}

}  // namespace hcipol::backends::palo_alto
