// Eight characters at once say the same as one after the other.
#include "support/text.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>

namespace hcipol {
namespace {

bool one_by_one(std::string_view text, std::string_view others) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte > 0x7e || others.find(c) != std::string_view::npos) return false;
  }
  return true;
}

// Every byte at every place of texts that are shorter than a word, as long, and longer.
TEST(PrintableAsciiBut, LooksAtEveryByte) {
  for (std::size_t size = 1; size <= 20; ++size) {
    for (std::size_t at = 0; at < size; ++at) {
      for (int byte = 0; byte < 256; ++byte) {
        std::string text(size, 'a');
        text[at] = static_cast<char>(byte);
        EXPECT_EQ(printable_ascii_but<>(text), one_by_one(text, "")) << byte << " at " << at;
        EXPECT_EQ((printable_ascii_but<'"', '\\'>(text)), one_by_one(text, "\"\\"))
            << byte << " at " << at;
      }
    }
  }
  EXPECT_TRUE(printable_ascii_but<'a'>(""));
  EXPECT_TRUE(printable_ascii_but<'a'>("b"));
}

// Beside bytes that a borrow or a carry could come from.
RC_GTEST_PROP(PrintableAsciiBut, IsTheSameAsOneByOne, ()) {
  const auto text = *rc::gen::container<std::string>(
      rc::gen::element('\0', '\x1f', ' ', '!', '&', '\'', 'a', '~', '\x7f', '\x80', '\xff'));
  RC_ASSERT(printable_ascii_but<>(text) == one_by_one(text, ""));
  RC_ASSERT((printable_ascii_but<'&', '\''>(text)) == one_by_one(text, "&'"));
}

TEST(FindControl, FindsTheFirstByteThatIsNotAllowed) {
  for (int byte = 0; byte < 256; ++byte) {
    const auto c = static_cast<char>(byte);
    const bool control = (byte < 0x20 && c != '\n') || byte == 0x7f;
    for (const std::string_view allowed : {"", "\t\r"}) {
      const bool refused = control && allowed.find(c) == std::string_view::npos;
      const std::string text = "a line\n\n\xC3\xA9 " + std::string(1, c) + "\nend";
      EXPECT_EQ(find_control(text, allowed), refused ? 11 : std::string_view::npos) << byte;
    }
  }
  EXPECT_EQ(find_control("", ""), std::string_view::npos);
  EXPECT_EQ(find_control("\n\x01", ""), 1u);
}

}  // namespace
}  // namespace hcipol
