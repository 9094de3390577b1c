// What must be said about a device's flows: one remark for a rule, however many flows it has.
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <vector>

#include "backends/common/gateway/peers.h"

namespace hcipol::backends::gateway {

/// Reports what the device cannot have (E0612, E0615), has wider (W0611) or holds only for
/// looked-up names (W0614, W0615).
void report_peers(const flow::DevicePolicy& device, Peers& peers, EmitContext& context);

/// A comment that names the rule, what it is for and where that is written; for exceptions also who
/// answers for it, until when and why. One line of at most `bytes` bytes.
std::string comment_of(const flow::Flow& flow, std::size_t bytes);

/// "HCI-prod denied main/files.no-smb": what a log line begins with, in at most `bytes` bytes.
std::string log_prefix(const flow::Flow& flow, const Settings& settings, std::size_t bytes);

/// What all rules of a flow say.
struct FlowText {
  const std::string* comment = nullptr;
  const std::string* log_prefix = nullptr;  ///< null: it is not logged
};

/// Each in bytes.
struct TextLimits {
  std::size_t comment;
  std::size_t log_prefix;
};

/// The texts of the device's flows, made once for all ways and families. `words` keeps them.
std::vector<FlowText> texts_of(const flow::DevicePolicy& device, const Settings& settings,
                               const TextLimits& limits, std::deque<std::string>& words);

}  // namespace hcipol::backends::gateway
