// A page as a browser's parser would see it, as far as XML can tell.
#pragma once

#include <gtest/gtest.h>

#include <pugixml.hpp>
#include <set>
#include <string>

namespace hcipol::test {

/// Fails the test if it is not well-formed.
inline pugi::xml_document parsed(const std::string& text) {
  pugi::xml_document document;
  const auto result = document.load_string(text.c_str(), pugi::parse_full);
  EXPECT_TRUE(result) << result.description() << " at " << result.offset << "\n" << text;
  return document;
}

/// The names of all elements: text that became markup adds to them.
inline std::multiset<std::string> element_names(const pugi::xml_document& document) {
  std::multiset<std::string> out;
  for (const auto& found : document.select_nodes("//*")) out.insert(found.node().name());
  return out;
}

}  // namespace hcipol::test
