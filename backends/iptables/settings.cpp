// Names are refused rather than mended: whoever sets `chain` will look for exactly that chain.
#include "backends/iptables/settings.h"

#include <algorithm>
#include <array>
#include <utility>

#include "backends/common/names.h"
#include "backends/common/options.h"

namespace hcipol::backends::iptables {

namespace {

constexpr std::array option_table{
    sema::OptionSpec{"chain", "string", "HCI- and the cluster's name",
                     "the chain that FORWARD jumps to; other chains and sets begin with its name"},
    sema::OptionSpec{
        "names", "string", "dnsmasq",
        "host names: \"dnsmasq\" (sets that the gateway's dnsmasq fills), \"addresses\" "
        "(the endpoint's own addresses or its service tag's) or \"refuse\""},
    sema::OptionSpec{"default", "string", "reject",
                     "servers' traffic that nothing allows: \"reject\", \"drop\" or \"return\" (to "
                     "the rest of FORWARD)"},
    sema::OptionSpec{"log", "bool", "true", "send what is denied to an NFLOG group, rate-limited"},
    sema::OptionSpec{"log_group", "number", "5", "the NFLOG group, 0 to 65535"},
};

bool upper(char c) {
  return c >= 'A' && c <= 'Z';
}
bool letter(char c) {
  return (c >= 'a' && c <= 'z') || upper(c);
}

/// Why `name` is no name for a chain, or "". Names all in capitals are built-in chains and targets:
/// iptables 1.8.9 accepts a chain called LOG, which then hides the target.
std::string chain_fault(std::string_view name) {
  if (name.empty() || !letter(name.front())) return "a chain's name starts with a letter";
  if (name.size() > max_base) {
    return "it has more than 16 bytes, and the names of chains and sets made from it must fit in "
           "28 "
           "and 31";
  }
  const bool plain = std::all_of(name.begin(), name.end(), [](char c) {
    return letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
  if (!plain) return "a chain's name is made of letters, digits, `-` and `_`";
  if (std::all_of(name.begin(), name.end(), upper)) {
    return "names all in capitals belong to iptables: add a `-`, a digit or a small letter";
  }
  return {};
}

/// "HCI-" and the cluster, with a hash as soon as that is not the whole truth: two clusters behind
/// one gateway must never share a chain.
std::string default_base(std::string_view cluster) {
  std::string plain = slug(cluster);
  std::replace(plain.begin(), plain.end(), '.', '-');
  constexpr std::size_t limit = max_base - 4;
  if (plain == cluster && plain.size() <= limit) return "HCI-" + plain;
  const std::string hash = content_hash(cluster, 6);
  plain = plain.substr(0, limit - 7);
  return "HCI-" + plain + (plain.empty() || plain.ends_with('-') ? "" : "-") + hash;
}

class Reader {
 public:
  Reader(const sema::Options& options, EmitContext& context)
      : options_(options), context_(context) {}

  void bad(std::string_view option, std::string_view value, std::string_view why) {
    const Span span = option_span(options_, option, context_.place(nullptr));
    context_.reporter().report<Diag::bad_option>(span, value, option, why);
  }

  template <class T>
  T one_of(std::string_view option, std::initializer_list<std::pair<std::string_view, T>> words,
           std::string_view why, T otherwise) {
    const std::string value = text_option(options_, option, words.begin()->first);
    for (const auto& [word, meaning] : words) {
      if (word == value) return meaning;
    }
    bad(option, value, why);
    return otherwise;
  }

 private:
  const sema::Options& options_;
  EmitContext& context_;
};

}  // namespace

std::span<const sema::OptionSpec> options() {
  return option_table;
}

Settings read_settings(const flow::DevicePolicy& device, EmitContext& context) {
  using Names = Settings::Names;
  using Rest = Settings::Rest;
  const sema::Options& given = device.view->options;
  Reader reader(given, context);
  Settings settings;
  settings.base = text_option(given, "chain", default_base(device.cluster->name));
  if (const std::string fault = chain_fault(settings.base); !fault.empty()) {
    reader.bad("chain", settings.base, fault);
    settings.base = default_base(device.cluster->name);
  }
  settings.names = reader.one_of<Names>(
      "names",
      {{"dnsmasq", Names::dnsmasq}, {"addresses", Names::addresses}, {"refuse", Names::refuse}},
      "it is one of dnsmasq, addresses and refuse", Names::dnsmasq);
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
  return settings;
}

}  // namespace hcipol::backends::iptables
