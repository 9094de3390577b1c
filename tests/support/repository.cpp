// Walks the work tree itself, so that the tests need no git and see what is not committed yet.
#include "tests/support/repository.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace hcipol::test {

namespace fs = std::filesystem;

fs::path repository() {
  return HCIPOL_SOURCE_DIR;
}

std::map<std::string, std::string> files_below(std::string_view folder) {
  std::map<std::string, std::string> out;
  const fs::path root = repository();
  const fs::path start = folder.empty() ? root : root / folder;
  if (!fs::exists(start)) return out;
  for (auto it = fs::recursive_directory_iterator(start); it != fs::end(it); ++it) {
    const std::string name = it->path().filename().string();
    if (name == ".git" || name == ".build") {
      it.disable_recursion_pending();
    } else if (it->is_regular_file()) {
      std::ifstream in(it->path(), std::ios::binary);
      std::ostringstream text;
      text << in.rdbuf();
      out.emplace(it->path().lexically_relative(root).generic_string(), text.str());
    }
  }
  return out;
}

std::map<std::string, std::string> files_below(std::string_view folder,
                                               const std::vector<std::string_view>& endings) {
  auto out = files_below(folder);
  std::erase_if(out, [&](const auto& file) { return !ends_with_one_of(file.first, endings); });
  return out;
}

std::vector<std::string> folders_in(std::string_view folder) {
  std::vector<std::string> out;
  for (const auto& entry : fs::directory_iterator(repository() / folder)) {
    if (entry.is_directory()) out.push_back(entry.path().filename().string());
  }
  std::sort(out.begin(), out.end());
  return out;
}

bool ends_with_one_of(std::string_view path, const std::vector<std::string_view>& endings) {
  return std::any_of(endings.begin(), endings.end(),
                     [&](std::string_view ending) { return path.ends_with(ending); });
}

void write_file(const std::string& path, std::string_view text) {
  const fs::path full = repository() / path;
  fs::create_directories(full.parent_path());
  std::ofstream out(full, std::ios::binary);
  out << text;
  out.close();
  if (!out) throw std::runtime_error("cannot write " + full.string());
}

void remove_file(const std::string& path) {
  fs::remove(repository() / path);
}

std::string test_name(const testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  for (char& c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  }
  return name;
}

bool blessing() {
  const char* value = std::getenv("HCIPOL_BLESS");
  return value != nullptr && std::string_view(value) == "1";
}

}  // namespace hcipol::test
