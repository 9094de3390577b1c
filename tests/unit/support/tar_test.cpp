// Archives that GNU tar wrote, read back; and damage.
#include "support/tar.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "support/files.h"
#include "support/process.h"

namespace hcipol {
namespace {

namespace fs = std::filesystem;

class TarTest : public testing::Test {
 protected:
  void SetUp() override {
    root_ = fs::temp_directory_path() / ("hcipolc-tar-" + std::to_string(::getpid()));
    fs::create_directories(root_);
  }
  void TearDown() override { fs::remove_all(root_); }

  void write(const std::string& path, const std::string& text) {
    std::string error;
    ASSERT_TRUE(disk()->write((root_ / path).string(), text, error)) << error;
  }
  std::string archive(const std::string& format) {
    std::string error;
    const auto done =
        run_program({"tar", "-C", root_.string(), "--format=" + format, "-cf", "-", "."}, error);
    EXPECT_TRUE(done && done->exit == 0) << error;
    return done ? done->out : "";
  }

  fs::path root_;
  std::string error_;
};

TEST_F(TarTest, ReadsFilesOfEverySize) {
  std::map<std::string, std::string> written;
  for (const std::size_t size : {0, 1, 511, 512, 513, 5000}) {
    written["./d/" + std::to_string(size)] = std::string(size, 'x');
  }
  for (const auto& [path, text] : written) write(path, text);
  for (const char* format : {"pax", "ustar"}) {
    const auto read = read_tar(archive(format), error_);
    ASSERT_TRUE(read) << error_;
    EXPECT_EQ(read->files, written);
  }
}

TEST_F(TarTest, ReadsLongPathsAndLinks) {
  const std::string folder(140, 'f');
  write(folder + "/" + folder, "long");
  fs::create_symlink(folder + "/" + folder, root_ / "link");
  const auto read = read_tar(archive("pax"), error_);
  ASSERT_TRUE(read) << error_;
  EXPECT_EQ(read->files.at("./" + folder + "/" + folder), "long");
  EXPECT_EQ(read->links.at("./link"), folder + "/" + folder);
}

TEST_F(TarTest, DamageIsSaid) {
  write("a", std::string(2000, 'x'));
  const std::string good = archive("ustar");
  ASSERT_TRUE(read_tar(good, error_));
  for (const std::size_t length : {0, 100, 511, 512, 1024, 2048}) {
    EXPECT_FALSE(read_tar(std::string_view(good).substr(0, length), error_)) << length;
    EXPECT_FALSE(error_.empty());
  }
  std::string bad = good;
  bad[3] ^= 1;
  EXPECT_FALSE(read_tar(bad, error_));
  EXPECT_EQ(error_, "a header has a wrong checksum");
  EXPECT_FALSE(read_tar(std::string(2000, 'x'), error_));
}

}  // namespace
}  // namespace hcipol
