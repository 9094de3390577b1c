// What the standard library opens: policies of one cluster, compiled in memory.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "driver/pipeline.h"
#include "net/packet_set.h"

namespace hcipol::test {

/// For whom a policy is: what decides which rows of the facts count.
struct Context {
  std::string release;   ///< "21h2"
  std::string cloud;     ///< "public", "usgov", "china"
  std::string region;    ///< "westeurope"
  bool gateway = false;  ///< the Arc gateway is on

  friend auto operator<=>(const Context&, const Context&) = default;
};

/// "21h2/usgov/usgovvirginia", with "/gateway" if it is on.
std::string to_string(const Context& context);

/// A region of the cloud, for tests that need one and not all: "westeurope".
std::string_view some_region(std::string_view cloud);

/// The releases of the library, oldest first: the folders of stdlib/hci.
const std::vector<std::string>& releases();
/// Whether `release` is `since` or comes after it.
bool is_from(std::string_view release, std::string_view since);

struct Compiled {
  std::unique_ptr<driver::Compilation> compilation;  ///< null if there were errors
  std::string errors;                                ///< with their codes
};

/// Compiles a policy of one file with the library that is built into the compiler.
Compiled compile(const std::string& text);

/// The cluster "lab" with two sites, a node in each, and every role of the release bound. Roles are
/// read from the library's files, as features are: a new one is in these tests without being named.
std::string policy_text(const Context& context, const std::string& enables);

/// Those that can be enabled in the context's release and cloud: of the ones declared, those that
/// were not retired and for which the library knows the cloud's hosts.
const std::set<std::string>& features_of(const Context& context);

/// `enable` lines for features_of(), the gateway only if it is on in the context, with each
/// parameter at what opens most: its default, or what everything_on.json says. The baseline, which
/// needs none of the others, is among them. `more` adds to a feature's parameters.
std::string everything_on(const Context& context,
                          const std::map<std::string_view, std::string_view>& more = {});

/// A role's members in policy_text(); "servers" and "internet" too.
const net::PeerSet& role(std::string_view name);
/// The roles of a release.
std::vector<std::string> roles_of(std::string_view release);
/// That role's only member in policy_text(): "10.5.0.7".
std::string address_of(std::string_view role);
/// A name or pattern.
net::PeerSet host(std::string_view pattern);
/// A role if there is one of this name, else a host.
net::PeerSet peer(std::string_view text);

/// Names of the features that the release and its predecessors declare.
std::set<std::string> features_declared(std::string_view release);

struct OpenedFlow {
  std::string feature;  ///< "failover-clustering"
  std::string rule;     ///< "hci/failover-clustering.rpc"
  net::Box box;         ///< one direction
};

/// Every allow of every cluster; any other kind of rule is a failure of the test.
std::vector<OpenedFlow> opened(const policy::Policy& policy);

/// "tcp/443, udp/5000-5099, icmp/8".
net::ServiceSet service_of(const std::string& text);

/// For messages: roles by their names, everything else as it is.
std::string to_text(const net::PacketSet& packets);

}  // namespace hcipol::test
