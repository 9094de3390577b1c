// What a gateway does and says where its target does not see everything.
#include <gtest/gtest.h>

#include "backends/common/gateway/sets.h"
#include "gateway_builder.h"

namespace hcipol::test::gateway {
namespace {

/// One rule to the servers, one by name, one that is no server's.
class GatewayScope : public testing::TestWithParam<const char*> {
 protected:
  Builder b{GetParam()};

  void SetUp() override {
    b.servers({"10.0.0.1", "10.0.0.2"});
    b.allow("a.winrm", b.set("wac", {"10.0.5.10"}), b.cluster.servers, tcp(5985));
  }
  bool iptables() const { return std::string(GetParam()) == "iptables"; }
  std::string rules() {
    auto files = b.emit();
    return files[iptables() ? "rules.v4" : "ruleset.nft"];
  }
  static bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
  }
};

TEST_P(GatewayScope, DropsWhatIsInvalidWhereItSees) {
  b.sees({b.any()}, {b.cluster.servers}, false);
  const std::string text = rules();
  if (iptables()) {
    EXPECT_TRUE(has(text,
                    "-A HCI-prod.ours -m conntrack --ctstate INVALID -m set --match-set "
                    "HCI-prod.servers-v4 dst -j DROP\n"
                    "-A HCI-prod.ours -m conntrack --ctstate INVALID -j RETURN\n"))
        << text;
  } else {
    EXPECT_TRUE(has(text, "related accept\n    ct state invalid goto invalid\n")) << text;
    EXPECT_TRUE(has(text, "  chain invalid {\n    ip daddr @v4.servers drop\n  }\n")) << text;
  }
  b.sees({b.any()}, {b.cluster.servers}, true);
  EXPECT_TRUE(has(rules(), iptables() ? "INVALID -j DROP\n-A HCI-prod.ours -j HCI-prod.flows\n"
                                      : "ct state invalid drop\n"));
  b.view.sees.reset();
  EXPECT_TRUE(has(rules(), iptables() ? "INVALID -j DROP\n-A HCI-prod.ours -j HCI-prod.flows\n"
                                      : "ct state invalid drop\n"));
}

/// The product's proof has to notice what the printer could get wrong.
TEST_P(GatewayScope, IsProvedOfWhatIsInvalid) {
  b.sees({b.any()}, {b.cluster.servers}, false);
  b.emit();
  const auto wrong = [&](const std::string& from, const std::string& to) {
    backends::Emission emission = b.emission;
    for (auto& artefact : emission.artefacts) {
      const auto at = artefact.text.find(from);
      if (at != std::string::npos) artefact.text.replace(at, from.size(), to);
    }
    return backends::difference(*backends::find(GetParam()), b.device, emission).value_or("");
  };
  if (iptables()) {
    const std::string line = "INVALID -m set --match-set HCI-prod.servers-v4 dst -j DROP";
    EXPECT_TRUE(has(wrong(line, "INVALID -j DROP"), "denied unseen"));
    EXPECT_TRUE(has(wrong(line, "INVALID -j RETURN"), "are not denied"));
  } else {
    EXPECT_TRUE(has(wrong("invalid goto invalid", "invalid drop"), "denied unseen"));
    EXPECT_TRUE(has(wrong("invalid goto invalid", "invalid return"), "are not denied"));
  }
}

TEST_P(GatewayScope, IsSaidInTheHead) {
  b.sees({b.any()}, {b.cluster.servers}, false);
  std::string text = rules();
  EXPECT_TRUE(has(text, "# Target " + std::string(GetParam()) +
                            " sees any -> servers; all else is left alone.\n"
                            "# But packets of open connections are accepted, on whatever way.\n"))
      << text;
  EXPECT_TRUE(has(text, "manifest.json"));
  EXPECT_FALSE(has(text, "others:")) << "there is no such chain";
  EXPECT_FALSE(has(text, "dnsmasq")) << "it has no part in it";
  EXPECT_FALSE(has(text, "Exceptions")) << "there are none";
  b.view.sees.reset();
  b.allow("b.site", b.cluster.servers, b.set("site", {"www.example.com"}), tcp(443));
  b.allow("b.backup", b.set("x", {"10.7.0.1"}), b.set("y", {"10.8.0.1"}), tcp(9));
  b.rule("c.vendor", Kind::exception, {b.set("vendor", {"203.0.113.1"})}, {b.cluster.servers},
         tcp(445));
  text = rules();
  EXPECT_TRUE(has(text, "# Target " + std::string(GetParam()) + " sees all traffic.\n")) << text;
  EXPECT_FALSE(has(text, "open connections")) << "the policy decides on all of it";
  EXPECT_TRUE(has(text, "others: traffic of peers")) << text;
  EXPECT_TRUE(has(text, "dnsmasq")) << text;
  EXPECT_TRUE(has(text, "# Exceptions do not end here by themselves")) << text;
}

TEST_P(GatewayScope, LogsWhatARuleDeniesOnce) {
  b.rule("c.not", Kind::deny, {b.any()}, {b.cluster.servers}, tcp(23)).log = true;
  const std::string text = rules();
  if (iptables()) {
    EXPECT_TRUE(has(text, "--nflog-prefix \"HCI-prod denied c.not\"")) << text;
    EXPECT_TRUE(has(text, "-g HCI-prod.refused\n")) << text;
    EXPECT_TRUE(has(text, "-A HCI-prod.refused -p tcp -j REJECT --reject-with tcp-reset\n"));
    EXPECT_FALSE(has(text, "-A HCI-prod.refused -m limit"));
  } else {
    EXPECT_TRUE(has(text, "log prefix \"HCI-prod denied c.not\"")) << text;
    EXPECT_TRUE(has(text, "goto refused comment \"c.not")) << text;
    EXPECT_TRUE(has(text, "  chain refused {\n    meta l4proto tcp reject with tcp reset\n"));
  }
}

INSTANTIATE_TEST_SUITE_P(Devices, GatewayScope, testing::Values("iptables", "nftables"));

TEST(GatewayTexts, EndAtAWord) {
  Builder b("nftables");
  b.servers({"10.0.0.1"});
  policy::Rule& rule = b.rule("a.long", Kind::allow, {b.any()}, {b.cluster.servers}, tcp(1));
  rule.title = "Word";
  for (int i = 0; i < 40; ++i) rule.title += " word";
  const std::string text = b.emit()["ruleset.nft"];
  const auto at = text.find("comment \"a.long: Word");
  ASSERT_NE(at, std::string::npos) << text;
  const std::string comment = text.substr(at, text.find('\n', at) - at);
  EXPECT_TRUE(comment.ends_with(" word ...\"") ||
              comment.find(" word ...\" :") != std::string::npos)
      << comment;
}

TEST(GatewayTexts, SayWhatALearntSetIsOf) {
  Builder b("iptables");
  b.servers({"10.0.0.1"});
  std::vector<std::string> many;
  for (char c = 'a'; c <= 'j'; ++c) many.push_back(std::string(1, c) + ".example.net");
  b.allow("a.one", b.cluster.servers, b.set("hci/one", {"www.example.com", "*.example.org"}),
          tcp(443));
  b.allow("a.many", b.cluster.servers, b.set("hci/many", many), tcp(443));
  auto files = b.emit();
  const std::string& text = files["ipset"];
  const std::string create = "create HCI-prod.hci-one-dns4 hash:ip family inet maxelem";
  EXPECT_NE(
      text.find("# HCI-prod.hci-one-dns4 is hci/one: *.example.org www.example.com\n" + create),
      std::string::npos)
      << text;
  EXPECT_NE(text.find(" h.example.net and more\n"), std::string::npos) << text;
  const auto fault = [&](const std::string& from, const std::string& to) {
    backends::Emission emission = b.emission;
    for (auto& artefact : emission.artefacts) {
      const auto at = artefact.text.find(from);
      if (artefact.path == "ipset" && at != std::string::npos)
        artefact.text.replace(at, from.size(), to);
    }
    return backends::difference(*backends::find("iptables"), b.device, emission).value_or("");
  };
  EXPECT_EQ(fault("", ""), "");
  const std::string seconds = std::to_string(backends::gateway::learnt_seconds);
  EXPECT_NE(files["apply.sh"].find("\nlearnt_seconds=" + seconds + "\n"), std::string::npos);
  EXPECT_NE(fault("hci/one: *.example.org www.example.com", "hci/one: *.example.org"), "");
  EXPECT_NE(fault(" h.example.net and", " k.example.net and"), "");
  EXPECT_NE(fault("# HCI-prod.hci-one-dns4 is", "# HCI-prod.hci-two-dns4 is"), "");
}

}  // namespace
}  // namespace hcipol::test::gateway
