// A page is built as a tree, so that whatever a policy calls its things stays text.
#include "report/page.h"

#include <pugixml.hpp>

#include "page_parts.h"
#include "support/bug.h"

namespace hcipol::report::html {

pugi::xml_node add(pugi::xml_node parent, const char* name, const std::string& text) {
  pugi::xml_node node = parent.append_child(name);
  if (!text.empty()) node.text().set(text.c_str());
  return node;
}

void add_text(pugi::xml_node parent, const std::string& text) {
  parent.append_child(pugi::node_pcdata).set_value(text.c_str());
}

void set(pugi::xml_node node, const char* name, const std::string& value) {
  node.append_attribute(name).set_value(value.c_str());
}

pugi::xml_node heading(pugi::xml_node row, const std::string& text, const char* scope) {
  pugi::xml_node node = add(row, "th", text);
  set(node, "scope", scope);
  return node;
}

// A cell without text would be an element that HTML reads otherwise than XML.
pugi::xml_node cell(pugi::xml_node row, const std::string& text) {
  return add(row, "td", text.empty() ? "·" : text);
}

pugi::xml_node table(pugi::xml_node parent, const std::string& caption,
                     const std::vector<std::string>& columns) {
  pugi::xml_node scroll = add(parent, "div");
  set(scroll, "class", "scroll");
  pugi::xml_node out = add(scroll, "table");
  add(out, "caption", caption);
  pugi::xml_node row = add(add(out, "thead"), "tr");
  for (const std::string& column : columns) heading(row, column, "col");
  return add(out, "tbody");
}

void add_source(pugi::xml_node parent, const std::string& source, const std::string& shown) {
  if (!source.starts_with("https://") && !source.starts_with("http://")) {
    add_text(parent, source.empty() ? "·" : source);
    return;
  }
  const std::string last = source.substr(source.rfind('/') + 1);
  pugi::xml_node link = add(parent, "a", !shown.empty() ? shown : last.empty() ? source : last);
  set(link, "href", source);
}

std::string_view part(std::string_view name) {
  for (const EmbeddedFile& file : page_parts()) {
    if (file.path == name) return file.text;
  }
  bug("a part of a page is not embedded");
}

}  // namespace hcipol::report::html
