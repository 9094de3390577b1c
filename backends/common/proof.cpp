// Reading by reading, family by family; what is meant is worked out once for all readings that
// share it.
#include "backends/common/proof.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "backends/common/family_proof.h"

namespace hcipol::backends {

namespace {

using Traffic = Reading::Traffic;

/// Every part of the device must have been read: a file that is not there allows nothing.
void check_complete(const flow::DevicePolicy& device, bool on_hosts, const DeviceReading& read) {
  const auto has = [&](const policy::Node* node, bool inbound) {
    return std::any_of(read.readings.begin(), read.readings.end(), [&](const Reading& reading) {
      return reading.node == node && reading.inbound == inbound &&
             reading.traffic == Traffic::connections;
    });
  };
  if (!on_hosts && !has(nullptr, false)) throw Unreadable("", 0, "nothing was read");
  for (const flow::HostFlows& host : device.hosts) {
    for (const bool inbound : {true, false}) {
      if (!has(host.node, inbound)) throw Unreadable(host.node->name, 0, "it has no file");
    }
  }
}

}  // namespace

std::optional<std::string> difference(const Backend& backend, const flow::DevicePolicy& device,
                                      const Emission& emission) {
  const ReadContext context(device);
  try {
    const DeviceReading read = backend.read_back(emission.artefacts, context);
    check_complete(device, backend.capabilities.host, read);
    SetPool pool;
    std::map<std::tuple<const policy::Node*, bool, std::optional<Date>, bool>, Meaning> meanings;
    std::map<std::pair<net::Family, net::ServiceSet>, FamilySets> shares;
    for (const Reading& reading : read.readings) {
      std::vector<std::vector<Step>> lists;
      for (const RuleList& list : reading.lists) lists.push_back(steps_of(list, pool));
      const auto [meant, fresh] =
          meanings.try_emplace({reading.node, reading.inbound, reading.day, reading.only_ending});
      if (fresh) meant->second = meaning(context, emission, reading, pool);
      const Claim claim{reading,
                        lists,
                        meant->second,
                        *device.cluster,
                        backend.capabilities.order,
                        emission.rest == Rest::all_denied};
      for (const net::Family family : reading.families) {
        const auto sets = shares.try_emplace({family, reading.never}, family, reading.never).first;
        if (const auto found = refutation(claim, sets->second)) {
          return fmt::format("{}: {}", reading.file, *found);
        }
      }
    }
  } catch (const Unreadable& unreadable) {
    return unreadable.what();
  }
  return std::nullopt;
}

}  // namespace hcipol::backends
