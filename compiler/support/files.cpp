// Every write goes to a neighbour first and is renamed over the old file, so that a reader sees the
// old text or the new one and never half of either.
#include "support/files.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <set>
#include <system_error>

#include "support/text.h"

namespace hcipol {

namespace {

namespace fs = std::filesystem;

std::string reason(int code) {
  return to_lower(std::generic_category().message(code));
}

class Disk final : public FileSystem {
 public:
  std::optional<std::string> read(const std::string& path, std::string& error) const override {
    return read_beginning(path, std::string::npos, error);
  }

  std::optional<std::string> read_beginning(const std::string& path, std::size_t bytes,
                                            std::string& error) const override {
    if (is_directory(path)) {
      error = "it is a directory";
      return std::nullopt;
    }
    std::FILE* file = std::fopen(path.c_str(), "rb");
    if (file == nullptr) {
      error = reason(errno);
      return std::nullopt;
    }
    std::string text;
    // A file in /proc, and a pipe, have no size: room for what else comes is made as it comes.
    constexpr std::size_t least = 1 << 12;
    std::error_code ignored;
    const std::uintmax_t size = fs::file_size(path, ignored);
    std::size_t room = ignored || size < least ? least : static_cast<std::size_t>(size) + 1;
    while (text.size() < bytes) {
      const std::size_t before = text.size();
      const std::size_t wanted = std::min(room, bytes - before);
      text.resize(before + wanted);
      const std::size_t n = std::fread(text.data() + before, 1, wanted, file);
      text.resize(before + n);
      if (n < wanted) break;
      room = text.size();
    }
    const bool failed = std::ferror(file) != 0;
    if (failed) error = reason(errno);
    std::fclose(file);
    return failed ? std::nullopt : std::optional(std::move(text));
  }

  bool is_directory(const std::string& path) const override {
    std::error_code ignored;
    return fs::is_directory(path, ignored);
  }

  bool exists(const std::string& path) const override {
    std::error_code ignored;
    return fs::exists(path, ignored);
  }

  std::vector<std::string> list(const std::string& directory) const override {
    std::vector<std::string> names;
    std::error_code error;
    for (fs::directory_iterator at(directory, error), end; !error && at != end;
         at.increment(error)) {
      names.push_back(at->path().filename().string());
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  bool write(const std::string& path, std::string_view text, std::string& error) override {
    std::error_code code;
    const fs::path parent = fs::path(path).parent_path();
    if (!parent.empty()) fs::create_directories(parent, code);
    if (code) {
      error = to_lower(code.message());
      return false;
    }
    const std::string temporary = fmt::format("{}.hcipolc-{}", path, ::getpid());
    std::FILE* file = std::fopen(temporary.c_str(), "wb");
    if (file == nullptr) {
      error = reason(errno);
      return false;
    }
    bool good = std::fwrite(text.data(), 1, text.size(), file) == text.size();
    if (!good) error = reason(errno);
    if (std::fclose(file) != 0 && good) {
      error = reason(errno);
      good = false;
    }
    if (good && std::rename(temporary.c_str(), path.c_str()) != 0) {
      error = reason(errno);
      good = false;
    }
    if (!good) std::remove(temporary.c_str());
    return good;
  }

  bool remove(const std::string& path, std::string& error) override {
    std::error_code code;
    fs::remove(path, code);
    if (code) error = to_lower(code.message());
    return !code;
  }

  void remove_empty_directories(const std::string& path, const std::string& root) override {
    std::error_code code;
    const std::string top = normal_path(root);
    for (std::string at = normal_path(path); at != top && at.size() > top.size();
         at = parent_path(at)) {
      if (!fs::is_directory(at, code) || !fs::is_empty(at, code)) return;
      fs::remove(at, code);
      if (code) return;
    }
  }
};

}  // namespace

std::unique_ptr<FileSystem> disk() {
  return std::make_unique<Disk>();
}

std::optional<std::string> FileSystem::read_beginning(const std::string& path, std::size_t bytes,
                                                      std::string& error) const {
  auto text = read(path, error);
  if (text && text->size() > bytes) text->resize(bytes);
  return text;
}

std::optional<std::string> MemoryFileSystem::read(const std::string& path,
                                                  std::string& error) const {
  const auto found = files_.find(normal_path(path));
  if (found != files_.end()) return found->second;
  error = is_directory(path) ? "it is a directory" : "no such file or directory";
  return std::nullopt;
}

bool MemoryFileSystem::is_directory(const std::string& path) const {
  const std::string normal = normal_path(path);
  if (normal == ".") return true;
  const std::string prefix = normal + "/";
  const auto at = files_.lower_bound(prefix);
  return at != files_.end() && at->first.starts_with(prefix);
}

bool MemoryFileSystem::exists(const std::string& path) const {
  return files_.contains(normal_path(path)) || is_directory(path);
}

std::vector<std::string> MemoryFileSystem::list(const std::string& directory) const {
  const std::string normal = normal_path(directory);
  const std::string prefix = normal == "." ? "" : normal + "/";
  std::set<std::string> names;
  for (auto at = files_.lower_bound(prefix); at != files_.end() && at->first.starts_with(prefix);
       ++at) {
    const std::string_view rest = std::string_view(at->first).substr(prefix.size());
    names.emplace(rest.substr(0, rest.find('/')));
  }
  return {names.begin(), names.end()};
}

bool MemoryFileSystem::write(const std::string& path, std::string_view text, std::string& error) {
  const std::string normal = normal_path(path);
  if (is_directory(normal)) {
    error = "it is a directory";
    return false;
  }
  for (std::string up = parent_path(normal); !up.empty() && up != "."; up = parent_path(up)) {
    if (!files_.contains(up)) continue;
    error = "not a directory";
    return false;
  }
  files_[normal] = text;
  return true;
}

bool MemoryFileSystem::remove(const std::string& path, std::string& error) {
  if (files_.erase(normal_path(path)) > 0) return true;
  error = "no such file or directory";
  return false;
}

bool apply(FileSystem& files, const Changes& changes, std::string& error) {
  struct Undo {
    std::string path;
    std::optional<std::string> text;
  };
  std::vector<Undo> done;
  const auto roll_back = [&](const std::string& path) {
    error = fmt::format("{}: {}", path, error);
    std::string ignored;
    for (auto step = done.rbegin(); step != done.rend(); ++step) {
      if (step->text) {
        files.write(step->path, *step->text, ignored);
      } else {
        files.remove(step->path, ignored);
        files.remove_empty_directories(parent_path(step->path), changes.root);
      }
    }
    return false;
  };

  for (const auto& [path, text] : changes.writes) {
    std::string ignored;
    std::optional<std::string> old = files.read(path, ignored);
    if (old && *old == text) continue;
    if (!files.write(path, text, error)) return roll_back(path);
    done.push_back({path, std::move(old)});
  }
  for (const std::string& path : changes.removals) {
    std::string ignored;
    std::optional<std::string> old = files.read(path, ignored);
    if (!old) continue;
    if (!files.remove(path, error)) return roll_back(path);
    done.push_back({path, std::move(old)});
  }
  for (const std::string& path : changes.removals) {
    files.remove_empty_directories(parent_path(path), changes.root);
  }
  return true;
}

std::string normal_path(std::string_view path) {
  const bool absolute = path.starts_with('/');
  std::vector<std::string_view> parts;
  for (const std::string_view part : split(path, '/')) {
    if (part.empty() || part == ".") continue;
    if (part == ".." && !parts.empty() && parts.back() != "..") {
      parts.pop_back();
    } else if (part != ".." || !absolute) {
      parts.push_back(part);
    }
  }
  std::string out = absolute ? "/" : "";
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) out += '/';
    out += parts[i];
  }
  return out.empty() ? "." : out;
}

std::string join_path(std::string_view directory, std::string_view name) {
  if (name.starts_with('/') || directory.empty() || directory == ".") return normal_path(name);
  return normal_path(fmt::format("{}/{}", directory, name));
}

std::string parent_path(std::string_view path) {
  const std::string normal = normal_path(path);
  const std::size_t slash = normal.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : normal.substr(0, slash);
}

std::string relative_path(std::string_view path, std::string_view directory) {
  const fs::path normal(normal_path(path));
  const std::string relative =
      normal.lexically_relative(fs::path(normal_path(directory))).generic_string();
  return relative.empty() ? normal.string() : relative;
}

}  // namespace hcipol
