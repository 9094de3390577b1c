// The whole library, built for all four devices.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "library.h"
#include "tests/support/session.h"

namespace hcipol::test {

struct BuiltLibrary {
  Outcome outcome;
  std::map<std::string, std::string> artefacts;  ///< without the manifest
  nlohmann::json manifest;
  std::vector<OpenedFlow> flows;  ///< the policy's own
};

/// Builds policy_text() with service tags and every target in one go. `tags` is a file as Microsoft
/// publishes it; without one, every tag of the library has two prefixes.
BuiltLibrary build(const Context& context, const std::string& enables,
                   std::vector<std::string> flags = {}, std::string tags = "");

/// What that file has for a tag of the library, as far as IPv4 goes: an address of it.
std::string address_of_tag(const std::string& tag);
/// Every tag that an endpoint of the library has.
const std::set<std::string>& tags_of_library();

/// The releases whose artefacts are read back: all of them. With the sanitizers one build takes
/// seconds, and the newest release, which extends all others, has to do.
std::vector<std::string> read_releases();

/// With some_region() of the cloud.
Context context_of(std::string_view release, std::string_view cloud);

/// Without the baseline, which covers all other outbound rules: none of them would reach a device.
std::string everything_but_the_baseline(const Context& context);

}  // namespace hcipol::test
