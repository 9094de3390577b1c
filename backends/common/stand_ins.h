// What devices match in place of host names.
#pragma once

#include <string>
#include <vector>

#include "sema/named_set.h"

namespace hcipol::backends {

/// The addresses that an endpoint says beside its names, else "service tag NAME": for Wider. A tag
/// is named, so that a new file of tags changes nothing.
std::vector<std::string> stand_ins(const sema::NamedSet& endpoint);

/// Prefixes as texts.
std::vector<std::string> texts_of(const net::AddressSet& addresses);

}  // namespace hcipol::backends
