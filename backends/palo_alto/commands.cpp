// Lines that begin with `#` are for people. In all others stand only names that are made of
// letters, digits, blanks, `.`, `_` and `-`, so no quotation can be broken out of.
#include "backends/palo_alto/commands.h"

#include <fmt/format.h>

#include <algorithm>

#include "backends/palo_alto/heads.h"
#include "backends/palo_alto/set_writer.h"

namespace hcipol::backends::palo_alto {

namespace {

using Names = std::vector<std::string_view>;

/// What a partial load takes at once.
struct Section {
  std::vector<const char*> path;  ///< "profiles", "custom-url-category"
  Names names;                    ///< the document's
  bool rules = false;
};

template <class Object>
Names keys(const std::map<std::string, Object>& objects) {
  Names out;
  out.reserve(objects.size());
  for (const auto& [name, object] : objects) out.push_back(name);
  return out;
}

/// A line for each of the names.
void add_lines(std::string& out, std::string_view begin, const Names& names, std::string_view end) {
  std::size_t size = names.size() * (begin.size() + end.size());
  for (const std::string_view name : names) size += name.size();
  out.reserve(out.size() + size);
  for (const std::string_view name : names) {
    out += begin;
    out += name;
    out += end;
  }
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
    place->names.reserve(place->names.size() + rules.size());
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

/// The documented form: "Xpath Location Formats Determined by Device Configuration" (CLI Quick
/// Start) has what is loaded without /config, and where it goes with it.
std::string from_xpath(const std::string& xpath) {
  return xpath.substr(std::string_view("/config/").size());
}

// The device says in the body of its answer whether it has done what it was asked for: 1 if not, 2
// if it cannot be asked at all (no connection, a key that is wrong or may do nothing). The key goes
// to curl by its input, since arguments are seen by everybody on the machine.
constexpr std::string_view api_function =
    "api() {\n"
    "  query=$1; shift\n"
    "  answer=$(printf 'X-PAN-KEY: %s\\n' \"$KEY\" | curl -sS -H @- "
    "\"https://$HOST/api/$query\" \"$@\") || return 2\n"
    "  printf '%s\\n' \"$answer\"\n"
    "  case $answer in\n"
    "    *'<response status=\"success\"'*) return 0 ;;\n"
    "    *'code=\"16\"'*|*'code=\"403\"'*|*\"code = '403'\"*|*'Invalid Credential'*) return 2 ;;\n"
    "  esac\n"
    "  return 1\n"
    "}\n";

constexpr std::string_view lock_command = "request commit-lock add\n";
// Whoever has the lock already goes on with it. The answer names the one who has it ("Commit lock
// is already held by admin"), and `adm` is another than `admin` and than `adm.in`.
constexpr std::string_view lock_function =
    "lock() {\n"
    "  : \"${ADMIN:?}\"\n"
    "  api \"\" --data-urlencode \"type=op\" --data-urlencode "
    "\"cmd=<request><commit-lock><add></add></commit-lock></request>\" && return\n"
    "  case $answer in\n"
    "    *'already own'*|*\"already held by $ADMIN\"[\\<\\ \\\"]*|"
    "*\"already held by $ADMIN\".[\\<\\ \\\"]*) ;;\n"
    "    *'already held by'*)\n"
    "      echo 'the lock is held: if by yourself, give it up (request commit-lock remove) and run "
    "again' >&2\n"
    "      return 1 ;;\n"
    "    *) return 1 ;;\n"
    "  esac\n"
    "}\n";

// A rule that is there already is where it shall be.
constexpr std::string_view move_function =
    "move() {\n"
    "  api \"\" \"$@\" && return\n"
    "  case $answer in *'already at the top'*) ;; *) return 1 ;; esac\n"
    "}\n";

// The answer to `validate full` is the number of a job, whose end has what it found.
constexpr std::string_view validate_function =
    "validate() {\n"
    "  api \"\" --data-urlencode \"type=op\" --data-urlencode "
    "\"cmd=<validate><full></full></validate>\" || return 1\n"
    "  job=${answer#*<job>}; job=${job%%</job>*}\n"
    "  case $job in ''|*[!0-9]*) return 1 ;; esac\n"
    "  while api \"\" --data-urlencode \"type=op\" --data-urlencode "
    "\"cmd=<show><jobs><id>$job</id></jobs></show>\"; do\n"
    "    case $answer in\n"
    "      *'<status>FIN</status>'*'<result>OK</result>'*) return 0 ;;\n"
    "      *'<result>OK</result>'*'<status>FIN</status>'*) return 0 ;;\n"
    "      *'<status>FIN</status>'*) break ;;\n"
    "    esac\n"
    "    sleep 5\n"
    "  done\n"
    "  echo 'not valid: do not commit' >&2\n"
    "  return 1\n"
    "}\n";

// What the device refuses to delete stays; if it cannot be asked, nothing goes on.
constexpr std::string_view remove_function =
    "remove() {\n"
    "  api \"\" --data-urlencode \"type=config\" --data-urlencode \"action=delete\" "
    "--data-urlencode \"xpath=$1\" && return\n"
    "  [ $? -eq 1 ] || exit 1\n"
    "  echo \"refused: $name\" >&2\n"
    "  return 1\n"
    "}\n";

/// The names of rules in the order in which moving one after the other leaves them in theirs.
Names in_order_of_moves(Names names, bool to_top) {
  if (to_top) std::reverse(names.begin(), names.end());
  return names;
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

void add_moves_by_line(std::string& out, const Document& document,
                       const std::vector<Section>& all) {
  for (const Section& section : all) {
    if (!section.rules) continue;
    const bool to_top = goes_to_top(document, section);
    const std::string begin = beginning("move", document, section);
    const std::string end = to_top ? " top\n" : " before " + command_word(document.before) + "\n";
    add_lines(out, begin, in_order_of_moves(section.names, to_top), end);
  }
}

void add_moves_by_api(std::string& out, const Document& document, const std::vector<Section>& all) {
  out += move_function;
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
    add_lines(out, "", in_order_of_moves(section.names, to_top), "\n");
    out += "END\n";
  }
}

/// A comment with the command that shows what a partial load can lose.
std::string look_at_groups(const Document& document, const std::vector<Section>& all) {
  if (!may_lose_members(document)) return {};
  for (const Section& section : all) {
    if (std::string_view(section.path.front()) != "address-group") continue;
    return fmt::format(
        "# Before the commit, see that the groups have all of their members:\n# {}\n",
        trim(beginning("show", document, section)));
  }
  return {};
}

std::string apply_commands(const Document& document, const std::vector<Section>& all) {
  const std::string& file = document.file_name;
  std::string out = head_of_apply(document);
  if (document.set_commands) {
    out += fmt::format(
        "\n# In operational mode:\nset cli scripting-mode on\n{}configure\n"
        "# Then paste {}, 30 or 40 lines at a time, and after it:\n",
        lock_command, file);
    add_moves_by_line(out, document, all);
    out += "validate full\n";
    return out;
  }
  out += fmt::format(
      "\n# ---- Command line. First, in operational mode, this line alone: it asks for the key of\n"
      "# ---- the host where the file lies, and for a password. Wait until it says that the file "
      "is\n"
      "# ---- saved, and look at it: show config saved {0}\n"
      "scp import configuration from USER@SERVER:/PATH/{0}\n"
      "\n# ---- Then (in an update after the command line of the former {1}), 30 or 40\n"
      "# ---- lines at a time:\n"
      "set cli scripting-mode on\n{2}configure\n",
      file, beside(file, ".remove.txt"), lock_command);
  for (const Section& section : all) {
    const std::string path = xpath(document.location, section);
    out += fmt::format("load config partial from {} from-xpath {} to-xpath {} mode merge\n", file,
                       quoted_if(from_xpath(path)), quoted_if(path));
  }
  add_moves_by_line(out, document, all);
  out += fmt::format(
      "validate full\n{}"
      "\n# ---- Or XML API, from a shell in the folder of {}. It stops at the first thing that "
      "the\n"
      "# ---- device refuses, and waits for what the validation finds.\n"
      "{}(set -eu\n{}{}lock\n"
      "api \"?type=import&category=configuration\" -F \"file=@{}\"\n",
      look_at_groups(document, all), file, about_api(), api_function, lock_function, file);
  for (const Section& section : all) {
    const std::string path = xpath(document.location, section);
    out += fmt::format(
        "api \"\" --data-urlencode \"type=op\" --data-urlencode \"cmd=<load><config><partial>"
        "<from>{}</from><from-xpath>{}</from-xpath><to-xpath>{}</to-xpath><mode>merge</mode>"
        "</partial></config></load>\"\n",
        file, from_xpath(path), path);
  }
  add_moves_by_api(out, document, all);
  out += validate_function;
  out += "validate\n)\n";
  return out;
}

/// `all` is in an order in which nothing is taken away before what uses it.
std::string remove_commands(const Document& document, const std::vector<Section>& all) {
  std::string out = head_of_remove(document);
  out += fmt::format(
      "\n# ---- Command line, in operational mode, 30 or 40 lines at a time:\n"
      "set cli scripting-mode on\n{}configure\n",
      lock_command);
  for (const Section& section : all) {
    add_lines(out, beginning("delete", document, section), section.names, "\n");
  }
  // What is pasted next begins in operational mode.
  out += fmt::format(
      "exit\n"
      "\n# ---- Or XML API, from a shell. It goes on when the device refuses something, and says\n"
      "# ---- what; it fails if that was a rule, or if the device cannot be asked.\n"
      "{}(set -u\nstays=0\n{}{}lock || exit 1\n{}",
      about_api(), api_function, lock_function, remove_function);
  for (const Section& section : all) {
    // A name a line, so that one rule more is one line more.
    out += fmt::format(
        "while read -r name; do remove \"{}/entry[@name='$name']\" || {}; done <<'END'\n",
        xpath(document.location, section), section.rules ? "stays=1" : ":");
    add_lines(out, "", section.names, "\n");
    out += "END\n";
  }
  out += "exit $stays)\n";
  return out;
}

}  // namespace

Commands commands(const Document& document) {
  std::vector<Section> all = sections(document);
  Commands out;
  out.apply = apply_commands(document, all);
  std::reverse(all.begin(), all.end());
  out.remove = remove_commands(document, all);
  return out;
}

}  // namespace hcipol::backends::palo_alto
