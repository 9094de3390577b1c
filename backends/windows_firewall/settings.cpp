// Values are compared exactly: a policy has one way to write each.
#include "backends/windows_firewall/settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "backends/common/names.h"
#include "backends/common/options.h"
#include "support/text.h"

namespace hcipol::backends::windows_firewall {

namespace {

constexpr std::array<std::string_view, 4> profiles{"Any", "Domain", "Private", "Public"};

void bad_option(const flow::DevicePolicy& device, EmitContext& context, std::string_view option,
                std::string_view value, std::string_view why) {
  const Span span = option_span(device.view->options, option, context.place(nullptr));
  context.reporter().report<Diag::bad_option>(span, one_line(value, 60), option, why);
}

NameMode name_mode(const flow::DevicePolicy& device, EmitContext& context) {
  const std::string text = text_option(device.view->options, "names", "report");
  if (text == "service-tags") return NameMode::service_tags;
  if (text == "dynamic-keywords") return NameMode::dynamic_keywords;
  if (text != "report") {
    bad_option(device, context, "names", text,
               "it is `report`, `service-tags` or `dynamic-keywords`");
  }
  return NameMode::report;
}

TagMode tag_mode(const flow::DevicePolicy& device, EmitContext& context) {
  const std::string text = text_option(device.view->options, "service_tags", "addresses");
  if (text == "dynamic-keywords") return TagMode::dynamic_keywords;
  if (text != "addresses") {
    bad_option(device, context, "service_tags", text, "it is `addresses` or `dynamic-keywords`");
  }
  return TagMode::addresses;
}

// Why a group is refused, or "". Windows refuses `|` and reads `@file,-id` as a translated text;
// its cmdlets take a group for a pattern when they select by it; the script is ASCII.
std::string_view group_fault(std::string_view group) {
  if (group.empty() || group.size() > 255) return "a group has 1 to 255 characters";
  if (group.front() == '@') return "a group that starts with `@` names a text of a Windows file";
  for (const char c : group) {
    if (c < 0x20 || c > 0x7e) return "a group has printable ASCII characters only";
    if (std::string_view("|*?[]`").find(c) != std::string_view::npos) {
      return "a group has none of the characters | * ? [ ] `";
    }
  }
  return {};
}

std::string own_group(const policy::Cluster& cluster) {
  return "hcipolc:" + safe_name(cluster.name);
}

// Another cluster whose rules share the group with this one's, and of which the engine could not
// tell whose they are: one name begins the other ("prod", "prod-dr"). Null if there is none.
const policy::Cluster* mistaken(const flow::DevicePolicy& device, std::string_view group) {
  const policy::Policy& policy = *device.policy;
  const auto part = [](const policy::Cluster& cluster) {
    return to_lower(safe_name(cluster.name));
  };
  const std::string own = part(*device.cluster);
  for (std::size_t i = 0; i < policy.views.size(); ++i) {
    const policy::Cluster& cluster = policy.clusters[i];
    if (&cluster == device.cluster || !begin_alike(own, part(cluster), "-")) continue;
    for (const policy::TargetView& view : policy.views[i]) {
      if (view.target->backend == "windows-firewall" &&
          to_lower(text_option(view.options, "group", own_group(cluster))) == to_lower(group)) {
        return &cluster;
      }
    }
  }
  return nullptr;
}

std::string group(const flow::DevicePolicy& device, EmitContext& context) {
  const std::string otherwise = own_group(*device.cluster);
  const std::string text = text_option(device.view->options, "group", otherwise);
  std::string fault(group_fault(text));
  if (fault.empty()) {
    const policy::Cluster* other = mistaken(device, text);
    if (other == nullptr) return text;
    fault = fmt::format(
        "cluster `{}` has the same, and one name begins the other: the scripts "
        "could not tell whose rules are whose",
        other->name);
  }
  bad_option(device, context, "group", text, fault);
  return otherwise;
}

std::string profile(const flow::DevicePolicy& device, EmitContext& context) {
  const std::vector<std::string> texts = list_option(device.view->options, "profile");
  std::vector<std::string_view> chosen;
  for (const std::string_view known : profiles) {
    if (std::find(texts.begin(), texts.end(), known) != texts.end()) chosen.push_back(known);
  }
  for (const std::string& text : texts) {
    if (std::find(profiles.begin(), profiles.end(), text) == profiles.end()) {
      bad_option(device, context, "profile", text, "a profile is Any, Domain, Private or Public");
    }
  }
  if (chosen.empty()) return "Any";
  if (chosen.front() == "Any" && chosen.size() > 1) {
    bad_option(device, context, "profile", "Any", "it is every profile and stands alone");
  }
  return fmt::format("{}", fmt::join(chosen, ", "));
}

}  // namespace

Settings settings(const flow::DevicePolicy& device, EmitContext& context) {
  Settings out;
  out.names = name_mode(device, context);
  out.group = group(device, context);
  out.profile = profile(device, context);
  out.tags = tag_mode(device, context);
  out.lock_down = flag_option(device.view->options, "lock_down", false);
  out.builtin = flag_option(device.view->options, "builtin", false);
  out.proxy = flag_option(device.view->options, "proxy_settings", true);
  out.name_prefix = fmt::format("hcipolc-{}-", safe_name(device.cluster->name));
  return out;
}

std::string safe_name(std::string_view name) {
  const std::string safe = shortened(slug(name), 100);
  return safe == name ? safe : fmt::format("{}-{}", safe, content_hash(name, 6));
}

}  // namespace hcipol::backends::windows_firewall
