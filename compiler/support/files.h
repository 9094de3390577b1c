// The file system as an interface, so that tests run on memory, and a build that is written whole
// or not at all.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hcipol {

/// What a command may do to files. Paths use `/`; relative ones start where the command was
/// started. Failures are values, not exceptions: `error` is a sentence in lower case ("permission
/// denied").
class FileSystem {
 public:
  virtual ~FileSystem() = default;

  /// The whole file, or nothing with the reason in `error`.
  virtual std::optional<std::string> read(const std::string& path, std::string& error) const = 0;
  /// The first `bytes` of a file, or all of a shorter one; as read().
  virtual std::optional<std::string> read_beginning(const std::string& path, std::size_t bytes,
                                                    std::string& error) const;
  virtual bool is_directory(const std::string& path) const = 0;
  virtual bool exists(const std::string& path) const = 0;
  /// Names (not paths) of the entries of a directory, sorted by byte; empty if there is none.
  virtual std::vector<std::string> list(const std::string& directory) const = 0;
  /// Replaces or creates the file in one step; makes missing directories.
  virtual bool write(const std::string& path, std::string_view text, std::string& error) = 0;
  virtual bool remove(const std::string& path, std::string& error) = 0;
  /// Removes `path` and then its parents up to `root` for as long as they are empty.
  virtual void remove_empty_directories(const std::string& path, const std::string& root) = 0;
};

std::unique_ptr<FileSystem> disk();

/// A file system in memory, for tests and for `-`.
class MemoryFileSystem final : public FileSystem {
 public:
  MemoryFileSystem() = default;
  explicit MemoryFileSystem(std::map<std::string, std::string> files) : files_(std::move(files)) {}

  std::optional<std::string> read(const std::string& path, std::string& error) const override;
  bool is_directory(const std::string& path) const override;
  bool exists(const std::string& path) const override;
  std::vector<std::string> list(const std::string& directory) const override;
  bool write(const std::string& path, std::string_view text, std::string& error) override;
  bool remove(const std::string& path, std::string& error) override;
  void remove_empty_directories(const std::string&, const std::string&) override {}

  const std::map<std::string, std::string>& files() const { return files_; }

 private:
  std::map<std::string, std::string> files_;
};

/// A set of changes to make: `writes` (path → text) and `removals`, all below `root`.
struct Changes {
  std::string root;
  std::map<std::string, std::string> writes;
  std::vector<std::string> removals;
};

/// Makes all changes or none: when a step fails, what was written before is put back and `error`
/// says which path failed and why. Files whose text is already right are left untouched.
bool apply(FileSystem& files, const Changes& changes, std::string& error);

/// `a/b/../c/./d` → `a/c/d`; never leaves out a leading `..`.
std::string normal_path(std::string_view path);
std::string join_path(std::string_view directory, std::string_view name);
std::string parent_path(std::string_view path);
/// `path` as seen from `directory`, by their spelling alone: `a/x/f` from `a/b` is `../x/f`. The
/// path itself if only one of them is absolute.
std::string relative_path(std::string_view path, std::string_view directory);

}  // namespace hcipol
