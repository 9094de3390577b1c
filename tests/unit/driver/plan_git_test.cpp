// `plan` with git itself, in a repository of the test's own.
#include <gtest/gtest.h>

#include <unistd.h>

#include <filesystem>

#include "driver/environment.h"

namespace hcipol {
namespace {

namespace fs = std::filesystem;

class PlanGitTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string error;
    if (!run_program({"git", "--version"}, error)) GTEST_SKIP() << "git cannot be run: " << error;
    root_ = fs::temp_directory_path() / ("hcipolc-plan-" + std::to_string(::getpid()));
    fs::create_directories(root_);
    git({"init", "-q", "-b", "main"});
    write("README", "a repository with more in it than the policy\n");
    write("policy/main.hcipol", policy("tcp/443"));
    write("policy/module/m.hcipol", "role \"admins\" {}\n");
    commit();
  }
  void TearDown() override {
    std::error_code ignored;
    if (!root_.empty()) fs::remove_all(root_, ignored);
  }

  static std::string policy(const std::string& service) {
    return "use \"./module\"\n\ncluster \"lab\" {\n  node \"n1\" { address = 10.0.0.1 }\n"
           "  role \"admins\" { members = 10.0.9.1 }\n  enable \"x\"\n}\n\n"
           "feature \"x\" { allow \"a\" admins -> servers on " +
           service + " }\n";
  }
  void write(const std::string& path, const std::string& text) {
    std::string error;
    ASSERT_TRUE(disk()->write((root_ / path).string(), text, error)) << error;
  }
  Finished git(std::vector<std::string> words) {
    words.insert(words.begin(), {"git", "-C", root_.string(), "-c", "user.name=t", "-c",
                                 "user.email=t@example.com"});
    std::string error;
    const auto done = run_program(words, error);
    EXPECT_TRUE(done && done->exit == 0) << error << (done ? done->err : "");
    return done.value_or(Finished{});
  }
  void commit() {
    git({"add", "-A"});
    git({"commit", "-q", "--no-gpg-sign", "-m", "c"});
  }

  struct Outcome {
    int exit = 0;
    std::string out, err;
  };
  Outcome plan(std::vector<std::string> more, const std::string& path = "policy") {
    Outcome outcome;
    const auto files = disk();
    driver::Environment environment;
    environment.files = files.get();
    environment.run_program = run_program;
    environment.out = [&](std::string_view text) { outcome.out += text; };
    environment.err = [&](std::string_view text) { outcome.err += text; };
    environment.today = parse_date("2022-06-01").value();
    std::vector<std::string> words{"plan", (root_ / path).string(), "--exit-code"};
    words.insert(words.end(), more.begin(), more.end());
    outcome.exit = driver::run(words, environment);
    return outcome;
  }

  fs::path root_;
};

TEST_F(PlanGitTest, ComparesWithTheLastCommit) {
  EXPECT_EQ(plan({}).exit, 0);
  write("policy/main.hcipol", policy("[tcp/443, tcp/8443]"));
  const Outcome outcome = plan({});
  EXPECT_EQ(outcome.exit, 2) << outcome.err;
  EXPECT_NE(outcome.out.find("1 opened"), std::string::npos) << outcome.out;
  EXPECT_NE(outcome.out.find("tcp/8443"), std::string::npos) << outcome.out;
  const std::string head = git({"rev-parse", "HEAD"}).out.substr(0, 12);
  EXPECT_NE(outcome.out.find("HEAD (" + head + ")"), std::string::npos) << outcome.out;
}

TEST_F(PlanGitTest, ReadsModulesAndFilesAsTheyWere) {
  write("policy/module/m.hcipol", "role \"admins\" { title = \"another text\" }\n");
  fs::remove(root_ / "policy/main.hcipol");
  write("policy/other.hcipol", policy("tcp/443"));
  EXPECT_EQ(plan({}).exit, 0);  // the same policy under another file name
  commit();
  write("policy/other.hcipol", policy("tcp/444"));
  EXPECT_EQ(plan({"--base", "main~1"}).exit, 2);
  EXPECT_EQ(plan({"--base", "main"}, "policy/other.hcipol").exit, 2);
}

TEST_F(PlanGitTest, FollowsLinksBesideTheFile) {
  fs::create_symlink("module/m.hcipol", root_ / "policy/linked.txt");
  commit();
  EXPECT_EQ(plan({}).exit, 0);
  fs::create_symlink("../README", root_ / "policy/outside");
  commit();
  const Outcome outcome = plan({});
  EXPECT_EQ(outcome.exit, 3);
  EXPECT_NE(outcome.err.find("symbolic link"), std::string::npos) << outcome.err;
}

TEST_F(PlanGitTest, SaysWhatGitSays) {
  const Outcome outcome = plan({"--base", "nowhere"});
  EXPECT_EQ(outcome.exit, 3);
  EXPECT_EQ(outcome.out, "");
  EXPECT_NE(outcome.err.find("cannot compare with `nowhere`: not a valid object name"),
            std::string::npos)
      << outcome.err;
}

TEST_F(PlanGitTest, PassesWordsOnAsTheyAre) {
  const std::string marker = (root_ / "made").string();
  EXPECT_EQ(plan({"--base", "HEAD; touch " + marker}).exit, 3);
  EXPECT_EQ(plan({"--base", "$(touch " + marker + ")"}).exit, 3);
  EXPECT_EQ(plan({"--base=--output=" + marker}).exit, 3);
  EXPECT_FALSE(fs::exists(marker));
}

TEST_F(PlanGitTest, ALongPathIsReadWhole) {
  const std::string folder(120, 'd');
  write("policy/" + folder + "/" + folder + "/m.hcipol", "role \"admins\" {}\n");
  std::string text = policy("tcp/443");
  text.replace(text.find("./module"), 8, "./" + folder + "/" + folder);
  write("policy/main.hcipol", text);
  commit();
  EXPECT_EQ(plan({}).exit, 0) << plan({}).err;
}

}  // namespace
}  // namespace hcipol
