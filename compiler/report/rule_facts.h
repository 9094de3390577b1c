// What reports say about one rule.
#pragma once

#include <string>
#include <string_view>

#include "flow/why.h"
#include "policy/model.h"
#include "support/source.h"

namespace hcipol::report {

/// "allow", "deny", "except".
std::string_view action(policy::Rule::Kind kind);
/// "management, wac <-> servers on tcp/445".
std::string flow_of(const policy::Rule& rule);
/// "main.hcipol:12"; empty for what stands in no file.
std::string place(Span span, const SourceMap& sources);
/// "cluster prod enables hci/registration (main.hcipol:44)".
std::string because(const policy::Rule& rule, const policy::Cluster& cluster,
                    const SourceMap& sources);
/// "service", "source", "destination".
std::string_view differs(flow::Near::Differs field);

}  // namespace hcipol::report
