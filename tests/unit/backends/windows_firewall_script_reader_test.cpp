// The reader of Windows scripts, on scripts of a line or two.
#include <gtest/gtest.h>

#include <string>

#include "backends/windows_firewall/read_script.h"

namespace hcipol::backends::windows_firewall {
namespace {

ScriptReader read(std::string_view text) {
  return ScriptReader("x.ps1", text, "head\n", "\nengine\n");
}

TEST(WindowsScriptReader, ReadsWhatIsBetweenHeadAndEngine) {
  constexpr std::string_view text = "# c\n\nhead\n$a = 'it''s'\n\nengine\n";
  const ScriptReader reader = read(text);
  ASSERT_NE(reader.value("a", true), nullptr);
  EXPECT_EQ(reader.value("a", true)->source, "it's");
  EXPECT_EQ(reader.value("b", true), nullptr);
}

TEST(WindowsScriptReader, HeadAndEngineShareNothing) {
  EXPECT_NO_THROW(read("# c\n\nhead\n\nengine\n"));
  EXPECT_THROW(read("# c\n\nhead\nengine\n"), Unreadable);
  EXPECT_THROW(read("# c\n\nhead\n"), Unreadable);
  EXPECT_THROW(read("# c\n\nengine\n"), Unreadable);
}

}  // namespace
}  // namespace hcipol::backends::windows_firewall
