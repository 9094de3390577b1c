// Compares facts and rules as sets of packets.
#include "conformance.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

namespace hcipol::test {

namespace {

bool is_reached_by_gateway(const net::Box& box) {
  net::ServiceSet services;
  for (const auto& [pattern, port] : facts().gateway_reaches) {
    if (!net::DomainSet(pattern).contains(box.to.names)) continue;
    services = services | net::ServiceSet::ports(net::protocol::tcp, port, port);
  }
  return services.contains(box.service);
}

bool in_region(const Fact& fact, const Context& context) {
  return fact.regions.empty() || fact.regions.contains(context.region);
}

/// Features whose rows from other documents than the regional lists the gateway closes as well.
const std::set<std::string_view> behind_gateway{"registration", "arc-servers",
                                                "arc-resource-bridge", "azure-monitor-agent"};

/// What the gateway carries, it closes. The regional lists say what that is; of hosts that only
/// other documents have, Microsoft's list of what it reaches does, in the public cloud.
void close_what_is_carried(const Context& context, std::vector<Asked>& rows) {
  std::map<net::Box, bool> listed;
  std::map<std::pair<std::string, net::Box>, bool> listed_in;
  for (const Asked& row : rows) {
    if (row.fact == nullptr || !row.fact->carried || !row.expected) continue;
    listed.emplace(row.boxes[0], *row.fact->carried);
    listed_in.emplace(std::pair(row.feature, row.boxes[0]), *row.fact->carried);
  }
  for (Asked& row : rows) {
    if (row.fact == nullptr || !row.fact->flows[0].is_host) continue;
    const net::Box& box = row.boxes[0];
    const auto here = listed_in.find({row.feature, box});
    const auto there = listed.find(box);
    if (here != listed_in.end()) {
      if (here->second) row.expected = false;
    } else if (behind_gateway.contains(row.feature) && context.cloud == "public") {
      if (there != listed.end() ? there->second : is_reached_by_gateway(box)) row.expected = false;
    }
  }
}

/// The table's entries of one kind, gateway or not, for a row.
void apply(bool about_gateway, const Context& context, Asked& row) {
  const bool before = row.expected;
  for (const RowDeviation& entry : deviations().rows) {
    if (entry.is_about_gateway() != about_gateway || !entry.is_in(context)) continue;
    if (entry.opens() == before || !entry.names(*row.fact)) continue;
    const bool foreign = entry.clouds.empty() && !row.fact->clouds.contains(context.cloud);
    if (entry.opens() && foreign) continue;
    row.deviations.push_back(&entry);
    row.expected = entry.opens();
  }
}

/// Every feature's share of a universe.
class Sets {
 public:
  explicit Sets(net::PacketUniverse& universe) : universe_(universe) {}

  net::PacketSet& of(const std::string& feature) {
    return sets_.try_emplace(feature, universe_.none()).first->second;
  }
  void add(const std::string& feature, const std::vector<net::Box>& boxes) {
    of(feature) = of(feature) | universe_.of(boxes);
  }

 private:
  net::PacketUniverse& universe_;
  std::map<std::string, net::PacketSet> sets_;
};

}  // namespace

std::string Asked::name() const {
  return fact != nullptr ? fact->id : "the addition \"" + addition->reason + "\"";
}

std::vector<Asked> asked(const Context& context) {
  std::vector<Asked> out;
  for (const Fact& fact : facts().rows) {
    if (!in_region(fact, context)) continue;
    // The gateway's own rows are those of a cluster that has it.
    if (fact.feature == "arc-gateway" && !context.gateway) continue;
    Asked row;
    row.fact = &fact;
    row.feature = fact.feature;
    row.listed = fact.releases.contains(context.release) && fact.clouds.contains(context.cloud);
    row.expected = row.listed;
    apply(false, context, row);
    if (!row.listed && !row.expected) continue;
    for (const FactFlow& flow : fact.flows) row.boxes.push_back(box_of(flow, context));
    out.push_back(std::move(row));
  }
  for (const Addition& addition : deviations().additions) {
    if (!addition.is_in(context)) continue;
    if (addition.feature == "arc-gateway" && !context.gateway) continue;
    Asked row;
    row.addition = &addition;
    row.feature = addition.feature;
    row.expected = true;
    row.boxes.push_back(box_of(addition.flow, context));
    out.push_back(std::move(row));
  }
  if (context.gateway) {
    close_what_is_carried(context, out);
    for (Asked& row : out) {
      if (row.fact != nullptr) apply(true, context, row);
    }
  }
  return out;
}

void compare(const Context& context, const std::set<std::string>& features,
             const std::vector<OpenedFlow>& flows, const std::set<std::string>& closed) {
  std::vector<Asked> expected;
  std::vector<net::Box> boxes;
  for (Asked& row : asked(context)) {
    if (!row.expected || !features.contains(row.feature)) continue;
    if (row.fact != nullptr && closed.contains(row.fact->id)) continue;
    boxes.insert(boxes.end(), row.boxes.begin(), row.boxes.end());
    expected.push_back(std::move(row));
  }
  for (const OpenedFlow& flow : flows) boxes.push_back(flow.box);
  net::PacketUniverse universe(boxes);

  Sets wanted(universe), open(universe);
  for (const Asked& row : expected) wanted.add(row.feature, row.boxes);
  for (const OpenedFlow& flow : flows) open.add(flow.feature, {flow.box});
  for (const Asked& row : expected) {
    const net::PacketSet missing = universe.of(row.boxes) - open.of(row.feature);
    EXPECT_TRUE(missing.empty()) << to_string(context) << ": feature " << row.feature
                                 << " does not open " << row.name() << to_text(missing);
  }
  for (const OpenedFlow& flow : flows) {
    if (!features.contains(flow.feature)) continue;
    const net::PacketSet extra = universe.of(flow.box) - wanted.of(flow.feature);
    EXPECT_TRUE(extra.empty()) << to_string(context) << ": no fact asks for " << flow.rule
                               << to_text(extra);
  }
}

std::set<const void*> entries_at_work(const Context& context) {
  const std::vector<Asked> rows = asked(context);
  std::vector<net::Box> boxes;
  for (const Asked& row : rows) boxes.insert(boxes.end(), row.boxes.begin(), row.boxes.end());
  net::PacketUniverse universe(boxes);

  // An entry is at work if what it opens or closes is not open all the same, by other rows.
  const auto differs = [&](const auto& belongs) {
    Sets own(universe), others(universe);
    std::set<std::string> touched;
    for (const Asked& row : rows) {
      if (!belongs(row)) continue;
      own.add(row.feature, row.boxes);
      touched.insert(row.feature);
    }
    for (const Asked& row : rows) {
      if (belongs(row) || !row.expected || !touched.contains(row.feature)) continue;
      others.add(row.feature, row.boxes);
    }
    for (const std::string& feature : touched) {
      if (!others.of(feature).contains(own.of(feature))) return true;
    }
    return false;
  };

  std::set<const void*> out;
  for (const RowDeviation& entry : deviations().rows) {
    const auto belongs = [&](const Asked& row) {
      return std::find(row.deviations.begin(), row.deviations.end(), &entry) !=
             row.deviations.end();
    };
    if (entry.is_in(context) && differs(belongs)) out.insert(&entry);
  }
  for (const Addition& entry : deviations().additions) {
    const auto belongs = [&](const Asked& row) { return row.addition == &entry; };
    if (entry.is_in(context) && differs(belongs)) out.insert(&entry);
  }
  return out;
}

}  // namespace hcipol::test
