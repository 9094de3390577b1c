// Which files make a policy.
#include "sema/loader.h"

namespace hcipol::sema {

bool is_policy_file(std::string_view name) {
  return name.ends_with(".hcipol") && !name.ends_with(".test.hcipol") && name.front() != '.';
}

bool is_test_file(std::string_view name) {
  return name.ends_with(".test.hcipol") && name.front() != '.';
}

namespace {

constexpr unsigned max_directory_depth = 32;

void collect(const FileSystem& files, const std::string& directory, bool with_tests, unsigned depth,
             std::vector<std::string>& out) {
  if (depth > max_directory_depth) return;
  for (const std::string& name : files.list(directory)) {
    const std::string path = join_path(directory, name);
    if (name.front() == '.') continue;
    if (files.is_directory(path)) {
      collect(files, path, with_tests, depth + 1, out);
    } else if (is_policy_file(name) || (with_tests && is_test_file(name))) {
      out.push_back(path);
    }
  }
}

}  // namespace

std::vector<std::string> policy_files(const FileSystem& files, const std::string& path,
                                      bool with_tests) {
  if (!files.is_directory(path)) return {normal_path(path)};
  std::vector<std::string> out;
  collect(files, normal_path(path), with_tests, 0, out);
  return out;
}

}  // namespace hcipol::sema
