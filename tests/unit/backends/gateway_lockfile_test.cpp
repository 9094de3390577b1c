// Host names by addresses that somebody looked up before.
#include <gtest/gtest.h>

#include <algorithm>

#include "gateway_builder.h"
#include "tests/support/gateway_kernel.h"
#include "tests/support/repository.h"
#include "tests/support/session.h"

namespace hcipol::test::gateway {
namespace {

class GatewayLockfile : public ::testing::TestWithParam<const char*> {
 protected:
  GatewayLockfile() {
    b.servers({"10.0.0.1", "10.0.0.2", "fd00::1"});
    portal = b.set("hci/portal", {"portal.example", "*.cdn.example"});
    b.allow("hci/a", b.cluster.servers, portal, tcp(443));
  }

  std::map<std::string, std::string> emit(const std::string& lock) {
    b.lock(lock);
    auto out = b.emit();
    EXPECT_FALSE(b.reporter.has_errors()) << b.reports().front();
    return out;
  }
  std::vector<std::string> faults(const std::string& lock) {
    b.lock(lock);
    b.emit();
    return b.reports();
  }

  Builder b{GetParam()};
  const NamedSet* portal = nullptr;
};

constexpr const char* good =
    "date 2022-05-30\nportal.example 198.51.100.7\n*.cdn.example 198.51.100.8 2001:db8::/64\n";

TEST_P(GatewayLockfile, ANewFileChangesMembersAndNoRule) {
  const auto before = emit(good);
  const auto after =
      emit("date 2022-05-31\nportal.example 198.51.100.7 203.0.113.9\n*.cdn.example 2001:db8::9\n");
  EXPECT_EQ(before.count("dnsmasq.conf"), 0U);
  std::string changed;
  for (const auto& [path, text] : before) {
    if (text != after.at(path)) changed += path + " ";
  }
  EXPECT_EQ(changed, b.target.backend == "iptables" ? "ipset " : "ruleset.nft ");
}

TEST_P(GatewayLockfile, WhatItWidensIsSaid) {
  emit(std::string(good) + "other.example 198.51.100.8\nfree.example 192.0.2.1\n");
  ASSERT_EQ(b.reports().size(), 1U);
  EXPECT_EQ(b.reports().front(),
            "W0611 rule `hci/a` is wider on " + b.target.backend +
                ": `hci/portal` is matched by the addresses that `addresses.txt` gives for it (of "
                "2022-05-30), whatever name was asked for: the same addresses are those of "
                "other.example");
  const auto& remark = b.emission.remarks.front();
  ASSERT_EQ(remark.wider.size(), 1U);
  EXPECT_EQ(remark.wider.front().to,
            (std::vector<std::string>{"198.51.100.7/32", "198.51.100.8/32", "2001:db8::/64"}));
}

TEST_P(GatewayLockfile, ADenyIsAsGoodAsTheFile) {
  b.rule("hci/b", Kind::deny, {b.cluster.servers}, {portal}, tcp(80));
  emit(good);
  const auto reports = b.reports();
  EXPECT_TRUE(std::any_of(reports.begin(), reports.end(), [](const std::string& text) {
    return text.starts_with("W0614") &&
           text.find("it denies only the addresses that `addresses.txt` gives for these names") !=
               std::string::npos;
  }));
}

TEST_P(GatewayLockfile, WhatCannotBeReadIsAnError) {
  const std::string cannot = "E0640 `addresses.txt` is no file of looked-up addresses: ";
  const std::vector<std::pair<std::string, std::string>> cases{
      {"", "it has no line `date YYYY-MM-DD`"},
      {"# nothing\n", "it has no line `date YYYY-MM-DD`"},
      {"portal.example 198.51.100.7\n",
       "its first line is `date YYYY-MM-DD`, the day of the look-ups"},
      {"date 2022-13-01\n", "its first line is `date YYYY-MM-DD`, the day of the look-ups"},
      {"date 2022-06-02\n", "its date is after the day of this build"},
      {"date 2022-06-01\nportal.example\n", "`portal.example` has no address"},
      {"date 2022-06-01\nportal.example 1.2.3.4\nportal.example 1.2.3.4\n",
       "`portal.example` stands twice"},
      {"date 2022-06-01\nportal.example 1.2.3\n", "`1.2.3` is no address or prefix"},
      {"date 2022-06-01\nportal.example 1.2.3.4/8\n", "`1.2.3.4/8` is no address or prefix"},
      {"date 2022-06-01\nportal.example ::/0\n",
       "every address of a family is what nobody looked up"},
      {"date 2022-06-01\nportal.example  1.2.3.4\n", "words stand between single blanks"},
      {"date 2022-06-01\n portal.example 1.2.3.4\n", "words stand between single blanks"},
      {"date 2022-06-01\nportal.example 1.2.3.4\r\n",
       "its lines end with CR LF, not with LF alone"},
      {"date 2022-06-01\n*.*.example 1.2.3.4\n", "`*.*.example` is no host name"},
  };
  for (const auto& [text, what] : cases) {
    const auto found = faults(text);
    ASSERT_EQ(found.size(), 1U) << text;
    EXPECT_EQ(found.front(), cannot + what) << text;
  }
}

TEST_P(GatewayLockfile, AgeIsCountedInDays) {
  const auto at_age = [&](const char* date) {
    return faults("date " + std::string(date) + "\nportal.example 1.2.3.4\n*.cdn.example 1.2.3.5\n")
        .front()
        .substr(0, 5);
  };
  EXPECT_EQ(at_age("2022-05-02"), "W0611");
  EXPECT_EQ(at_age("2022-05-01"), "E0641");
  b.option("lockfile_age",
           std::chrono::duration_cast<std::chrono::seconds>(std::chrono::hours(24)));
  EXPECT_EQ(at_age("2022-05-31"), "W0611");
  EXPECT_EQ(at_age("2022-05-30"), "E0641");
}

TEST_P(GatewayLockfile, EachMissingNameIsAnErrorOnce) {
  b.allow("hci/b", b.cluster.servers, portal, tcp(80));
  EXPECT_EQ(faults("date 2022-06-01\ncdn.example 1.2.3.4\n").size(), 2U);
  const auto reports = b.reports();
  for (const char* name : {"portal.example", "*.cdn.example"}) {
    EXPECT_EQ(std::count(reports.begin(), reports.end(),
                         "E0642 `" + std::string(name) + "` has no addresses in `addresses.txt`"),
              1);
  }
}

TEST_P(GatewayLockfile, OptionsGoTogether) {
  b.option("names", std::string("lockfile"));
  b.emit();
  EXPECT_EQ(b.reports().front(),
            "E0611 `lockfile` is not valid for `names`: it needs the file with the addresses: "
            "lockfile = \"…\"");
  b.option("names", std::string("refuse"));
  b.option("lockfile", std::string("addresses.txt"));
  b.emit();
  EXPECT_EQ(b.reports().front(),
            "E0611 `lockfile` is not valid for `names`: it is for names = \"lockfile\"");
}

INSTANTIATE_TEST_SUITE_P(Backends, GatewayLockfile, testing::Values("iptables", "nftables"));

/// The command that the page shows, with resolvers of its own.
TEST(GatewayLockfileCommand, ThePagesCommandMakesAFileThatBuilds) {
  const std::string page =
      files_below("backends/iptables", {"README.md"}).at("backends/iptables/README.md");
  const auto begin = page.find("```sh\n");
  ASSERT_NE(begin, std::string::npos);
  const std::string command = page.substr(begin + 6, page.find("```\n", begin + 6) - begin - 6);
  const std::string policy = R"(cluster "lab" {
  node "n1" { address = 192.168.10.11 }

  enable "x"
}

feature "x" { allow "a" servers -> ["a.example", "*.cdn.example", "b.example"] on tcp/443 }

target "iptables" {
  names    = "lockfile"
  lockfile = "addresses.txt"
}
)";
  Session session;
  session.files = TestFiles({{"main.hcipol", policy}, {"addresses.txt", ""}});
  const Outcome names = session.run({"show", "--names"});
  ASSERT_EQ(names.exit, 0) << names.err;
  const Folder folder({{"names", names.out},
                       {"hcipolc", "#!/bin/sh\n[ \"$*\" = 'show --names' ] && cat names\n"},
                       {"getent", R"(#!/bin/sh
case $* in
  'ahosts a.example') printf '198.51.100.7 STREAM a.example\n198.51.100.7 DGRAM\n2001:db8::7 STREAM\n' ;;
  'ahosts b.example') printf '198.51.100.9    STREAM b.example\n' ;;
  *) exit 2 ;;
esac
)"}});
  const std::string script = "chmod +x hcipolc getent; PATH=$PWD:$PATH; export PATH\n" + command;
  const auto make = [&] {
    const auto [status, out] = folder.run(script);
    EXPECT_EQ(status, 0) << out;
    return folder.text("addresses.txt").substr(std::string("date 2022-06-01\n").size());
  };
  EXPECT_EQ(make(), "a.example 198.51.100.7 2001:db8::7\nb.example 198.51.100.9\n*.cdn.example\n");
  // Its owner's prefixes, as somebody writes them once.
  folder.run("sed -i 's/^\\*.cdn.example$/& 203.0.113.0\\/24/' addresses.txt");
  const std::string made = make();
  EXPECT_EQ(made,
            "a.example 198.51.100.7 2001:db8::7\nb.example 198.51.100.9\n"
            "*.cdn.example 203.0.113.0/24\n");
  session.files =
      TestFiles({{"main.hcipol", policy}, {"addresses.txt", "date 2022-06-01\n" + made}});
  const Outcome built = session.run({"build"});
  EXPECT_EQ(built.exit, 0) << built.err;
  const std::string sets = session.files.files().at("build/lab/iptables/ipset");
  EXPECT_NE(sets.find(" 203.0.113.0/24\n"), std::string::npos) << sets;
}

}  // namespace
}  // namespace hcipol::test::gateway
