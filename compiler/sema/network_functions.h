// Functions on addresses, services, flows, features and files; rows of the table in functions.cpp.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "net/service.h"
#include "sema/functions.h"

namespace hcipol::sema {

std::optional<Value> overlaps(std::vector<Value>& arguments, CallContext& context);
std::optional<Value> covers(std::vector<Value>& arguments, CallContext& context);
std::optional<Value> union_sets(std::vector<Value>& arguments, CallContext& context);
std::optional<Value> intersect_sets(std::vector<Value>& arguments, CallContext& context);
/// The n-th address of a prefix, counted from 0.
std::optional<Value> host(std::vector<Value>& arguments, CallContext& context);
/// The n-th prefix that is `bits` longer, counted from 0.
std::optional<Value> subnet(std::vector<Value>& arguments, CallContext& context);
/// Whether the cluster has a feature: only in the `when` of rules and features.
std::optional<Value> enabled(std::vector<Value>& arguments, CallContext& context);
/// Whether a cluster's effective policy allows all of a flow.
std::optional<Value> allows(std::vector<Value>& arguments, CallContext& context);
std::optional<Value> file_text(std::vector<Value>& arguments, CallContext& context);
std::optional<Value> json_file(std::vector<Value>& arguments, CallContext& context);

/// Ports, types or protocols in the set: what `length` counts.
std::int64_t service_count(const net::ServiceSet& set);

}  // namespace hcipol::sema
