// Pieces of the pages that `show --html` and `doc --format html` write.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pugi {
class xml_node;
}

namespace hcipol::report::html {

/// An element with a text, which stays text whatever is in it.
pugi::xml_node add(pugi::xml_node parent, const char* name, const std::string& text = {});
/// A text beside elements.
void add_text(pugi::xml_node parent, const std::string& text);
void set(pugi::xml_node node, const char* name, const std::string& value);

/// A table that scrolls by itself where it is too wide; the result is its body.
pugi::xml_node table(pugi::xml_node parent, const std::string& caption,
                     const std::vector<std::string>& columns);
/// The head of a row ("row") or of a column ("col").
pugi::xml_node heading(pugi::xml_node row, const std::string& text, const char* scope);
/// A cell; one without text shows a dot.
pugi::xml_node cell(pugi::xml_node row, const std::string& text);

/// A link if the source is surely a web address, else its text. The link shows `shown`, or the last
/// part of the address.
void add_source(pugi::xml_node parent, const std::string& source, const std::string& shown = {});

/// A file of pages/, embedded: "page.css".
std::string_view part(std::string_view name);

}  // namespace hcipol::report::html
