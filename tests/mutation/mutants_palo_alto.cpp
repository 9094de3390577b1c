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
        const auto wide = widened(node.text().get());
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
  faults.each("unknown object", "//address", [](Node section) {
    return static_cast<bool>(
        section.parent().insert_child_after("application-filter", section).append_child("entry"));
  });
  faults.each("two kinds of address", "//address/entry",
              [](Node entry) { return entry.prepend_child("fqdn").text().set("a.example.com"); });
}

}  // namespace

Mutants palo_alto_mutants(const backends::Emission& emission) {
  Mutants out;
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
