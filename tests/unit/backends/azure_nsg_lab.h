// A few servers with a network security group, for the azure-nsg tests.
#pragma once

#include <nlohmann/json.hpp>

#include "azure_firewall_builder.h"
#include "backends/azure_nsg/azure_nsg.h"

namespace hcipol::test::nsg {

using azure::Kind;
using azure::NamedSet;
using azure::Outcome;
using azure::ServiceSet;
using azure::tcp;
using azure::udp;
using Json = nlohmann::ordered_json;

/// Two servers with both families, beside other peers.
struct Lab : azure::Builder {
  Lab() {
    servers = set("servers", {"10.1.0.11", "10.1.0.12", "fd00::11"}, NamedSet::Kind::servers);
    policy().clusters.front().servers = servers;
  }

  const NamedSet* servers = nullptr;
  const NamedSet* dcs = set("domain-controllers", {"10.2.0.10", "fd00::2:10"});
  const NamedSet* management = set("management", {"10.0.5.0/28"});

  Outcome emit_nsg() {
    Outcome out;
    backends::EmitContext context(out.reporter, device());
    const auto backend = backends::azure_nsg::backend();
    out.emission = backend.emit(device(), context);
    expect_proved(backend, device(), out.emission, out.reporter);
    return out;
  }
};

}  // namespace hcipol::test::nsg
