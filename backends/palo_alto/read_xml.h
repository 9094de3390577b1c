// Elements of a configuration, each of which must be asked for.
#pragma once

#include <fmt/format.h>

#include <pugixml.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "backends/common/reading.h"

namespace hcipol::backends::palo_alto {

[[noreturn]] inline void unreadable(std::string_view file, pugi::xml_node node,
                                    std::string_view what) {
  throw Unreadable(file, 0, fmt::format("{}: {}", node.path(), what));
}

/// The text before an element's first child, which pugixml keeps with the element itself where it
/// was told so (parse_embed_pcdata: half the nodes of a configuration would be such texts).
inline std::string_view own_text(pugi::xml_node element) {
  return element.value();
}

/// The children of an element: each name at most once, and done() throws for those that nobody
/// asked for, and for attributes, comments and loose text.
class Elements {
 public:
  Elements(std::string_view file, pugi::xml_node node) : file_(file), node_(node) {}

  pugi::xml_node find(const char* name) {
    const pugi::xml_node child = node_.child(name);
    if (child && child.next_sibling(name)) fail(fmt::format("`{}` stands twice", name));
    used_ += child ? 1u : 0u;
    return child;
  }
  pugi::xml_node need(const char* name) {
    const pugi::xml_node child = find(name);
    if (!child) fail(fmt::format("`{}` is missing", name));
    return child;
  }
  /// The text of a child that has nothing else; "" without such a child.
  std::string_view text(const char* name) {
    const pugi::xml_node child = find(name);
    return child ? text_of(child) : std::string_view();
  }
  std::string_view text_of(pugi::xml_node child) const {
    const pugi::xml_node inner = child.first_child();
    const std::string_view own = own_text(child);
    const bool plain =
        own.empty() ? inner.type() == pugi::node_pcdata && !inner.next_sibling() : inner.empty();
    if (!plain || child.first_attribute()) unreadable(file_, child, "no plain text");
    return own.empty() ? inner.value() : own;
  }
  /// The `member`s of a child, which are not empty; none without such a child.
  std::vector<std::string_view> members(const char* name) {
    std::vector<std::string_view> out;
    const pugi::xml_node list = find(name);
    if (!list) return out;
    for (const pugi::xml_node& member : list.children()) {
      if (std::string_view(member.name()) != "member") unreadable(file_, list, "no list");
      out.push_back(text_of(member));
    }
    if (out.empty() || list.first_attribute() || !own_text(list).empty()) {
      unreadable(file_, list, "no list");
    }
    return out;
  }
  /// How many attributes the element may have: the one of entries, `name`, has been read then.
  void done(std::size_t attributes = 0) const {
    std::size_t children = 0;
    if (!own_text(node_).empty()) fail("text or a comment between elements");
    for (const pugi::xml_node& child : node_.children()) {
      if (child.type() != pugi::node_element) fail("text or a comment between elements");
      ++children;
    }
    std::size_t named = 0;
    for ([[maybe_unused]] const pugi::xml_attribute& attribute : node_.attributes()) ++named;
    if (children != used_) fail("an element that is not known here");
    if (named != attributes) fail("an attribute that is not known here");
  }
  [[noreturn]] void fail(std::string_view what) const { unreadable(file_, node_, what); }

 private:
  std::string_view file_;
  pugi::xml_node node_;
  std::size_t used_ = 0;
};

/// The entries of a section by name, in order; each `take(name, node)`.
template <class Take>
void for_each_entry(std::string_view file, pugi::xml_node section, Take take) {
  if (!section) return;
  if (section.first_attribute() || !section.first_child() || !own_text(section).empty()) {
    unreadable(file, section, "no entries");
  }
  for (const pugi::xml_node& entry : section.children()) {
    const std::string_view name = entry.attribute("name").value();
    if (std::string_view(entry.name()) != "entry" || name.empty()) {
      unreadable(file, section, "no entry with a name");
    }
    take(name, entry);
  }
}

}  // namespace hcipol::backends::palo_alto
