// Names are refused rather than mended: whoever sets one will look for exactly that one.
#include "backends/common/gateway/settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "backends/common/gateway/machine.h"
#include "backends/common/gateway/option_reader.h"
#include "backends/common/names.h"
#include "backends/common/options.h"

namespace hcipol::backends::gateway {

namespace {

bool letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// "HCI-" and the cluster, with a hash as soon as that is not the whole truth: two clusters behind
/// one gateway must never share a chain or a table.
std::string default_base(std::string_view cluster, std::size_t max_base) {
  std::string plain = slug(cluster);
  std::replace(plain.begin(), plain.end(), '.', '-');
  const std::size_t limit = max_base - 4;
  if (plain == cluster && plain.size() <= limit) return "HCI-" + plain;
  const std::string hash = content_hash(cluster, 6);
  plain = plain.substr(0, limit - 7);
  return "HCI-" + plain + (plain.empty() || plain.ends_with('-') ? "" : "-") + hash;
}

constexpr std::chrono::days usual_age{30};

void read_locked_names(const flow::DevicePolicy& device, OptionReader& reader, EmitContext& context,
                       Settings& settings) {
  const sema::Options& given = device.view->options;
  const auto file = device.view->texts.find("lockfile");
  if (settings.names != Settings::Names::lockfile) {
    for (const std::string_view option : {"lockfile", "lockfile_age"}) {
      if (!given.contains(option)) continue;
      context.reporter().report<Diag::bad_option>(option_span(given, option, {}), option, "names",
                                                  "it is for names = \"lockfile\"");
    }
    return;
  }
  if (file == device.view->texts.end()) {
    reader.bad("names", "lockfile", "it needs the file with the addresses: lockfile = \"…\"");
    return;
  }
  const auto age = duration_option(given, "lockfile_age", usual_age);
  auto read = read_lockfile(file->second, device.policy->as_of,
                            std::chrono::floor<std::chrono::days>(age).count(), context.reporter());
  if (read) settings.locked = *std::move(read);
}

}  // namespace

Backend row(std::string_view title) {
  Backend row;
  row.name = title;
  row.title = title;
  row.capabilities.order = Capabilities::Order::first_match;
  row.capabilities.machine_option = host_option.name;
  // Names and tags are sets of addresses like others: a rule is a line for each of its sets.
  row.capabilities.rule = {
      .names_with_addresses = true, .names_on_any_port = true, .tags_with_addresses = true};
  row.capabilities.names =
      "through sets that the gateway's dnsmasq fills; every name stands for what is below it too";
  row.capabilities.addresses =
      "IPv4 and IPv6; a service tag stands for its prefixes, which a service tag file must give";
  return row;
}

std::string word_fault(std::string_view name, std::string_view what) {
  if (name.empty() || !letter(name.front())) return fmt::format("{} starts with a letter", what);
  const bool plain = std::all_of(name.begin(), name.end(), [](char c) {
    return letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
  return plain ? "" : fmt::format("{} is made of letters, digits, `-` and `_`", what);
}

Settings read_settings(const flow::DevicePolicy& device, const Dialect& dialect,
                       EmitContext& context) {
  using Names = Settings::Names;
  using Rest = Settings::Rest;
  const sema::Options& given = device.view->options;
  OptionReader reader(given, context);
  Settings settings;
  const std::string base = default_base(device.cluster->name, dialect.max_base);
  settings.base = text_option(given, dialect.base_option, base);
  if (const std::string fault = dialect.base_fault(settings.base); !fault.empty()) {
    reader.bad(dialect.base_option, settings.base, fault);
    settings.base = base;
  }
  settings.names =
      reader.one_of<Names>("names",
                           {{"dnsmasq", Names::dnsmasq},
                            {"addresses", Names::addresses},
                            {"lockfile", Names::lockfile},
                            {"refuse", Names::refuse}},
                           "it is one of dnsmasq, addresses, lockfile and refuse", Names::dnsmasq);
  read_locked_names(device, reader, context, settings);
  settings.rest = reader.one_of<Rest>(
      "default", {{"reject", Rest::reject}, {"drop", Rest::drop}, {"return", Rest::pass}},
      "it is one of reject, drop and return", Rest::reject);
  settings.log = flag_option(given, "log", settings.log);
  const std::int64_t group = number_option(given, "log_group", settings.log_group);
  if (group < 0 || group > 65535) {
    reader.bad("log_group", std::to_string(group), "NFLOG groups are 0 to 65535");
  } else {
    settings.log_group = static_cast<std::uint16_t>(group);
  }
  settings.host = read_mode(device, reader);
  return settings;
}

Emission emission(std::vector<Artefact> artefacts, const Settings& settings, EmitContext& context) {
  Emission out;
  out.artefacts = std::move(artefacts);
  out.remarks = std::move(context.remarks);
  out.rest = settings.rest == Settings::Rest::pass ? Rest::others : Rest::servers_denied;
  return out;
}

}  // namespace hcipol::backends::gateway
