// Who may include whom, who may link whom, and which library is known to which file.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "tests/support/repository.h"

namespace hcipol::test {
namespace {

/// A room may use the rooms before it. `net` may use only `support`; backends less than their place
/// here says.
const std::vector<std::string> order{"support", "diagnostics", "net",      "syntax",
                                     "sema",    "policy",      "flow",     "verify",
                                     "report",  "importer",    "backends", "driver"};

std::ptrdiff_t place(const std::string& room) {
  const auto found = std::find(order.begin(), order.end(), room);
  return found == order.end() ? -1 : found - order.begin();
}

/// "compiler/net/address.h" → "net", "backends/iptables/print.h" → "backends".
std::string room_of(const std::string& path) {
  const std::string folder = "compiler/";
  const std::size_t begin = path.starts_with(folder) ? folder.size() : 0;
  const std::size_t end = path.find('/', begin);
  return end == std::string::npos ? "" : path.substr(begin, end - begin);
}

/// "iptables" of "backends/iptables/print.h"; "" for files of the folder itself.
std::string device_of(const std::string& path) {
  const std::size_t begin = path.find('/') + 1;
  const std::size_t end = path.find('/', begin);
  return end == std::string::npos ? "" : path.substr(begin, end - begin);
}

bool backends_may_see(const std::string& path) {
  static const std::set<std::string> single{"compiler/sema/value.h", "compiler/sema/named_set.h",
                                            "compiler/sema/option.h", "compiler/policy/model.h"};
  static const std::set<std::string> rooms{"support", "diagnostics", "net", "flow", "backends"};
  return single.contains(path) || rooms.contains(room_of(path));
}

/// "" if `from` may include `to`, else the rule that it breaks.
std::string objection(const std::string& from, const std::string& to) {
  const std::string user = room_of(from);
  const std::string used = room_of(to);
  if (place(used) < 0) return used + " is no room";
  if (place(used) > place(user)) return user + " comes before " + used;
  if (user == "net" && used != "net" && used != "support") return "net knows only support";
  if (user != "backends") return user == "report" && used == "backends" ? "report" : "";
  if (!backends_may_see(to)) return "backends do not see " + to;
  if (used != "backends" || device_of(from).empty()) return "";
  const std::string device = device_of(to);
  if (device.empty() || device == "common" || device == device_of(from)) return "";
  return "backends/" + device_of(from) + " does not know backends/" + device;
}

const std::map<std::string, std::string>& sources() {
  static const auto all = [] {
    auto files = files_below("compiler", {".h", ".cpp"});
    files.merge(files_below("backends", {".h", ".cpp"}));
    files.merge(files_below("compiler", {".def"}));
    return files;
  }();
  return all;
}

struct Include {
  std::string name;
  bool quoted;
};

std::vector<Include> includes_of(const std::string& text) {
  static const std::regex pattern("(?:^|\n)[ ]*#[ ]*include[ ]+([<\"])([^>\"\n]+)[>\"]");
  std::vector<Include> out;
  for (std::sregex_iterator it(text.begin(), text.end(), pattern), end; it != end; ++it) {
    out.push_back({(*it)[2], (*it)[1] == "\""});
  }
  return out;
}

/// The sources that embed.cmake writes: hcipol_embed(NAME …) makes NAME.h.
std::set<std::string> embedded_headers(const std::string& cmake) {
  static const std::regex pattern("hcipol_embed\\((\\w+) ");
  std::set<std::string> out;
  for (std::sregex_iterator it(cmake.begin(), cmake.end(), pattern), end; it != end; ++it) {
    out.insert((*it)[1].str() + ".h");
  }
  return out;
}

std::map<std::string, std::string> cmake_files() {
  auto files = files_below("compiler", {"CMakeLists.txt"});
  files.merge(files_below("backends", {"CMakeLists.txt"}));
  return files;
}

/// The file of the repository that an include in quotes names.
std::optional<std::string> resolve(const std::string& from, const std::string& name) {
  for (const std::string& candidate :
       {from.substr(0, from.rfind('/') + 1) + name, "compiler/" + name, name}) {
    if (sources().contains(candidate)) return candidate;
  }
  return std::nullopt;
}

TEST(Layering, FilesIncludeOnlyRoomsBeforeTheirs) {
  ASSERT_FALSE(sources().empty());
  std::map<std::string, std::set<std::string>> embedded;
  for (const auto& [path, text] : cmake_files())
    embedded[room_of(path)].merge(embedded_headers(text));
  for (const auto& [path, text] : sources()) {
    for (const Include& include : includes_of(text)) {
      if (!include.quoted || embedded[room_of(path)].contains(include.name)) continue;
      const auto target = resolve(path, include.name);
      if (!target) {
        ADD_FAILURE() << path << " includes " << include.name << ", which is not here";
      } else {
        EXPECT_EQ(objection(path, *target), "") << path << " includes " << *target;
      }
    }
  }
}

TEST(Layering, LinkLinesSayTheSame) {
  static const std::regex room("hcipol_room\\((\\w+)[^)]*\\sLINKS([^)]*)\\)");
  static const std::regex link("hcipol_(\\w+)");
  std::set<std::string> seen;
  for (const auto& [path, text] : cmake_files()) {
    for (std::sregex_iterator it(text.begin(), text.end(), room), end; it != end; ++it) {
      const std::string user = (*it)[1];
      const std::string links = (*it)[2];
      seen.insert(user);
      EXPECT_EQ(room_of(path), user) << path;
      for (std::sregex_iterator l(links.begin(), links.end(), link); l != end; ++l) {
        const std::string used = (*l)[1];
        if (used == "grammar") {
          EXPECT_EQ(user, "syntax") << path;
          continue;
        }
        EXPECT_GE(place(used), 0) << path << " links " << used;
        EXPECT_LT(place(used), place(user)) << path << " links " << used;
        if (user == "net") {
          EXPECT_EQ(used, "support") << path;
        }
        if (user == "backends") {
          EXPECT_EQ(used, "flow") << path << ": it brings the others";
        }
      }
    }
  }
  EXPECT_EQ(seen, std::set<std::string>(order.begin(), order.end()));
}

/// A library, and the only files that may know it.
struct Guest {
  std::string include;  ///< as the include begins
  std::string files;    ///< regular expression
};

TEST(Layering, LibrariesAreKnownWhereTheyAreUsed) {
  const std::vector<Guest> guests{
      {"boost/", "compiler/support/graph\\.cpp|backends/palo_alto/read_xml\\.h"},
      {"openssl/", "compiler/support/sha256\\.cpp"},
      {"tree_sitter/", "compiler/syntax/.*"},
      {"nlohmann/json.hpp", ".*\\.cpp|backends/common/arm/(read|write)_template\\.h"},
      {"pugixml.hpp",
       "(backends/palo_alto|compiler/report)/.*\\.cpp|backends/palo_alto/read_xml\\.h"},
      {"re2/", "compiler/(sema|driver)/.*\\.cpp"},
      {"CLI/", "compiler/driver/.*\\.cpp"},
      {"dtl/", "compiler/driver/commands/fmt\\.cpp"},
      {"unistd.h", "compiler/(support/(files|process)|driver/main)\\.cpp"},
      {"filesystem", "compiler/support/files\\.cpp"},
      {"fstream", "compiler/support/files\\.cpp"},
      {"iostream", "compiler/driver/main\\.cpp"},
  };
  for (const auto& [path, text] : sources()) {
    for (const Include& include : includes_of(text)) {
      for (const Guest& guest : guests) {
        if (!include.name.starts_with(guest.include)) continue;
        EXPECT_TRUE(std::regex_match(path, std::regex(guest.files)))
            << path << " includes " << include.name << "; only " << guest.files << " may";
      }
    }
  }
}

}  // namespace
}  // namespace hcipol::test
