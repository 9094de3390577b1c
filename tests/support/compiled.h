// Random policies compiled in memory, and flows read packet by packet as a device would.
#pragma once

#include <string>
#include <vector>

#include "driver/pipeline.h"
#include "tests/support/random_policy.h"

namespace hcipol::test {

/// Compiles in memory, on a day on which no exception has expired.
bool compile(const RandomPolicy& policy, driver::Compilation& compilation);
bool compile(const std::string& text, driver::Compilation& compilation);

/// The packets of a box or a flow, without a diagram.
Marks mark(const net::Box& box);
Marks mark(const flow::Flow& flow);

/// What a device allows that reads its flows in its own order.
Marks device_allows(const std::vector<flow::Flow>& flows, flow::Order order);

}  // namespace hcipol::test
