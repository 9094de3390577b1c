// A table by port, with what each application needs beside itself. A port is in it only if all that
// HCI sends there keeps one application. Those that are left out on purpose: tcp/80 and tcp/443,
// where App-ID goes on from `ssl` to one of hundreds of applications as soon as it has seen a name;
// tcp/445 and tcp/135, where named pipes and RPC change it in the middle of a session; tcp and
// udp/389, where Active Directory has applications of its own; and what has none (udp/3343,
// tcp/6600, tcp/5445).
#include "backends/palo_alto/app_ids.h"

#include <algorithm>

#include "backends/palo_alto/settings.h"
#include "support/text.h"

namespace hcipol::backends::palo_alto {

namespace {

struct Row {
  std::uint8_t protocol;
  std::uint16_t port;
  std::vector<const char*> applications;
};

// Names and default ports: content of 2022, as Batfish's application_definitions.json has it; those
// of DNS, NTP and Kerberos are containers or applications on the ports of RFC 1035, 5905 and 4120.
// WinRM within TLS is `ssl` to a device that does not decrypt it.
const std::vector<Row>& rows() {
  using net::protocol::tcp;
  using net::protocol::udp;
  static const std::vector<Row> all{
      {tcp, 53, {"dns"}},
      {udp, 53, {"dns"}},
      {tcp, 88, {"kerberos"}},
      {udp, 88, {"kerberos"}},
      {udp, 123, {"ntp"}},
      {tcp, 1688, {"ms-kms"}},
      {tcp, 2179, {"ms-hyper-v-vm-connect"}},
      {tcp, 3389, {"ms-rdp"}},
      {udp, 3389, {"ms-rdp"}},
      {tcp, 5985, {"windows-remote-management", "web-browsing"}},
      {tcp, 5986, {"windows-remote-management", "ssl"}},
      {tcp, 7680, {"ms-update-optimization-p2p"}},
  };
  return all;
}

}  // namespace

AppIds::Known AppIds::of(const net::ServiceSet& service) {
  Known out;
  for (const Row& row : rows()) {
    const auto port = net::ServiceSet::ports(row.protocol, row.port, row.port);
    if (!service.contains(port)) continue;
    out.service = out.service | port;
    out.applications.insert(out.applications.end(), row.applications.begin(),
                            row.applications.end());
  }
  std::sort(out.applications.begin(), out.applications.end());
  out.applications.erase(std::unique(out.applications.begin(), out.applications.end()),
                         out.applications.end());
  return out;
}

void AppIds::narrowed(const Known& known, const flow::Flow& flow) {
  rules_[fmt::format("on {} only what App-ID recognises as {} passes",
                     net::to_string(known.service), list_of(known.applications, "or"))]
      .insert(flow.rule->address);
}

void AppIds::note(EmitContext& context) const {
  for (const auto& [what, rules] : rules_) {
    context.note(
        backend_title,
        fmt::format("{}: {}", what, list_of(std::vector<std::string>(rules.begin(), rules.end()))));
  }
}

}  // namespace hcipol::backends::palo_alto
