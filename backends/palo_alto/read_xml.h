// Elements of a configuration, each of which must be asked for.
#pragma once

#include <fmt/format.h>

#include <boost/container/small_vector.hpp>
#include <cstring>
#include <pugixml.hpp>
#include <string_view>

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
inline bool has_own_text(pugi::xml_node element) {
  return *element.value() != '\0';
}

/// The children of an element with their names, so that asking for one by one goes through the tree
/// once.
class Children {
 public:
  struct Child {
    std::string_view name;  ///< "" for a text or a comment
    pugi::xml_node node;
  };

  explicit Children(pugi::xml_node parent) {
    for (pugi::xml_node node = parent.first_child(); node; node = node.next_sibling()) {
      children_.push_back({node.name(), node});
    }
  }

  auto begin() const { return children_.begin(); }
  auto end() const { return children_.end(); }
  std::size_t size() const { return children_.size(); }
  Child& operator[](std::size_t i) { return children_[i]; }
  /// The first of a name, or null.
  pugi::xml_node find(std::string_view name) const {
    for (const Child& child : children_) {
      if (child.name == name) return child.node;
    }
    return {};
  }

 private:
  boost::container::small_vector<Child, 20> children_;  // a rule has 15 or so
};

/// Most lists have one member.
using MemberNames = boost::container::small_vector<std::string_view, 4>;
inline bool is_any(const MemberNames& members) {
  return members.size() == 1 && members.front() == "any";
}

/// The children of an element: each name at most once, and done() throws for those that nobody
/// asked for, and for attributes, comments and loose text.
class Elements {
 public:
  Elements(std::string_view file, pugi::xml_node node)
      : file_(file), node_(node), children_(node) {}

  pugi::xml_node find(std::string_view name) {
    const std::size_t none = children_.size();
    std::size_t found = none;
    for (std::size_t i = first_left_; i < none; ++i) {
      if (children_[i].name != name) continue;
      if (found != none) fail(fmt::format("`{}` stands twice", name));
      found = i;
    }
    if (found == none) return {};
    ++used_;
    // Nobody asks for it again, so it need not be passed any more.
    children_[found].name = {};
    while (first_left_ < none && children_[first_left_].name.empty()) ++first_left_;
    return children_[found].node;
  }
  pugi::xml_node need(std::string_view name) {
    const pugi::xml_node child = find(name);
    if (!child) fail(fmt::format("`{}` is missing", name));
    return child;
  }
  /// The text of a child that has nothing else; "" without such a child.
  std::string_view text(std::string_view name) {
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
  MemberNames members(std::string_view name) {
    MemberNames out;
    const pugi::xml_node list = find(name);
    if (!list) return out;
    for (pugi::xml_node member = list.first_child(); member; member = member.next_sibling()) {
      if (std::strcmp(member.name(), "member") != 0) unreadable(file_, list, "no list");
      out.push_back(text_of(member));
    }
    if (out.empty() || list.first_attribute() || has_own_text(list)) {
      unreadable(file_, list, "no list");
    }
    return out;
  }
  /// How many attributes the element may have: the one of entries, `name`, has been read then.
  void done(std::size_t attributes = 0) const {
    if (has_own_text(node_)) fail("text or a comment between elements");
    for (const Children::Child& child : children_) {
      if (child.node.type() != pugi::node_element) fail("text or a comment between elements");
    }
    if (children_.size() != used_) fail("an element that is not known here");
    std::size_t named = 0;
    for (pugi::xml_attribute at = node_.first_attribute(); at; at = at.next_attribute()) ++named;
    if (named != attributes) fail("an attribute that is not known here");
  }
  [[noreturn]] void fail(std::string_view what) const { unreadable(file_, node_, what); }

 private:
  std::string_view file_;
  pugi::xml_node node_;
  Children children_;
  std::size_t used_ = 0;
  std::size_t first_left_ = 0;  ///< the first child that may still be asked for
};

/// The entries of a section by name, in order; each `take(name, node)`.
template <class Take>
void for_each_entry(std::string_view file, pugi::xml_node section, Take take) {
  if (!section) return;
  if (section.first_attribute() || !section.first_child() || has_own_text(section)) {
    unreadable(file, section, "no entries");
  }
  for (pugi::xml_node entry = section.first_child(); entry; entry = entry.next_sibling()) {
    const std::string_view name = entry.attribute("name").value();
    if (std::strcmp(entry.name(), "entry") != 0 || name.empty()) {
      unreadable(file, section, "no entry with a name");
    }
    take(name, entry);
  }
}

}  // namespace hcipol::backends::palo_alto
