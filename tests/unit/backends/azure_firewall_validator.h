// What Azure refuses but no schema says: the checks N1 … X1 of the platform notes, on plain JSON.
#pragma once

#include <string>
#include <vector>

#include "tests/support/azure_firewall_reader.h"

namespace hcipol::test::azure {

/// One line per fault; none for a template that Azure should take.
std::vector<std::string> faults(const Template& deployment);

}  // namespace hcipol::test::azure
