// The repository's own files, as the tests see them.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace hcipol::test {

std::filesystem::path repository();

/// Path (relative to the repository, with `/`) → text of the files below a folder, without what git
/// and builds keep. "" is the whole repository.
std::map<std::string, std::string> files_below(std::string_view folder);
/// The same, but only paths that end so: ".hcipol".
std::map<std::string, std::string> files_below(std::string_view folder,
                                               const std::vector<std::string_view>& endings);
std::vector<std::string> folders_in(std::string_view folder);

bool ends_with_one_of(std::string_view path, const std::vector<std::string_view>& endings);

void write_file(const std::string& path, std::string_view text);
void remove_file(const std::string& path);

/// A name of a parameterised test from its parameter: what googletest does not take is a "_".
std::string test_name(const testing::TestParamInfo<std::string>& info);

/// HCIPOL_BLESS=1: tests write what they would have expected instead of failing.
bool blessing();

}  // namespace hcipol::test
