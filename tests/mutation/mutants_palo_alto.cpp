// ConfigFaults of a printer of configurations, made in the tree of the XML.
#include <pugixml.hpp>
#include <sstream>

#include "tests/mutation/mutants.h"

namespace hcipol::test {

namespace {

using Node = pugi::xml_node;

class ConfigFaults {
 public:
  ConfigFaults(const backends::Emission& emission, Mutants& out)
      : text_(emission.artefacts.front().text), out_(out) {}

  /// Changes each node that the XPath expression finds; `edit` says whether it could be applied.
  void each(std::string_view fault, const char* path, const std::function<bool(Node)>& edit,
            std::size_t most = 6) {
    pugi::xml_document first;
    first.load_string(text_.c_str());
    std::vector<std::size_t> places;
    const auto found = first.select_nodes(path);
    for (std::size_t i = 0; i < found.size(); ++i) {
      pugi::xml_document copy;
      copy.load_string(text_.c_str());
      if (edit(copy.select_nodes(path)[i].node())) places.push_back(i);
    }
    for (const std::size_t p : spread(places.size(), most)) {
      pugi::xml_document changed;
      changed.load_string(text_.c_str());
      const Node node = changed.select_nodes(path)[places[p]].node();
      const std::string place = node.path() + " " + name_above(node);
      edit(node);
      std::ostringstream out;
      changed.save(out, "  ");
      add(fault, place, out.str());
    }
  }
  void add(std::string_view fault, std::string_view place, std::string text) {
    out_.push_back({std::string(fault), std::string(place), {{0, std::move(text)}}, {}});
  }
  const std::string& text() const { return text_; }

 private:
  static std::string name_above(Node node) {
    for (; node; node = node.parent()) {
      if (node.attribute("name")) return node.attribute("name").value();
    }
    return {};
  }

  std::string text_;
  Mutants& out_;
};

bool set(Node node, std::string_view from, const char* to) {
  if (node.text().get() != from) return false;
  return node.text().set(to);
}

bool remove(Node node) {
  return node.parent().remove_child(node);
}

bool remove_one_of_several(Node list) {
  if (!list.first_child().next_sibling()) return false;
  return list.remove_child(list.first_child());
}

/// The list becomes one member.
bool only(Node list, const char* member) {
  if (std::string_view(list.child("member").text().get()) == member) return false;
  list.remove_children();
  return list.append_child("member").text().set(member);
}

void swap_lists(Node rule, const char* a, const char* b) {
  rule.child(a).set_name("spare");
  rule.child(b).set_name(a);
  rule.child("spare").set_name(b);
}

#define RULES "//rules/entry"

void config_rules(ConfigFaults& faults) {
  faults.each("removed rule", RULES, remove, 16);
  faults.each("added rule", RULES, [](Node rule) {
    Node more = rule.parent().insert_copy_before(rule, rule);
    more.attribute("name").set_value("more");
    more.child("action").text().set("allow");
    only(more.child("destination"), "any");
    return only(more.child("source"), "any");
  });
  faults.each(
      "changed action", RULES "/action",
      [](Node action) { return set(action, "allow", "deny") || set(action, "deny", "allow"); }, 10);
  faults.each("unknown action", RULES "/action",
              [](Node node) { return set(node, "deny", "drop"); });
  faults.each("wrong order", RULES "[action='deny']", [](Node rule) {
    const Node first = rule.parent().first_child();
    if (first == rule) return false;
    return static_cast<bool>(rule.parent().insert_move_before(rule, first));
  });
  faults.each("swapped source and destination", RULES, [](Node rule) {
    const std::string from = rule.child("source").child("member").text().get();
    if (from == rule.child("destination").child("member").text().get()) return false;
    if (std::string_view(rule.child("category").child("member").text().get()) != "any")
      return false;
    swap_lists(rule, "source", "destination");
    return true;
  });
  faults.each("swapped zones", RULES, [](Node rule) {
    const std::string from = rule.child("from").child("member").text().get();
    if (from == rule.child("to").child("member").text().get()) return false;
    swap_lists(rule, "from", "to");
    return true;
  });
  faults.each("changed zone", RULES "/to", [](Node list) { return only(list, "elsewhere"); });
  faults.each("changed type", RULES "/rule-type", [](Node type) {
    return set(type, "universal", "intrazone") || set(type, "intrazone", "interzone") ||
           set(type, "interzone", "intrazone");
  });
  faults.each("every service", RULES "/service", [](Node list) { return only(list, "any"); });
  faults.each("every source", RULES "/source", [](Node list) { return only(list, "any"); });
  faults.each("every destination", RULES "/destination",
              [](Node list) { return only(list, "any"); });
  faults.each("every category", RULES "/category", [](Node list) { return only(list, "any"); });
  faults.each("lost member", RULES "/source", remove_one_of_several);
  faults.each("lost member", RULES "/destination", remove_one_of_several);
  faults.each("lost service", RULES "/service", remove_one_of_several);
  faults.each("lost application", RULES "/application", remove_one_of_several);
  faults.each("disabled rule", RULES "/action", [](Node action) {
    return action.parent().insert_child_before("disabled", action).text().set("yes");
  });
  faults.each("negation", RULES "/action", [](Node action) {
    return action.parent().insert_child_before("negate-source", action).text().set("yes");
  });
  faults.each("users", RULES "/source-user", [](Node list) { return only(list, "known-user"); });
  faults.each("lost schedule", RULES "/schedule", remove);
  faults.each("schedule of a rule for ever", RULES "[not(schedule)][action='allow']",
              [](Node rule) {
                const Node schedule = rule.root().select_node("//schedule/entry").node();
                return schedule && rule.insert_child_after("schedule", rule.child("application"))
                                       .text()
                                       .set(schedule.attribute("name").value());
              });
  faults.each("application beside ports", RULES "/application[member='any']",
              [](Node list) { return only(list, "ms-rdp"); });
  faults.each("unknown attribute", RULES,
              [](Node rule) { return rule.append_attribute("loc").set_value("x"); });
  faults.each("empty list", RULES "/source", [](Node list) { return list.remove_children(); });
  faults.each("undefined object", RULES "/destination/member", [](Node member) {
    if (std::string_view(member.text().get()) == "any") return false;
    return member.text().set("nothing-of-this-name");
  });
}

void config_objects(ConfigFaults& faults) {
  faults.each(
      "widened prefix", "//address/entry/ip-netmask",
      [](Node node) {
        // By two bits: by one, a host may become what it and its neighbour in the group are.
        const auto once = widened(node.text().get());
        const auto wide = once ? widened(*once) : once;
        return wide && node.text().set(wide->c_str());
      },
      10);
  faults.each("lost member", "//address-group/entry/static", remove_one_of_several, 10);
  faults.each("removed object", "//address/entry", remove);
  faults.each("removed object", "//service/entry", remove);
  faults.each("changed range", "//address/entry/ip-range", [](Node node) {
    const std::string text = node.text().get();
    const auto dash = text.find('-');
    return node.text().set((text.substr(0, dash) + "-" + text.substr(0, dash)).c_str());
  });
  faults.each("changed name", "//address/entry/fqdn", [](Node node) {
    return node.text().set((std::string("x.") + node.text().get()).c_str());
  });
  faults.each("changed port", "//service/entry/protocol/*/port", [](Node node) {
    if (std::string_view(node.text().get()) == "0-65535") return false;
    return node.text().set((std::string(node.text().get()) + ",9").c_str());
  });
  faults.each("changed protocol", "//service/entry/protocol/tcp",
              [](Node node) { return node.set_name("udp"); });
  faults.each(
      "widened wildcard", "//custom-url-category/entry/list/member",
      [](Node node) {
        const std::string text = node.text().get();
        const auto wide = text.starts_with("*.") ? without_label(text) : std::optional("*." + text);
        return wide && node.text().set(wide->c_str());
      },
      10);
  faults.each("open end of a name", "//custom-url-category/entry/list/member", [](Node node) {
    std::string text = node.text().get();
    text.pop_back();
    return node.text().set(text.c_str());
  });
  faults.each("lost name", "//custom-url-category/entry/list", remove_one_of_several);
  faults.each("removed application", "//application/entry", remove);
  faults.each("changed application", "//ident-by-icmp-type/type | //ident-by-icmp6-type/type",
              [](Node node) { return node.text().set("42"); });
  faults.each("another URL", "//external-list/entry/type/ip/url",
              [](Node node) { return node.text().set("https://evil.example/list"); });
  faults.each("later end", "//schedule/entry//member", [](Node node) {
    std::string text = node.text().get();
    text[17] = '9';
    return node.text().set(text.c_str());
  });
  faults.each("earlier end", "//schedule/entry//member", [](Node node) {
    std::string text = node.text().get();
    return node.text().set((text.substr(0, 17) + "2001" + text.substr(21)).c_str());
  });
  faults.each("later beginning", "//schedule/entry//member", [](Node node) {
    std::string text = node.text().get();
    return node.text().set(("2020" + text.substr(4)).c_str());
  });
  faults.each("unknown object", "//address", [](Node section) {
    return static_cast<bool>(
        section.parent().insert_child_after("application-filter", section).append_child("entry"));
  });
  faults.each("two kinds of address", "//address/entry",
              [](Node entry) { return entry.prepend_child("fqdn").text().set("a.example.com"); });
}

/// Of the commands beside a configuration, and of one in their form.
void command_faults(const backends::Emission& emission, Mutants& out) {
  const auto gone = [](const std::string& line) -> Changed {
    if (line.empty() || line.starts_with("#")) return std::nullopt;
    return "";
  };
  const auto twice = [](const std::string& line) -> Changed {
    if (line.empty() || line.starts_with("#")) return std::nullopt;
    return line + "\n" + line;
  };
  for (const std::size_t file : {1u, 2u}) {
    LineFaults faults(emission, file, out);
    faults.each("lost command", gone, 10);
    faults.each("repeated command", twice, 10);
    for (const char* kind : {"load config partial ", "<from-xpath>"}) {
      faults.swap("swapped commands",
                  [&](const std::string& line) { return line.find(kind) != std::string::npos; });
    }
    faults.each("another place", [](const std::string& line) {
      return by_regex(line, "^(load|api|while)(.*)/entry\\[@name='", "$1$2/entry[@name='x");
    });
    faults.each("another name", [](const std::string& line) {
      return by_regex(line, "^delete (.*)$", "delete $1x");
    });
    faults.each("to the bottom", [](const std::string& line) {
      const Changed other = by_regex(line, "^(move .*) top$", "$1 bottom");
      return other ? other : by_regex(line, "where=top", "where=bottom");
    });
    faults.each("no look at the answer", [](const std::string& line) {
      return by_regex(line, "return 1 ;; esac$", "return ;; esac");
    });
    if (file == 1) {
      // The names that a loop moves, too.
      for (const bool by_line : {true, false}) {
        faults.swap("swapped moves", [&](const std::string& line) {
          return by_line ? line.starts_with("move ") && line.find('(') == std::string::npos
                         : line.find('-') != std::string::npos &&
                               line.find_first_of(" #") == std::string::npos;
        });
      }
    }
    faults.each("a commit", [](const std::string& line) {
      return line == "validate full" ? Changed("commit") : std::nullopt;
    });
    faults.missing();
  }
}

/// An object under a name that somebody else may have given as well, wherever it is named.
void foreign_names(const backends::Emission& emission, Mutants& out) {
  for (const char* name : {"hci-host-", "hci-net-", "hci-tcp-", "hci-fqdn-"}) {
    if (emission.artefacts.front().text.find(name) == std::string::npos) continue;
    Mutant mutant{"a name that is not ours", name, {}, {}};
    for (std::size_t file = 0; file < emission.artefacts.size(); ++file) {
      std::string text = emission.artefacts[file].text;
      for (std::size_t at = 0; (at = text.find(name, at)) != std::string::npos;) text.erase(at, 4);
      mutant.texts.emplace(file, std::move(text));
    }
    out.push_back(std::move(mutant));
  }
}

Mutants set_mutants(const backends::Emission& emission) {
  Mutants out;
  LineFaults faults(emission, 0, out);
  faults.each(
      "lost command",
      [](const std::string& line) -> Changed {
        // What is for people may be lost.
        const bool matters = line.find(" rules ") != std::string::npos &&
                             line.find(" description ") == std::string::npos &&
                             line.find(" group-tag ") == std::string::npos &&
                             line.find(" tag ") == std::string::npos &&
                             line.find(" log-") == std::string::npos &&
                             line.find(" profile-setting ") == std::string::npos;
        return matters ? Changed("") : std::nullopt;
      },
      40);
  faults.each(
      "changed action",
      [](const std::string& line) {
        const Changed other = by_regex(line, " action allow$", " action deny");
        return other ? other : by_regex(line, " action deny$", " action allow");
      },
      20);
  faults.each(
      "widened prefix",
      [](const std::string& line) -> Changed {
        return line.find(" ip-netmask ") == std::string::npos ? std::nullopt : widened(line);
      },
      10);
  faults.each(
      "lost member",
      [](const std::string& line) -> Changed {
        // Of other lists, a member may be one of several that say the same.
        const bool matters = by_regex(line, " (static|service|list) \\[", "").has_value();
        return matters ? by_regex(line, "\\[ \\S+ (\\S+) ", "[ $1 ") : std::nullopt;
      },
      20);
  faults.each(
      "changed port",
      [](const std::string& line) { return by_regex(line, "( port (?!0-65535)\\S+)$", "$1,9"); },
      10);
  faults.each("changed zone",
              [](const std::string& line) { return by_regex(line, " to \\S+$", " to elsewhere"); });
  faults.each("unknown word", [](const std::string& line) {
    return by_regex(line, " (rules \\S+) ", " $1 more ");
  });
  faults.each("another place",
              [](const std::string& line) { return by_regex(line, "^set ", "set template x "); });
  faults.each("open quotation", [](const std::string& line) { return by_regex(line, "\"$", ""); });
  faults.each("negation", [](const std::string& line) {
    return by_regex(line, "^(set .* rules \\S+) action (\\S+)$",
                    "$1 action $2\n$1 negate-source yes");
  });
  faults.each("later end", [](const std::string& line) {
    return by_regex(line, "-2(\\d\\d\\d/\\d\\d/\\d\\d@23:59)$", "-9$1");
  });
  faults.truncate();
  faults.missing();
  return out;
}

}  // namespace

Mutants palo_alto_mutants(const backends::Emission& emission) {
  if (emission.artefacts.front().path.ends_with(".set")) return set_mutants(emission);
  Mutants out;
  command_faults(emission, out);
  foreign_names(emission, out);
  ConfigFaults faults(emission, out);
  config_rules(faults);
  config_objects(faults);
  const std::string& text = faults.text();
  faults.add("truncated file", "half of it", text.substr(0, text.size() / 2));
  faults.add("truncated file", "no last line", text.substr(0, text.rfind("</config>")));
  faults.add("a second configuration", "at the end", text + "<config/>");
  faults.add("loose text", "in rules", *replaced(text, "<rules>", "<rules>allow all"));
  faults.add("comment for a rule", "in rules", *replaced(text, "<rules>", "<rules><!-- x -->"));
  out.push_back({"missing file", "all of it", {}, 0});
  return out;
}

}  // namespace hcipol::test
