// The options that the targets of Linux gateways share, read and checked.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "backends/backend.h"
#include "backends/common/gateway/dialect.h"
#include "backends/common/gateway/lockfile.h"

namespace hcipol::backends::gateway {

struct Settings {
  /// How host names reach the device: as sets that dnsmasq fills, as the addresses that the policy
  /// gives for the same endpoint, as those that a file gives, or not at all.
  enum class Names { dnsmasq, addresses, lockfile, refuse };
  /// What becomes of the servers' traffic that nothing allows. `pass` hands it back.
  enum class Rest { reject, drop, pass };

  std::string base;  ///< the top chain or the table, and what other names begin with
  Names names = Names::dnsmasq;
  LockedNames locked;  ///< for Names::lockfile
  Rest rest = Rest::reject;
  bool log = true;  ///< log what is denied
  std::uint16_t log_group = 5;
  /// The firewall of one machine, whose addresses the target says, and not of what a gateway
  /// forwards.
  bool host = false;
};

/// A gateway's row in the table of backends, without its limits, options and function. `title` is
/// its name as well.
Backend row(std::string_view title);

inline constexpr sema::OptionSpec names_option{
    "names", "string", "dnsmasq",
    "host names: \"dnsmasq\" (sets that the gateway's dnsmasq fills), \"addresses\" "
    "(the endpoint's own addresses or its service tag's), \"lockfile\" (addresses that were looked "
    "up before) or \"refuse\""};
inline constexpr sema::OptionSpec lockfile_option{
    .name = "lockfile",
    .type = "string",
    .default_text = "none",
    .description = "the file with these addresses, in the policy's directory",
    .file = true};
inline constexpr sema::OptionSpec lockfile_age_option{"lockfile_age", "duration", "30d",
                                                      "how old its look-ups may be"};
inline constexpr sema::OptionSpec log_option{"log", "bool", "true",
                                             "send what is denied to an NFLOG group, rate-limited"};
inline constexpr sema::OptionSpec log_group_option{"log_group", "number", "5",
                                                   "the NFLOG group, 0 to 65535"};

/// Why `name` is no word of letters, digits, `-` and `_` that starts with a letter, or "". `what`
/// is "a chain's name".
std::string word_fault(std::string_view name, std::string_view what);

/// The options `mode`, `names`, `lockfile`, `lockfile_age`, `default`, `log`, `log_group` and the
/// dialect's own for the base. Reports options that are not valid (E0611) and goes on with their
/// defaults.
Settings read_settings(const flow::DevicePolicy& device, const Dialect& dialect,
                       EmitContext& context);

/// The files, with what was remarked on the way to them and what the gateway does with the rest.
Emission emission(std::vector<Artefact> artefacts, const Settings& settings, EmitContext& context);

}  // namespace hcipol::backends::gateway
