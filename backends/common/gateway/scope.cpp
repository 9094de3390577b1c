// Only what the policy says, so that a new day or another machine changes no byte.
#include "backends/common/gateway/scope.h"

#include <fmt/format.h>

#include <algorithm>

#include "backends/common/text.h"

namespace hcipol::backends::gateway {

namespace {

constexpr std::size_t longest_line = 200;

constexpr std::string_view source =
    R"(# manifest.json, two folders up, has the line of the policy and the document of each rule.
)";

/// A reply to what the target sees passes where the target sees nothing, and is not told from
/// others.
constexpr std::string_view open_connections =
    R"(# But packets of open connections are accepted, on whatever way.
)";

constexpr std::string_view exceptions =
    R"(# Exceptions do not end here by themselves: on the day after, build and apply again.
)";

bool is_all(const sema::Flow& sees) {
  const auto all = [](const sema::Peers& peers) {
    return flow::peers(peers.parts).addresses == net::AddressSet::all();
  };
  return all(sees.from) && all(sees.to) && sees.service.is_any();
}

std::string words_of(const sema::Flow& sees) {
  std::string out = flow::names(sees.from.parts) + (sees.both_ways ? " <-> " : " -> ") +
                    flow::names(sees.to.parts);
  if (!sees.service.is_any()) out += " on " + net::to_string(sees.service);
  return out;
}

}  // namespace

std::string scope_of(const flow::DevicePolicy& device, bool whole) {
  std::string target = "Target " + device.view->target->folder();
  const auto& sees = device.view->sees;
  const bool in_part = sees && !whole && !is_all(*sees);
  if (in_part) {
    target += " sees " + words_of(*sees) + "; all else is left alone.";
  } else {
    target += whole ? " decides on all traffic." : " sees all traffic.";
  }
  std::string out = fmt::format("# {}\n", readable(target, longest_line));
  if (in_part) out += open_connections;
  out += source;
  const bool ends = std::any_of(
      device.flows.begin(), device.flows.end(),
      [](const flow::Flow& flow) { return flow.kind == policy::Rule::Kind::exception; });
  if (ends) out += exceptions;
  return out;
}

}  // namespace hcipol::backends::gateway
