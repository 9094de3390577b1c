// What the library refuses of a cluster, by release.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "tests/support/session.h"

namespace hcipol::test {

struct Refused {
  std::string name;
  std::string release;
  std::string cluster;  ///< what stands in it beside a node
  std::string code;
  std::string says;
};

/// `hcipolc check` of a policy with one cluster.
inline Outcome check(const std::string& release, const std::string& cluster) {
  Session session;
  session.files = TestFiles(std::map<std::string, std::string>{
      {"main.hcipol", "use \"std/hci/" + release +
                          "\"\ncluster \"lab\" {\n  node \"n1\" { address = 10.1.0.11 }\n  " +
                          cluster + "\n}\n"}});
  return session.run({"check"});
}

inline void expect_refused(const Refused& refused) {
  const Outcome outcome = check(refused.release, refused.cluster);
  EXPECT_EQ(outcome.exit, 1) << outcome.err;
  EXPECT_NE(outcome.err.find("error[" + refused.code + "]"), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.err.find(refused.says), std::string::npos) << outcome.err;
}

}  // namespace hcipol::test
