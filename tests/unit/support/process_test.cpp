// Programs are run with their words as they are, and what they write is read whole.
#include "support/process.h"

#include <gtest/gtest.h>

namespace hcipol {
namespace {

TEST(Process, GivesBothOutputsAndTheCode) {
  std::string error;
  const auto done = run_program({"sh", "-c", "echo out; echo err >&2; exit 7"}, error);
  ASSERT_TRUE(done) << error;
  EXPECT_EQ(done->out, "out\n");
  EXPECT_EQ(done->err, "err\n");
  EXPECT_EQ(done->exit, 7);
}

// More than a pipe holds, first on one and then on the other.
TEST(Process, DoesNotWaitForItself) {
  std::string error;
  const auto done =
      run_program({"sh", "-c", "head -c 300000 /dev/zero >&2; head -c 200000 /dev/zero"}, error);
  ASSERT_TRUE(done) << error;
  EXPECT_EQ(done->err.size(), 300000u);
  EXPECT_EQ(done->out.size(), 200000u);
}

TEST(Process, HasNothingToRead) {
  std::string error;
  const auto done = run_program({"cat"}, error);
  ASSERT_TRUE(done) << error;
  EXPECT_EQ(done->out, "");
  EXPECT_EQ(done->exit, 0);
}

TEST(Process, WordsAreNoShellText) {
  std::string error;
  const auto done = run_program({"printf", "%s|", "a b", "$HOME", ";"}, error);
  ASSERT_TRUE(done) << error;
  EXPECT_EQ(done->out, "a b|$HOME|;|");
}

TEST(Process, ASignalIsACode) {
  std::string error;
  const auto done = run_program({"sh", "-c", "kill -TERM $$"}, error);
  ASSERT_TRUE(done) << error;
  EXPECT_EQ(done->exit, 128 + 15);
}

TEST(Process, SaysWhyItCannotBeStarted) {
  std::string error;
  EXPECT_FALSE(run_program({"hcipolc-no-such-program"}, error));
  EXPECT_EQ(error, "no such file or directory");
}

}  // namespace
}  // namespace hcipol
