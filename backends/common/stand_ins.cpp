// Says by what an endpoint is known where its names are not.
#include "backends/common/stand_ins.h"

namespace hcipol::backends {

std::vector<std::string> texts_of(const net::AddressSet& addresses) {
  std::vector<std::string> out;
  for (const net::Cidr& prefix : addresses.cidrs()) out.push_back(net::to_string(prefix));
  return out;
}

std::vector<std::string> stand_ins(const sema::NamedSet& endpoint) {
  if (!endpoint.addresses.empty()) return texts_of(endpoint.addresses);
  if (endpoint.tag.empty()) return {};
  return {"service tag " + endpoint.tag};
}

}  // namespace hcipol::backends
