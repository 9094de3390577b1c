// The page of `show --html`: well-formed, whole, and deaf to what a policy calls its things.
#include <gtest/gtest.h>

#include <pugixml.hpp>
#include <set>
#include <string>

#include "parsed.h"
#include "tests/support/repository.h"
#include "tests/support/session.h"

namespace hcipol::test {
namespace {

std::string policy(const std::string& title) {
  return R"(policy "p" { language = 1 }

role "wac" { title = "Windows Admin Center" }

feature "x" {
  title    = ")" +
         title + R"("
  requires = ["y"]

  allow "winrm" wac -> servers on tcp/5986 { note = ")" +
         title + R"(" }
}

feature "y" { allow "smb" servers <-> servers on tcp/445 }

cluster "c" {
  node "n1" { address = [10.0.1.1, fd00::11] }
  node "n2" { address = 10.0.1.2 }

  role "wac" { members = 10.0.5.10 }

  enable "x"
}
)";
}

std::string show(const std::string& text, const std::string& form) {
  Session session;
  session.files = TestFiles({{"main.hcipol", text}});
  const Outcome outcome = session.run({"show", form, "-"});
  EXPECT_EQ(outcome.exit, 0) << outcome.err;
  return outcome.out;
}

const std::string hostile =
    "<script>alert(1)</script> ]]> --> <!-- \\\" ' & &lt; <img src=x onerror=alert(1)>";

TEST(Page, IsOneWellFormedDocumentWithoutAnythingFromElsewhere) {
  for (const char* form : {"--html", "--svg"}) {
    const std::string text = show(policy("X"), form);
    const auto document = parsed(text);
    const auto names = element_names(document);
    for (const char* never : {"script", "link", "img", "iframe", "object", "use", "image"}) {
      EXPECT_EQ(names.count(never), 0u) << never;
    }
    EXPECT_EQ(text.find("url("), std::string::npos);
    EXPECT_EQ(text.find("@import"), std::string::npos);
    EXPECT_TRUE(document.select_nodes("//@src | //@*[starts-with(name(), 'on')]").empty());
  }
}

TEST(Page, TablesSayWhatTheirHeadersBelongTo) {
  const auto document = parsed(show(policy("X"), "--html"));
  const auto headers = document.select_nodes("//th");
  EXPECT_GT(headers.size(), 8u);
  EXPECT_TRUE(document.select_nodes("//th[not(@scope)]").empty());
  EXPECT_EQ(document.select_nodes("//table").size(), document.select_nodes("//caption").size());
}

// `<p/>` is an open element to a reader of HTML.
TEST(Page, EmptyElementsAreThoseThatHtmlKnowsAsEmpty) {
  const auto document = parsed(show(policy("X"), "--html"));
  for (const auto& found : document.select_nodes("//*[not(node())]")) {
    const std::string name = found.node().name();
    const bool in_picture = name == "rect" || name == "path";
    EXPECT_TRUE(in_picture || name == "meta" || name == "br") << name;
  }
}

TEST(Page, AHostileTitleIsText) {
  for (const char* form : {"--html", "--svg"}) {
    const std::string harmless = show(policy("X"), form);
    const std::string text = show(policy(hostile), form);
    EXPECT_EQ(element_names(parsed(text)), element_names(parsed(harmless)));
  }
  const std::string html = show(policy(hostile), "--html");
  EXPECT_EQ(html.find("<script"), std::string::npos);
  const auto document = parsed(html);
  const std::string shown =
      "<script>alert(1)</script> ]]> --> <!-- \" ' & &lt; <img src=x "
      "onerror=alert(1)>";
  bool found = false;
  for (const auto& cell : document.select_nodes("//td")) {
    found = found || cell.node().text().get() == shown;
  }
  EXPECT_TRUE(found) << html;
}

TEST(Page, OnlyWebAddressesBecomeLinks) {
  std::string text = policy("X");
  text.insert(text.find("  requires"), "  source   = \"javascript:alert(1)\"\n");
  const auto document = parsed(show(text, "--html"));
  EXPECT_TRUE(document.select_nodes("//a").empty());
}

TEST(Page, ShowsWhoReachesWhom) {
  const auto document = parsed(show(policy("X"), "--html"));
  const auto row = document.select_node("//table[1]/tbody/tr[th='wac']").node();
  const auto heads = document.select_nodes("(//table)[1]/thead/tr/th");
  std::size_t column = 0;
  for (std::size_t i = 0; i < heads.size(); ++i) {
    if (heads[i].node().text().get() == std::string("servers")) column = i;
  }
  ASSERT_GT(column, 0u);
  pugi::xml_node cell = row.first_child();
  for (std::size_t i = 0; i < column; ++i) cell = cell.next_sibling();
  EXPECT_STREQ(cell.text().get(), "tcp/5986");
}

TEST(Page, ThePictureOfTheReadmeIsThatOfItsExample) {
  const std::string folder = "examples/02-stretched-cluster";
  Session session;
  session.files = TestFiles(files_below(folder, {".hcipol"}));
  const Outcome outcome = session.run({"show", folder, "--svg", "-"});
  EXPECT_EQ(outcome.exit, 0) << outcome.err;
  EXPECT_EQ(outcome.out, files_below(folder, {".svg"}).at(folder + "/picture.svg"))
      << "draw it again: hcipolc show " << folder << " --svg " << folder << "/picture.svg";
}

}  // namespace
}  // namespace hcipol::test
