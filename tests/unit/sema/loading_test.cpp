// Nothing of the library is parsed that a policy does not use.
#include <gtest/gtest.h>

#include "sema/library_scan.h"
#include "sema/loader.h"
#include "std_library.h"

namespace hcipol::sema {
namespace {

/// The library files that were parsed for a policy, by name.
std::set<std::string> parsed_for(const std::string& policy) {
  MemoryFileSystem files({{"main.hcipol", policy}});
  LoadInput input;
  input.files = &files;
  input.library = std_library();
  SourceMap sources;
  Reporter reporter;
  const auto program = load(input, sources, reporter);
  EXPECT_TRUE(program.has_value());
  EXPECT_FALSE(reporter.has_errors());
  std::set<std::string> names;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const std::string& path = sources.file(static_cast<FileId>(i)).path;
    if (path.starts_with("std/")) names.insert(path.substr(path.rfind('/') + 1));
  }
  return names;
}

// 21H2 hides features of 20H2; to hide one is no reason to read it.
TEST(Loading, ReadsTheModuleAndWhatMaySwitchItselfOn) {
  const std::set<std::string> always{"module.hcipol", "storage_replica.hcipol"};
  EXPECT_EQ(parsed_for("use \"std/hci/21h2\"\n"), always);
}

TEST(Loading, ReadsWhatIsEnabledAndWhatThatRequires) {
  const std::set<std::string> wanted{"module.hcipol", "storage_replica.hcipol",
                                     "failover_clustering.hcipol", "between_servers.hcipol"};
  EXPECT_EQ(
      parsed_for(
          "use \"std/hci/21h2\"\n\ncluster \"c\" {\n  enable \"hci/failover-clustering\"\n}\n"),
      wanted);
}

TEST(Loading, ReadsNothingOfALibraryThatIsNotUsed) {
  EXPECT_TRUE(parsed_for("locals { a = 1 }\n").empty());
}

TEST(Loading, KnowsWhichFilesCanWait) {
  using Names = std::vector<std::string_view>;
  EXPECT_EQ(
      lazy_names("# c\nendpoint \"a\" { fqdn = \"a.b\" }\n\nfeature \"b\" {\n  title = \"B\"\n}\n"),
      (Names{"a", "b"}));
  EXPECT_EQ(lazy_names("feature \"b\" {\n  auto = cluster.stretched\n}\n"), std::nullopt);
  EXPECT_EQ(lazy_names("role \"r\" { title = \"R\" }\n"), std::nullopt);
}

TEST(Loading, SharesAModuleThatTwoUse) {
  MemoryFileSystem files({{"main.hcipol", "use \"std/hci/20h2\"\nuse \"./a\"\n"},
                          {"a/a.hcipol", "use \"std/hci/20h2\"\n"}});
  LoadInput input;
  input.files = &files;
  input.library = std_library();
  SourceMap sources;
  Reporter reporter;
  const auto program = load(input, sources, reporter);
  ASSERT_TRUE(program);
  EXPECT_EQ(program->modules.size(), 3u);
  EXPECT_EQ(program->modules[0].uses[0].module, program->modules[2].uses[0].module);
}

}  // namespace
}  // namespace hcipol::sema
