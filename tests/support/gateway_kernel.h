// The kernel and its tools as judges, in a network namespace of their own.
#pragma once

#include <sys/wait.h>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

namespace hcipol::test::gateway {

/// A folder with files, removed at the end.
class Folder {
 public:
  explicit Folder(const std::map<std::string, std::string>& files) {
    std::string pattern = (std::filesystem::temp_directory_path() / "hcipolc-XXXXXX").string();
    path_ = mkdtemp(pattern.data());
    for (const auto& [name, text] : files) std::ofstream(path_ / name) << text;
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  /// Runs a script in the folder; what it prints, with its errors, and its status. A first load
  /// does not wait for what is open: in a fresh namespace nothing is.
  std::pair<int, std::string> run(const std::string& script) const {
    const std::string command =
        "cd " + path_.string() + " && export HCIPOLC_WATCH=0 && { " + script + "\n} 2>&1";
    FILE* pipe = popen(command.c_str(), "r");
    std::string out;
    std::array<char, 4096> buffer;
    while (const std::size_t n = fread(buffer.data(), 1, buffer.size(), pipe)) {
      out.append(buffer.data(), n);
    }
    const int status = pclose(pipe);
    return {WIFEXITED(status) ? WEXITSTATUS(status) : 255, out};
  }
  std::string path() const { return path_.string(); }
  std::string text(const std::string& name) const {
    std::ifstream in(path_ / name);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(path_ / name) << text;
  }

 private:
  std::filesystem::path path_;
};

/// How to enter a fresh network namespace, or "" where that is not permitted or `tools`, a command,
/// fails in it.
inline std::string namespace_with(const std::string& tools) {
  const Folder folder({});
  const std::string probe = " sh -c 'PATH=$PATH:/usr/sbin:/sbin; " + tools + "' >/dev/null 2>&1";
  for (const std::string way : {"unshare -n", "unshare -rn"}) {
    if (folder.run(way + probe).first == 0) return way;
  }
  return {};
}

inline std::string iptables_namespace() {
  return namespace_with(
      "ipset create hcipolc-probe hash:net family inet6 && "
      "iptables-nft-restore --version && ip6tables-legacy-restore --version");
}

inline std::string nftables_namespace() {
  return namespace_with("nft add table inet hcipolc_probe && nft -n -j list ruleset");
}

}  // namespace hcipol::test::gateway
