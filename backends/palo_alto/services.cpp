// Objects, second half: ports become service objects, everything else applications.
#include <algorithm>
#include <utility>

#include "backends/common/names.h"
#include "backends/common/text.h"
#include "backends/palo_alto/names.h"
#include "backends/palo_alto/objects.h"
#include "support/text.h"

namespace hcipol::backends::palo_alto {

namespace {

using net::PortRange;
using net::ServiceSet;

// An application of ours takes its packets away from the predefined ones for all rules of the
// device, so a rule that would need very many of them is refused.
constexpr std::size_t application_limit = 32;

std::string text_of(const PortRange& range) {
  std::string out;
  put(out, decimal(range.first));
  if (range.first != range.last) put(out, "-", decimal(range.last));
  return out;
}

}  // namespace

const Services& Objects::services(const ServiceSet& set) {
  const auto [known, fresh] = services_.try_emplace(set);
  if (fresh) make(set, known->second);
  return known->second;
}

void Objects::make(const ServiceSet& set, Services& out) {
  if (set.is_any()) {
    out.any = true;
    return;
  }
  Members ports;
  add_ports(set, net::protocol::tcp, ports);
  add_ports(set, net::protocol::udp, ports);
  if (!ports.empty()) {
    std::sort(ports.begin(), ports.end());
    out.ports = &document_.lists.emplace_back(std::move(ports));
  }

  Members applications;
  const bool v4_fits = add_icmp(set, net::protocol::icmp, applications);
  const bool v6_fits = add_icmp(set, net::protocol::icmpv6, applications);
  if (!v4_fits || !v6_fits) out.fault = fmt::format("single ICMP codes ({})", net::to_string(set));
  const std::size_t of_icmp = applications.size();
  add_protocols(set, applications);
  out.icmp_only = applications.size() == of_icmp;
  if (applications.size() > application_limit) {
    out.fault =
        fmt::format("{}: it would take {} applications", net::to_string(set), applications.size());
  }
  if (!applications.empty()) {
    std::sort(applications.begin(), applications.end());
    out.applications = &document_.application_lists.emplace_back(std::move(applications));
  }
}

// capirca #270: a protocol without ports is 0-65535, not `application-default`.
void Objects::add_ports(const ServiceSet& set, std::uint8_t protocol, Members& out) {
  const char* const kind = protocol == net::protocol::tcp ? "tcp" : "udp";
  std::string ports;
  const auto finish = [&] {
    std::string name;
    put(name, object_prefix, kind, "-", ports);
    std::replace(name.begin(), name.end(), ',', '_');
    out.push_back(define(document_.services, shortened(std::move(name), name_limit),
                         Service{kind, std::exchange(ports, {})}));
  };
  set.for_each_run(protocol, [&](const PortRange& range) {
    const std::string text = text_of(range);
    if (ports.size() + 1 + text.size() > port_text_limit) finish();
    if (!ports.empty()) ports += ',';
    ports += text;
  });
  if (!ports.empty()) finish();
}

// Predefined applications (content of 2022, as Batfish has it): `ping` is ICMP type 8, `ping6`
// ICMPv6 type 128 and part of the container `ipv6-icmp`; `icmp` is the rest of ICMP.
bool Objects::add_icmp(const ServiceSet& set, std::uint8_t protocol, Members& out) {
  const bool v4 = protocol == net::protocol::icmp;
  if (set.contains_whole(protocol)) {
    out.push_back(v4 ? "icmp" : "ipv6-icmp");
    out.push_back(v4 ? "ping" : "ping6");
    return true;
  }
  const auto ident = v4 ? Application::Ident::icmp_type : Application::Ident::icmp6_type;
  const unsigned echo_request = v4 ? 8 : 128;
  bool fits = true;
  set.for_each_run(protocol, [&](const PortRange& run) {
    // Two applications for one type would make it a matter of luck which one a packet gets.
    fits = fits && run.first % 256 == 0 && run.last % 256 == 255;
    if (!fits) return;
    for (unsigned type = run.first / 256u; type <= run.last / 256u; ++type) {
      if (type == echo_request) {
        out.push_back(v4 ? "ping" : "ping6");
      } else {
        add_application(fmt::format("{}{}", v4 ? icmp_prefix : icmp6_prefix, type),
                        {ident, static_cast<std::uint8_t>(type)}, out);
      }
    }
  });
  return fits;
}

// capirca #273: predefined applications for GRE and the like look into the packets; these do not.
void Objects::add_protocols(const ServiceSet& set, Members& out) {
  for (const std::uint8_t protocol : set.protocols()) {
    if (net::has_ports(protocol) || net::has_types(protocol)) continue;
    add_application(fmt::format("hci-ip-{}", protocol), {Application::Ident::ip_protocol, protocol},
                    out);
  }
}

void Objects::add_application(std::string name, Application application, Members& out) {
  // The rest is only counted: the rule will be refused.
  if (out.size() >= application_limit) {
    out.emplace_back();
    return;
  }
  out.push_back(document_.applications.emplace(std::move(name), application).first->first);
}

}  // namespace hcipol::backends::palo_alto
