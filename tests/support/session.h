// hcipolc run inside the test, on files in memory and on a day that does not change.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "backends/backend.h"
#include "support/date.h"
#include "support/files.h"
#include "support/process.h"

namespace hcipol::test {

/// Files in memory, some of which cannot be read or written.
class TestFiles final : public FileSystem {
 public:
  TestFiles() = default;
  explicit TestFiles(std::map<std::string, std::string> files) : memory_(std::move(files)) {}

  std::optional<std::string> read(const std::string& path, std::string& error) const override;
  bool is_directory(const std::string& path) const override { return memory_.is_directory(path); }
  bool exists(const std::string& path) const override { return memory_.exists(path); }
  std::vector<std::string> list(const std::string& folder) const override {
    return memory_.list(folder);
  }
  bool write(const std::string& path, std::string_view text, std::string& error) override;
  bool remove(const std::string& path, std::string& error) override;
  void remove_empty_directories(const std::string& path, const std::string& root) override {
    memory_.remove_empty_directories(path, root);
  }

  const std::map<std::string, std::string>& files() const { return memory_.files(); }

  std::set<std::string> unreadable;  ///< normal paths
  std::set<std::string> unwritable;

 private:
  MemoryFileSystem memory_;
};

struct Outcome {
  int exit = 0;
  std::string out;
  std::string err;
};

/// What stays the same between two commands.
struct Session {
  TestFiles files;
  std::string stdin_text;
  std::map<std::string, std::string> variables;
  Date today = parse_date("2022-06-01").value();
  unsigned threads = 1;
  std::vector<backends::Backend> backends;  ///< in place of the program's of the same names
  /// In place of the programs of the machine: there are none.
  std::function<std::optional<Finished>(const std::vector<std::string>&, std::string&)>
      run_program = [](const auto&, std::string& error) {
        error = "no such file or directory";
        return std::nullopt;
      };

  /// Runs `hcipolc ARGUMENTS`.
  Outcome run(const std::vector<std::string>& arguments);
};

}  // namespace hcipol::test
