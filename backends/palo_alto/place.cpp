// A file does not say which device it is for. What one policy sends to places of one name is taken
// to meet there: at most it is said in vain.
#include "backends/palo_alto/place.h"

#include <fmt/format.h>

#include <algorithm>

#include "backends/common/names.h"
#include "backends/common/options.h"
#include "backends/palo_alto/names.h"
#include "support/text.h"

namespace hcipol::backends::palo_alto {

namespace {

std::string place_of_objects(const Location& location) {
  return location.shared_objects ? "shared" : place_of_rules(location);
}

/// As read_settings() reads it; empty for the options that it refuses.
std::string place_of(const policy::TargetView& view) {
  Location location;
  location.name = text_option(view.options, "device_group");
  if (text_option(view.options, "shared", "none") == "all") {
    location.rules = Location::Rules::shared;
  } else if (!location.name.empty()) {
    location.rules = Location::Rules::device_group;
  } else {
    location.rules = Location::Rules::vsys;
    location.name = text_option(view.options, "vsys", "vsys1");
  }
  return place_of_rules(location);
}

}  // namespace

std::string place_of_rules(const Location& location) {
  switch (location.rules) {
    case Location::Rules::vsys: return "the virtual system " + location.name;
    case Location::Rules::device_group: return "the device group " + location.name;
    case Location::Rules::shared: break;
  }
  return "what all device groups of Panorama share";
}

std::string device_of(const Location& location) {
  switch (location.rules) {
    case Location::Rules::vsys: return place_of_rules(location) + " of a firewall";
    case Location::Rules::device_group: return place_of_rules(location) + " of Panorama";
    case Location::Rules::shared: break;
  }
  return place_of_rules(location);
}

std::vector<Made> made_by(const Document& document, std::string_view cluster) {
  const Location& location = document.location;
  std::string where = place_of_rules(location);
  if (location.panorama()) {
    where += ", " + location.rulebase;
    if (location.cleanup_rulebase != location.rulebase)
      where += " and " + location.cleanup_rulebase;
  }
  if (location.shared_objects && location.rules != Location::Rules::shared) {
    where += ", objects in shared";
  }
  // Not the file's name: what it removes is the same under another one.
  return {{fmt::format("set of rules and objects in {}", where),
           fmt::format("the delete commands of the remove.txt that belongs to what is loaded (of "
                       "cluster {}, for {}; from version control), before anything new is loaded",
                       plain_text(cluster, 100), where)}};
}

std::vector<OwnName> own_names(const Document& document, const flow::DevicePolicy& device) {
  std::vector<OwnName> out;
  const policy::Cluster& cluster = *device.cluster;
  const std::string key = cluster_key(cluster.name);
  const auto& clusters = device.policy->clusters;
  const bool any = std::any_of(clusters.begin(), clusters.end(), [&](const auto& other) {
    return other.name != cluster.name && begin_alike(key, cluster_key(other.name), "-.");
  });
  if (!any) return out;
  const auto add = [&](const std::string& space, const std::string& name, std::string what) {
    out.push_back({space, name, cluster.name, std::move(what)});
  };
  const std::string prefix = std::string(object_prefix) + key + "-";
  const std::string of_cluster = " of cluster " + plain_text(cluster.name, 100);
  const std::string objects = "objects of " + place_of_objects(document.location);
  for (const auto& [name, group] : document.address_groups) {
    if (name.starts_with(prefix)) add(objects, name, group.description);
  }
  for (const auto& [name, category] : document.url_categories) {
    if (name.starts_with(prefix)) add(objects + ", categories", name, category.description);
  }
  const std::string rules_in = "rules of " + place_of_rules(document.location);
  for (const auto* rules : {&document.rules, &document.cleanup}) {
    for (const SecurityRule& rule : *rules) {
      const std::string id =
          rule.origin != nullptr ? plain_text(rule.origin->address, 200) : "the clean-up";
      add(rules_in, rule.name, id + of_cluster);
    }
  }
  add("files", document.file_name, "the file" + of_cluster);
  return out;
}

void note_neighbours(const flow::DevicePolicy& device, const Settings& settings,
                     EmitContext& context) {
  const std::string here = place_of_rules(settings.location);
  const policy::Policy& policy = *device.policy;
  std::vector<std::string> targets;
  std::vector<std::string> clusters;
  bool first = false;
  for (std::size_t c = 0; c < policy.clusters.size() && c < policy.views.size(); ++c) {
    const policy::Cluster& cluster = policy.clusters[c];
    bool known = false;
    for (const policy::TargetView& view : policy.views[c]) {
      if (view.target->backend != backend_name || place_of(view) != here) continue;
      const bool own = cluster.name == device.cluster->name;
      if (own && view.target != device.view->target) {
        targets.push_back("`" + view.target->folder() + "`");
      }
      if (known) continue;
      known = true;
      if (clusters.empty()) first = own && view.target == device.view->target;
      clusters.push_back("`" + plain_text(cluster.name, 100) + "`");
    }
  }
  if (!targets.empty()) {
    context.note(
        backend_title,
        fmt::format("{} {} rules of the same names in a place of the same name, {}: on one "
                    "device one would become part of the other, and its removal remove "
                    "both; there give each a place of its own, or make one target of them",
                    list_of(targets), targets.size() == 1 ? "makes" : "make", here));
  }
  // Once for all of them.
  if (clusters.size() < 2 || !first) return;
  context.note(backend_title,
               fmt::format("clusters {} go to a place of the same name, {}: on one device, the "
                           "block of rules that is moved last stands above the others and decides "
                           "about traffic between the clusters; allow that in each of them, or "
                           "keep an order with `before`",
                           list_of(clusters), here));
}

}  // namespace hcipol::backends::palo_alto
