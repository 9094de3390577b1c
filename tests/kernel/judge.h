// The kernel as judge: a device's files are loaded, and packets sent through it, or to and from it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/kernel/meaning.h"
#include "tests/support/gateway_lab.h"

namespace hcipol::test::kernel {

/// What loads the files: the backend, and for iptables which of both variants.
struct Loader {
  const char* name;     ///< "iptables_legacy"
  const char* backend;  ///< "iptables"
  const char* variant;  ///< "nft", "legacy", or "" for nftables
};
inline constexpr Loader loaders[] = {{"iptables_nft", "iptables", "nft"},
                                     {"iptables_legacy", "iptables", "legacy"},
                                     {"nftables", "nftables", ""}};

struct Expectation {
  GatewayLab::Probe probe;
  Fate fate = Fate::passed;
};

/// Path → text, as the device has them.
using Files = std::map<std::string, std::string>;

class Judge {
 public:
  /// Why nothing can be judged here, or "".
  static const std::string& missing();
  /// The one of this process; made when first asked for.
  static Judge& one();

  /// Loads the files, has the gateway's own dnsmasq answer for all names, sends everything, and
  /// takes all away again. A sentence for each expectation that was not met, or for what did not
  /// load. With `machine`, the gateway has these addresses, and each probe goes to or comes from
  /// one of them.
  std::vector<std::string> disagreements(const Loader& loader, const Files& files,
                                         const std::vector<Expectation>& expectations,
                                         const Directory& names,
                                         const net::AddressSet* machine = nullptr);
  GatewayLab& lab() { return lab_; }
  /// Sent in all, a probe that was repeated counting once.
  std::size_t probes() const { return probes_; }

 private:
  void resolve(const Files& files, const Directory& names, const std::string& folder);

  GatewayLab lab_;
  std::size_t probes_ = 0;
};

}  // namespace hcipol::test::kernel
