// Whatever happens to a policy's text, hcipolc answers with a diagnostic or with files: it never
// dies, and it never writes when it complains.
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "tests/support/repository.h"
#include "tests/support/session.h"

namespace hcipol::test {
namespace {

std::vector<std::string> policies() {
  std::vector<std::string> out;
  for (const auto& [path, text] : files_below("examples/", {".hcipol"})) out.push_back(text);
  for (const auto& [path, text] : files_below("stdlib/", {".hcipol"})) out.push_back(text);
  return out;
}

std::string damaged(std::string text, std::mt19937& random, const std::vector<std::string>& all) {
  static const std::vector<std::string> pieces{"{",          "}",
                                               "\"",         "[",
                                               "]",          "(",
                                               ")",          "${",
                                               "->",         "<->",
                                               "on",         "any",
                                               "10.0.0.0/8", "tcp/0-70000",
                                               "except",     "\n",
                                               "#",          "=",
                                               "null",       "::",
                                               "servers",    "allow \"x\"",
                                               "deny",       "when",
                                               "2022-02-30", "cluster.",
                                               "\"\"\"",     "for x in",
                                               "?",          ":",
                                               "\\",         "\xff",
                                               "\0x",        "999999999999999999999",
                                               "icmp/8",     "*.x"};
  const auto below = [&](std::size_t n) { return n == 0 ? 0 : random() % n; };
  for (auto n = 1 + below(4); n > 0; --n) {
    const std::size_t at = below(text.size());
    switch (below(5)) {
      case 0: text.erase(at, 1 + below(20)); break;
      case 1: text.insert(at, pieces[below(pieces.size())]); break;
      case 2: text[at] = static_cast<char>(below(256)); break;
      case 3: text.insert(at, text.substr(below(text.size()), below(80))); break;
      default: {
        const std::string& other = all[below(all.size())];
        text.insert(at, other.substr(below(other.size()), below(120)));
      }
    }
    if (text.empty()) text = "x";
  }
  return text;
}

class Robustness : public testing::TestWithParam<unsigned> {};

TEST_P(Robustness, DamagedPoliciesGetAnAnswer) {
  static const std::vector<std::string> all = policies();
  ASSERT_GT(all.size(), 10u);
  std::mt19937 random(GetParam());
  for (int i = 0; i < 25; ++i) {
    const std::string text = damaged(all[random() % all.size()], random, all);
    Session session;
    session.files = TestFiles({{"main.hcipol", text}});
    const Outcome outcome = session.run(
        {"build", "-t", "azure-firewall,azure-nsg,iptables,nftables,palo-alto,windows-firewall",
         "--format", "short"});
    ASSERT_TRUE(outcome.exit == 0 || outcome.exit == 1) << outcome.exit << "\n"
                                                        << outcome.err << text;
    if (outcome.exit == 0) continue;
    EXPECT_NE(outcome.err.find("error[E"), std::string::npos) << text;
    EXPECT_EQ(session.files.files().size(), 1u) << "something was written for\n" << text;
  }
}

INSTANTIATE_TEST_SUITE_P(Random, Robustness, testing::Range(0u, 40u));

}  // namespace
}  // namespace hcipol::test
