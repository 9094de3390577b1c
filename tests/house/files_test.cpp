// What lies where, how long it is, and how it begins.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <regex>
#include <set>
#include <string>

#include "support/text.h"
#include "tests/support/repository.h"

namespace hcipol::test {
namespace {

std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

TEST(Files, TheTopLevelIsWhatTheOwnerFixed) {
  const std::set<std::string> fixed{"CMakeLists.txt", "CMakePresets.json", "README.md", "backends",
                                    "compiler",       "examples",          "grammar",   "stdlib",
                                    "tests"};
  std::set<std::string> there;
  for (const auto& entry : std::filesystem::directory_iterator(repository())) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(".")) there.insert(name);
  }
  EXPECT_EQ(there, fixed);
}

TEST(Files, SourcesAreShort) {
  for (const std::string folder : {"compiler", "backends"}) {
    for (const auto& [path, text] : files_below(folder, {".h", ".cpp"})) {
      EXPECT_LE(std::count(text.begin(), text.end(), '\n'), 400) << path;
    }
  }
}

TEST(Files, SourcesBeginWithWhatTheyAreFor) {
  for (const auto& [path, text] : files_below("")) {
    if (path.starts_with("grammar/src/")) continue;  // generated
    if (ends_with_one_of(path, {".h", ".cpp", ".def", ".js"})) {
      const bool block = text.starts_with("/**");  // as the tree-sitter CLI writes it
      EXPECT_TRUE(block || (text.starts_with("// ") && first_line(text).size() > 10)) << path;
    } else if (ends_with_one_of(path, {".cmake", "CMakeLists.txt", ".sh", ".py"})) {
      const std::string rest = text.starts_with("#!") ? text.substr(text.find('\n') + 1) : text;
      EXPECT_TRUE(rest.starts_with("# ") && first_line(rest).size() > 10) << path;
    }
  }
}

/// Files whose blanks mean something: inputs of the formatter, generated code.
bool has_free_blanks(const std::string& path) {
  return path.starts_with("tests/golden/") || path.starts_with("grammar/test/") ||
         path.starts_with("grammar/src/");
}

TEST(Files, LinesEndWhereTheyEnd) {
  for (const auto& [path, text] : files_below("")) {
    ASSERT_TRUE(valid_utf8(text)) << path << " is no text";
    if (has_free_blanks(path)) continue;
    EXPECT_TRUE(text.empty() || text.ends_with('\n')) << path << " has no newline at its end";
    EXPECT_EQ(text.find('\t'), std::string::npos) << path << " has a tab";
    std::size_t number = 0;
    for (const std::string_view line : split(text, '\n')) {
      ++number;
      EXPECT_FALSE(line.ends_with(' ') || line.ends_with('\r')) << path << ":" << number;
    }
  }
}

TEST(Files, NoPathOfAMachine) {
  // In pieces, or this file would hold them.
  const std::regex path_of_machine(
      "(^|[^A-Za-z0-9_.-])/("
      "work|root|home/[a-z]+|tmp/bash"
      ")[/_]");
  for (const auto& [path, text] : files_below("")) {
    std::size_t number = 0;
    for (const std::string_view line : split(text, '\n')) {
      ++number;
      const std::string one(line);
      if (one.find('/') == std::string::npos) continue;
      EXPECT_FALSE(std::regex_search(one, path_of_machine)) << path << ":" << number << ": " << one;
    }
  }
}

}  // namespace
}  // namespace hcipol::test
