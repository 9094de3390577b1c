// What every device of a policy gets, compiled in memory, as the driver hands it to the proof.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "backends/backend.h"
#include "driver/pipeline.h"
#include "flow/optimise.h"

namespace hcipol::test {

/// One device of one cluster.
struct Emitted {
  std::string name;  ///< "prod iptables-server-gw"
  const backends::Backend* backend = nullptr;
  std::unique_ptr<flow::DevicePolicy> device;
  backends::Emission emission;
  bool refused = false;  ///< the backend reported an error: there are no files then
};

/// A policy with all its devices. Every backend without a `target` block is asked for as well.
class EmittedPolicy {
 public:
  /// Path → text. `folder` is the policy's; a policy that does not compile has no devices. With
  /// `only`, a backend's name, there are no devices of others.
  EmittedPolicy(std::map<std::string, std::string> files, const std::string& folder,
                std::string_view only = "");

  std::vector<Emitted>& devices() { return devices_; }

 private:
  driver::Compilation compilation_;
  std::deque<flow::Optimiser> optimisers_;
  std::vector<Emitted> devices_;
};

/// The files of an example, without what was built of it.
std::map<std::string, std::string> example_files(const std::string& name);
std::vector<std::string> example_names();

}  // namespace hcipol::test
