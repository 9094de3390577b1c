// What passes a deny by name that the device cannot tell by that name.
#pragma once

#include <string>
#include <vector>

#include "backends/backend.h"

namespace hcipol::backends::palo_alto {

/// Of a deny by FQDN objects: `hosts` as people read them.
void report_unresolved(const flow::Flow& flow, const std::vector<std::string>& hosts,
                       EmitContext& context);

/// Of a deny by URL categories of these sets.
void report_unnamed(const flow::Flow& flow, const std::vector<const sema::NamedSet*>& sets,
                    const net::ServiceSet& service, EmitContext& context);

}  // namespace hcipol::backends::palo_alto
