// Strict: a key that is not known, is missing or has another type makes the whole file unreadable,
// for a base that is read in part would show flows that nobody opened.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include <nlohmann/json.hpp>

#include "flow/lower.h"
#include "report/packets_json.h"
#include "report/snapshot.h"
#include "report/snapshot_words.h"

namespace hcipol::report {

namespace {

/// The first fault; whatever is read after it is worth nothing.
struct Fault {
  std::string text;

  void set(const std::string& path, std::string_view what) {
    if (text.empty()) text = fmt::format("`{}` {}", path, what);
  }
};

/// An object whose keys are taken one by one; its end refuses those that nobody took.
class Fields {
 public:
  Fields(const Json& json, std::string path, Fault& fault)
      : json_(json), path_(std::move(path)), fault_(fault) {
    if (!json.is_object()) fault_.set(path_, "is no object");
  }
  ~Fields() {
    if (!json_.is_object()) return;
    for (const auto& [key, value] : json_.items()) {
      if (!taken_.contains(key)) fault_.set(at(key), "is a key that is not known");
    }
  }
  Fields(const Fields&) = delete;
  Fields& operator=(const Fields&) = delete;

  std::string at(const std::string& key) const { return path_.empty() ? key : path_ + "." + key; }
  Fault& fault() { return fault_; }

  /// Null if the key is not there; that is a fault if it is required.
  const Json* take(const std::string& key, bool required = true) {
    taken_.insert(key);
    const auto found = json_.is_object() ? json_.find(key) : json_.end();
    if (json_.is_object() && found != json_.end()) return &*found;
    if (required) fault_.set(at(key), "is missing");
    return nullptr;
  }

  std::string text(const std::string& key, bool required = true) {
    const Json* value = take(key, required);
    if (value == nullptr) return {};
    if (value->is_string()) return value->get<std::string>();
    fault_.set(at(key), "is no text");
    return {};
  }

  bool flag(const std::string& key, bool required) {
    const Json* value = take(key, required);
    if (value != nullptr && !value->is_boolean()) fault_.set(at(key), "is not true or false");
    return value != nullptr && value->is_boolean() && value->get<bool>();
  }

  /// What `read` makes of a value; nothing of its type without one.
  template <class Set>
  Set set(const std::string& key, std::optional<Set> (*read)(const Json&), std::string_view what,
          bool required) {
    const Json* value = take(key, required);
    if (value == nullptr) return {};
    auto out = read(*value);
    if (!out) fault_.set(at(key), fmt::format("is no list of {}", what));
    return out.value_or(Set());
  }

  /// Calls `one` with each item and its path.
  template <class One>
  void each(const std::string& key, One one) {
    const Json* list = take(key);
    if (list == nullptr) return;
    if (!list->is_array()) return fault_.set(at(key), "is no list");
    for (std::size_t i = 0; i < list->size() && fault_.text.empty(); ++i) {
      one((*list)[i], fmt::format("{}[{}]", at(key), i));
    }
  }

  template <class Kinds>
  auto word(const std::string& key, const Kinds& kinds) {
    const std::string name = text(key);
    const auto known = std::find_if(kinds.begin(), kinds.end(),
                                    [&](const auto& kind) { return kind.second == name; });
    if (known == kinds.end()) fault_.set(at(key), "is not a word that is known here");
    return known == kinds.end() ? kinds.front().first : known->first;
  }

 private:
  const Json& json_;
  std::string path_;
  Fault& fault_;
  std::set<std::string> taken_;
};

class SnapshotReader {
 public:
  SnapshotReader(Snapshot& out, Fault& fault) : out_(out), fault_(fault) {}

  void read(const Json& json) {
    Fields fields(json, "", fault_);
    const Json* version = fields.take("version");
    if (version == nullptr || *version != snapshot_version) {
      fault_.set("version", fmt::format("is not {}", snapshot_version));
    }
    out_.policy.name = fields.text("policy");
    fields.each("clusters",
                [&](const Json& item, const std::string& path) { cluster(item, path); });
    const auto& clusters = out_.policy.clusters;
    const auto order = [](const auto& a, const auto& b) { return a.name >= b.name; };
    if (std::adjacent_find(clusters.begin(), clusters.end(), order) != clusters.end()) {
      fault_.set("clusters", "are not sorted by name");
    }
    if (fault_.text.empty()) add_sources();
  }

 private:
  using Sets = std::vector<const policy::NamedSet*>;

  // ---- sets

  const policy::NamedSet* named_set(const Json& json, const std::string& path) {
    const auto [known, added] = sets_.try_emplace(json.dump(), nullptr);
    if (!added) return known->second;
    Fields fields(json, path, fault_);
    policy::NamedSet& set = out_.policy.sets.emplace_back();
    set.name = fields.text("name");
    set.kind = fields.word("kind", set_kinds);
    set.title = fields.text("title", false);
    set.set.addresses = fields.set("addresses", read_addresses, "addresses", false);
    set.set.names = fields.set("hosts", read_hosts, "host names", false);
    set.tag = fields.text("tag", false);
    set.tag_addresses = fields.set("tag_addresses", read_addresses, "addresses", false);
    set.addresses = fields.set("endpoint_addresses", read_addresses, "addresses", false);
    return known->second = &set;
  }

  Sets sets(Fields& fields, const std::string& key) {
    Sets out;
    fields.each(key, [&](const Json& item, const std::string& path) {
      out.push_back(named_set(item, path));
    });
    const bool empty =
        std::all_of(out.begin(), out.end(), [](const auto* set) { return set->set.empty(); });
    if (empty) fault_.set(fields.at(key), "has no members");
    return out;
  }

  net::ServiceSet service(Fields& fields) {
    auto out = fields.set("service", read_service, "services", true);
    if (out.empty()) fault_.set(fields.at("service"), "has no members");
    return out;
  }

  // ---- clusters

  void cluster(const Json& json, const std::string& path) {
    Fields fields(json, path, fault_);
    policy::Cluster& cluster = out_.policy.clusters.emplace_back();
    out_.policy.views.emplace_back();
    cluster.name = fields.text("name");
    cluster.cloud = fields.text("cloud");
    fields.each("named",
                [&](const Json& item, const std::string& at) { named(item, at, cluster); });
    fields.each("features", [&](const Json& item, const std::string& at) {
      Fields feature(item, at, fault_);
      cluster.features.push_back({feature.text("module"),
                                  feature.text("name"),
                                  feature.text("title"),
                                  feature.text("source"),
                                  feature.text("because"),
                                  {},
                                  {}});
    });
    fields.each("targets", [&](const Json& item, const std::string& at) { view(item, at); });
    std::vector<flow::Flow>& flows = out_.flows.emplace_back();
    rules_.clear();
    fields.each("flows", [&](const Json& item, const std::string& at) {
      flows.push_back(read_flow(item, at, cluster));
    });
    flow::name_flows(flows);
  }

  void named(const Json& json, const std::string& path, policy::Cluster& cluster) {
    const policy::NamedSet* set = named_set(json, path);
    cluster.named[set->name] = set;
    using Kind = policy::NamedSet::Kind;
    if (set->kind == Kind::servers) cluster.servers = set;
    if (set->kind == Kind::node) {
      const std::string name = set->name.substr(set->name.find('.') + 1);
      cluster.nodes.push_back(&out_.policy.nodes.emplace_back(policy::Node{name, "", set, {}}));
    }
  }

  void view(const Json& json, const std::string& path) {
    Fields fields(json, path, fault_);
    const std::string backend = fields.text("target"), instance = fields.text("instance");
    auto& targets = out_.policy.targets;
    auto known = std::find_if(targets.begin(), targets.end(), [&](const policy::Target& target) {
      return target.backend == backend && target.instance == instance;
    });
    if (known == targets.end()) {
      targets.push_back({backend, instance, {}});
      known = std::prev(targets.end());
    }
    policy::TargetView& view = out_.policy.views.back().emplace_back();
    view.target = &*known;
    const Json* sees = fields.take("sees", false);
    if (sees == nullptr) return;
    Fields flow(*sees, fields.at("sees"), fault_);
    view.sees = sema::Flow{
        {sets(flow, "from")}, {sets(flow, "to")}, service(flow), flow.flag("both_ways", true)};
  }

  // ---- flows

  flow::Flow read_flow(const Json& json, const std::string& path, policy::Cluster& cluster) {
    Fields fields(json, path, fault_);
    policy::Rule rule;
    rule.kind = fields.word("action", rule_kinds);
    rule.address = fields.text("rule");
    rule.origin.module = fields.text("module");
    rule.origin.feature = fields.text("feature");
    const Sets from = sets(fields, "from"), to = sets(fields, "to");
    rule.service = service(fields);
    rule.from.parts = from;
    rule.to.parts = to;
    rule.title = fields.text("title", false);
    rule.note = fields.text("note", false);
    rule.log = fields.flag("log", false);
    const std::string expires = fields.text("expires", false);
    rule.expires = parse_date(expires);
    if (!expires.empty() && !rule.expires) fault_.set(fields.at("expires"), "is no date");
    rule.owner = fields.text("owner", false);
    rule.reason = fields.text("reason", false);
    rule.origin.span = place(fields, "at");
    rule.origin.enabled_at = place(fields, "enabled_at");
    rule.origin.source = fields.text("source", false);

    auto [known, added] = rules_.try_emplace(rule.address, nullptr);
    if (added) known->second = &cluster.rules.emplace_back(rule);
    if (known->second->kind != rule.kind) fault_.set(path, "has not the action of its rule");
    return {rule.kind, from, to, rule.service, known->second, {}};
  }

  // ---- places

  // The file's number is its place among all paths; the byte of a line is the line before it.
  Span place(Fields& fields, const std::string& key) {
    const Json* json = fields.take(key);
    if (json == nullptr || json->is_null()) return {};
    Fields place(*json, fields.at(key), fault_);
    const std::string file = place.text("file");
    const Json* line = place.take("line");
    constexpr std::uint32_t most_lines = 1'000'000;
    if (line == nullptr || !line->is_number_unsigned() || *line < 1 || *line > most_lines) {
      fault_.set(fields.at(key) + ".line", "is no line");
      return {};
    }
    const auto number = line->get<std::uint32_t>();
    const auto [known, added] =
        files_.try_emplace(file, File{FileId(static_cast<std::uint32_t>(order_.size())), 0});
    if (added) order_.push_back(file);
    known->second.lines = std::max(known->second.lines, number);
    return {known->second.id, number - 1, number - 1};
  }

  void add_sources() {
    for (const std::string& path : order_) {
      out_.sources.add(path, std::string(files_.at(path).lines, '\n'));
    }
  }

  struct File {
    FileId id{};
    std::uint32_t lines = 0;
  };

  Snapshot& out_;
  Fault& fault_;
  std::map<std::string, const policy::NamedSet*> sets_;  ///< by their JSON
  std::map<std::string, policy::Rule*> rules_;           ///< of one cluster, by address
  std::map<std::string, File> files_;
  std::vector<std::string> order_;
};

}  // namespace

bool read_snapshot(std::string_view text, Snapshot& snapshot, std::string& error) {
  const Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded()) {
    error = "it is no JSON";
    return false;
  }
  Fault fault;
  SnapshotReader(snapshot, fault).read(json);
  error = fault.text;
  return error.empty();
}

}  // namespace hcipol::report
