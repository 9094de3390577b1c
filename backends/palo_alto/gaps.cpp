// The proof takes names as the policy means them: what a client really asked for is no question of
// a file. So these are told, and nothing is forgiven for them.
#include "backends/palo_alto/gaps.h"

#include <fmt/format.h>

#include "backends/palo_alto/settings.h"
#include "support/text.h"

namespace hcipol::backends::palo_alto {

// The device asks its own DNS every now and then, and keeps 32 addresses of an answer: others get
// other answers.
void report_unresolved(const flow::Flow& flow, const std::vector<std::string>& hosts,
                       EmitContext& context) {
  const std::string gap = "addresses that the device itself does not resolve are not denied: ";
  context.not_enforced(flow, backend_title, gap + some_of(hosts, 3), {}, gap + list_of(hosts));
}

// A category matches what the client says, in the Host header or the TLS server name.
void report_unnamed(const flow::Flow& flow, const std::vector<const sema::NamedSet*>& sets,
                    const net::ServiceSet& service, EmitContext& context) {
  std::vector<std::string> names;
  for (const sema::NamedSet* set : sets) names.push_back("`" + set->name + "`");
  const std::string gap = fmt::format(
      "on {}, a client that names another host, or none, is not denied: ", net::to_string(service));
  context.not_enforced(flow, backend_title, gap + some_of(names, 3), {}, gap + list_of(names));
}

}  // namespace hcipol::backends::palo_alto
