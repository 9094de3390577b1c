// What becomes of a build whose files do not mean what the policy says: a backend that writes
// another port is put in place of the program's own.
#include <gtest/gtest.h>

#include "tests/support/session.h"

namespace hcipol::test {
namespace {

backends::Emission emit_another_port(const flow::DevicePolicy& device,
                                     backends::EmitContext& context) {
  backends::Emission emission = backends::find("iptables")->emit(device, context);
  for (backends::Artefact& artefact : emission.artefacts) {
    const auto at = artefact.text.find("--dport 6516");
    if (at != std::string::npos) artefact.text.replace(at, 12, "--dport 6517");
  }
  return emission;
}

Session with_another_port() {
  Session session;
  std::string error;
  session.files.write("policy/main.hcipol", R"(cluster "prod" {
  node "n1" { address = 10.0.0.11 }

  enable "console"
}

feature "console" {
  allow "one" 10.9.0.7 -> servers on tcp/6516
  allow "two" 10.9.0.8 -> servers on tcp/6518
}

target "iptables" {}
target "azure-firewall" {}
)",
                      error);
  backends::Backend faulty = *backends::find("iptables");
  faulty.emit = emit_another_port;
  session.backends = {faulty};
  return session;
}

TEST(Proof, FilesThatMeanSomethingElseAreNotWritten) {
  Session session = with_another_port();
  const auto before = session.files.files();
  const Outcome outcome = session.run({"build", "policy", "-o", "out"});
  EXPECT_EQ(outcome.exit, 70) << outcome.err;
  EXPECT_NE(outcome.err.find("10.9.0.7 -> 10.0.0.11 on tcp/6517 passes and should not"),
            std::string::npos)
      << outcome.err;
  EXPECT_EQ(session.files.files(), before);
}

TEST(Proof, ItIsLeftOutWhenAskedTo) {
  Session session = with_another_port();
  const Outcome outcome = session.run({"build", "policy", "-o", "out", "--no-verify"});
  EXPECT_EQ(outcome.exit, 0) << outcome.err;
  EXPECT_TRUE(session.files.files().contains("out/prod/iptables/rules.v4"));
}

TEST(Proof, TheProgramsOwnBackendIsRight) {
  Session session = with_another_port();
  session.backends.clear();
  EXPECT_EQ(session.run({"build", "policy", "-o", "out"}).exit, 0);
}

}  // namespace
}  // namespace hcipol::test
