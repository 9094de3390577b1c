// What a large policy takes: 45,000 rules in 300 clusters, a hundredth of them edited, and every
// device.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/policies.h"
#include "tests/support/session.h"

namespace hcipol::test {
namespace {

/// The program may take 300. Its own allocator asks for more pages than the one of the tests does,
/// and a plan that kept what no reader asks for took 271 here and 338 there.
constexpr long most_mebibytes = 200;

const std::string& every_device() {
  static const std::string text =
      "target \"azure-firewall\" {}\n"
      "target \"iptables\" {}\n"
      "target \"nftables\" {}\n"
      "target \"palo-alto\" {}\n"
      "target \"windows-firewall\" { names = \"dynamic-keywords\" }\n";
  return text;
}

/// MiB at most in a process of its own; -1 if the command failed.
long peak_of(const std::vector<std::string>& command) {
  const pid_t child = fork();
  if (child == 0) {
    Session session;
    session.files =
        TestFiles({{"base/main.hcipol", bench::clusters_of(300) + every_device()},
                   {"head/main.hcipol", bench::clusters_of(300, true) + every_device()}});
    _exit(session.run(command).exit);
  }
  int status = 0;
  rusage usage{};
  if (wait4(child, &status, 0, &usage) != child || status != 0) return -1;
  return usage.ru_maxrss / 1024;
}

class MemoryOfLargePolicy : public testing::Test {
 protected:
  void SetUp() override {
#ifdef __SANITIZE_ADDRESS__
    GTEST_SKIP() << "the sanitizers take memory of their own";
#endif
  }
};

TEST_F(MemoryOfLargePolicy, StaysSmallInCheck) {
  const long peak = peak_of({"check", "head"});
  EXPECT_GT(peak, 0);
  EXPECT_LE(peak, most_mebibytes);
}

TEST_F(MemoryOfLargePolicy, StaysSmallInPlan) {
  const long peak = peak_of({"plan", "--base", "base", "head"});
  EXPECT_GT(peak, 0);
  EXPECT_LE(peak, most_mebibytes);
}

}  // namespace
}  // namespace hcipol::test
