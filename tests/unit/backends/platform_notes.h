// The platform notes (../shared/platforms) as a list of limits and traps, each of which a test runs
// into.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "support/text.h"
#include "tests/support/repository.h"

namespace hcipol::test {

/// What the notes say at one place, and the test of it.
struct NoteCovered {
  std::string section;  ///< "2.1"
  std::string phrase;   ///< stands in the note
  /// "Suite.Test" of this program, "tests/FILE" of the repository, or "none: why".
  std::string by;
};

/// Section → its text, and its items: rows of tables, numbered ones and bullets.
struct Notes {
  std::map<std::string, std::string> texts;
  std::map<std::string, std::vector<std::string>> items;
};

inline Notes read_notes(const std::filesystem::path& file) {
  Notes out;
  std::ifstream in(file);
  std::string section;
  std::string before;
  for (std::string line; std::getline(in, line); before = line) {
    if (line.starts_with("#")) {
      const auto number = std::min(line.find_first_of("0123456789"), line.size());
      section = line.substr(number, line.find_first_of(" ", number) - number);
      if (section.ends_with(".")) section.pop_back();
      continue;
    }
    out.texts[section] += line + "\n";
    const bool rule = line.starts_with("|--") || line.starts_with("|:-");
    std::vector<std::string>& items = out.items[section];
    if (rule && !items.empty()) items.pop_back();  // what stands over it is the head
    if (line.starts_with("| ") || line.starts_with("- ") || line.starts_with("* ")) {
      items.push_back(line);
    }
    const auto digits = line.find_first_not_of("0123456789");
    if (digits != 0 && digits != std::string::npos && line.substr(digits, 2) == ". ") {
      items.push_back(line);
    }
  }
  return out;
}

inline bool is_test_of_this_program(const std::string& name) {
  const testing::UnitTest& all = *testing::UnitTest::GetInstance();
  for (int s = 0; s < all.total_test_suite_count(); ++s) {
    const testing::TestSuite& suite = *all.GetTestSuite(s);
    for (int t = 0; t < suite.total_test_count(); ++t) {
      if (name == std::string(suite.name()) + "." + suite.GetTestInfo(t)->name()) return true;
    }
  }
  return false;
}

/// Every item of `sections` is covered, nothing is covered that the notes do not have, and every
/// test is there.
inline void expect_covered(const std::string& notes_file, const std::vector<std::string>& sections,
                           std::span<const NoteCovered> covered) {
  namespace fs = std::filesystem;
  for (const NoteCovered& one : covered) {
    const bool there = one.by.starts_with("none: ") ||
                       (one.by.starts_with("tests/") ? fs::exists(repository() / one.by)
                                                     : is_test_of_this_program(one.by));
    EXPECT_TRUE(there) << "no test " << one.by << " of: " << one.phrase;
  }
  const fs::path file = repository() / "../shared/platforms" / notes_file;
  if (!fs::exists(file)) GTEST_SKIP() << "no " << notes_file;
  const Notes notes = read_notes(file);
  for (const NoteCovered& one : covered) {
    const auto text = notes.texts.find(one.section);
    EXPECT_TRUE(text != notes.texts.end() && text->second.find(one.phrase) != std::string::npos)
        << "section " << one.section << " does not say: " << one.phrase;
  }
  for (const std::string& section : sections) {
    const auto items = notes.items.find(section);
    ASSERT_TRUE(items != notes.items.end()) << "no section " << section;
    for (const std::string& item : items->second) {
      const bool found = std::any_of(covered.begin(), covered.end(), [&](const NoteCovered& one) {
        return one.section == section && item.find(one.phrase) != std::string::npos;
      });
      EXPECT_TRUE(found) << "no test of: " << item.substr(0, 120);
    }
  }
}

}  // namespace hcipol::test
