// One machine's own firewall: the policy that the tests of both Linux gateways begin with.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "gateway_builder.h"

namespace hcipol::test::gateway {

/// A jump host: it administers servers, is administered itself, and asks a resolver.
class Machine : public ::testing::Test {
 protected:
  explicit Machine(const std::string& backend) : b(backend) {
    b.servers({"10.0.0.1", "10.0.0.2", "fd00::1"});
    jump = b.set("jump", {"10.9.0.7", "fd09::7"});
    b.view.machine = policy::Peers{{jump}};
    b.option("mode", std::string("host"));
    b.allow("hci/winrm", jump, b.cluster.servers, tcp(5985, 5986));
    b.allow("ops/ssh", b.set("ops", {"10.9.1.0/24"}), jump, tcp(22));
    b.allow("ops/dns", jump, b.set("dns", {"10.9.2.53"}), udp(53));
  }

  std::map<std::string, std::string> files() {
    auto out = b.emit();
    EXPECT_FALSE(b.reporter.has_errors()) << b.reports().front();
    return out;
  }

  Builder b;
  const policy::NamedSet* jump = nullptr;
};

}  // namespace hcipol::test::gateway
