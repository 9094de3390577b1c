// The options of a `palo-alto` target, checked, and what the zones among them mean.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "backends/backend.h"
#include "backends/palo_alto/document.h"

namespace hcipol::backends::palo_alto {

inline constexpr std::string_view backend_name = "palo-alto";
inline constexpr std::string_view backend_title = "Palo Alto PAN-OS";

std::span<const sema::OptionSpec> option_specs();

struct Zone {
  std::string name;
  net::AddressSet addresses;
};

struct Settings {
  std::string version;
  Location location;
  bool set_commands = false;
  bool schedules = true;
  bool app_id = false;
  std::string outside_zone;  ///< empty: not known, so `any`
  std::string before;        ///< a rule of the device; empty: the top
  std::string log_setting;
  std::string profile_group;
  bool default_deny = true;
  /// Service tags are lists that the device fetches: their URL, with `{tag}` in it and perhaps
  /// `{family}` and `{cloud}`. Empty where tags are their prefixes.
  std::string edl_url;
  std::string edl_certificate_profile;
  std::vector<Zone> zones;  ///< by name; disjoint
};

/// Reports what is wrong (E0611) and goes on with what is right.
Settings read_settings(const flow::DevicePolicy& device, EmitContext& context);

/// Zones in which something is: their names in the settings, sorted, or everywhere.
struct Where {
  bool anywhere = false;
  Members zones;

  void add(const Where& other);
  /// As members of a rule: "any" when it is anywhere.
  Members members() const;
};

/// Host names are where the rest of the world is: in no zone that the target lists.
Where whereabouts(const Settings& settings, const net::AddressSet& addresses, bool has_names);

}  // namespace hcipol::backends::palo_alto
