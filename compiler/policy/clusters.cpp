// Sites, nodes, proxies and role bindings.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "policy/build.h"
#include "support/text.h"

namespace hcipol::policy {

namespace {

using sema::find_attribute;
using sema::find_blocks;

constexpr std::array<std::string_view, 3> clouds{"public", "usgov", "china"};

class ClusterReader {
 public:
  ClusterReader(BuildContext& context, const syntax::Block& block, Cluster& cluster,
                sema::ClusterScope& scope)
      : context_(context), block_(block), cluster_(cluster), scope_(scope) {}

  void read() {
    cluster_.name = scope_.name = block_.labels[0].text;
    cluster_.span = scope_.span = block_.header_span;
    read_cloud();
    read_region();
    read_sites();
    read_servers();
    refuse_shared_addresses();
    read_proxies();
    read_roles();
  }

 private:
  Reporter& reporter() { return context_.reporter; }
  sema::Scope outside() const {
    return {context_.program.root, nullptr, nullptr, nullptr, nullptr};
  }
  sema::Scope inside() const { return {context_.program.root, &scope_, nullptr, nullptr, nullptr}; }

  void read_cloud() {
    cluster_.cloud = "public";
    if (const auto* cloud = find_attribute(block_.items, "cloud")) {
      const auto name = context_.evaluator.text(*cloud->value, outside());
      if (name && std::find(clouds.begin(), clouds.end(), *name) == clouds.end()) {
        const std::vector<std::string> known(clouds.begin(), clouds.end());
        reporter()
            .report<Diag::unknown_cloud>(cloud->value->span, one_line(*name, 80))
            .suggest(did_you_mean(*name, known))
            .note(fmt::format("there are {}", list_of(known)));
      } else if (name) {
        cluster_.cloud = *name;
      }
    }
    scope_.cloud = cluster_.cloud;
  }

  // Which regions there are is the library's knowledge: it looks the name up where it needs it.
  void read_region() {
    const auto* region = find_attribute(block_.items, "region");
    if (region == nullptr) return;
    const auto name = context_.evaluator.line(*region->value, outside());
    if (!name) return;
    const bool plain = !name->empty() && std::all_of(name->begin(), name->end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    });
    if (!plain) {
      reporter()
          .report<Diag::wrong_type>(region->value->span, "the short name of a region",
                                    fmt::format("`{}`", one_line(*name, 80)))
          .help("it is written in small letters and digits, as in `region = \"westeurope\"`");
      return;
    }
    scope_.region = *name;
    scope_.region_at = region->value->span;
  }

  void read_sites() {
    const auto direct = find_blocks(block_.items, "node");
    const auto sites = find_blocks(block_.items, "site");
    for (const syntax::Block* node : direct) read_node(*node, "");
    for (const syntax::Block* site : sites) read_site(*site);
    if (!direct.empty() && !sites.empty()) {
      reporter()
          .report<Diag::nodes_and_sites>(block_.header_span, cluster_.name)
          .label(direct.front()->header_span, "this node is in no site")
          .help("put every node into a site, or have no sites");
    }
    if (cluster_.nodes.empty() && direct.empty()) {
      reporter()
          .report<Diag::cluster_without_nodes>(block_.header_span, cluster_.name)
          .help("add `node \"n1\" { address = … }`");
    }
  }

  void read_site(const syntax::Block& block) {
    if (block.labels.size() != 1) return;
    const std::string& name = block.labels[0].text;
    std::vector<const Node*> nodes;
    for (const syntax::Block* node : find_blocks(block.items, "node")) {
      if (const Node* made = read_node(*node, name)) nodes.push_back(made);
    }
    Peers peers;
    for (const Node* node : nodes) peers.parts.push_back(node->set);
    if (const auto* address = find_attribute(block.items, "address")) {
      const auto whole = context_.evaluator.addresses(*address->value, outside());
      if (whole) refuse_outsiders(*whole, nodes, name, address->value->span);
      if (whole) peers.parts.insert(peers.parts.end(), whole->parts.begin(), whole->parts.end());
    }
    const NamedSet* set = context_.evaluator.merged(
        NamedSet::Kind::site, fmt::format("site.{}", name), peers, block.header_span);
    Site& site = context_.policy.sites.emplace_back(Site{name, set, nodes, block.header_span});
    cluster_.sites.push_back(&site);
    cluster_.named[set->name] = set;
    sema::ClusterScope::Site in_scope{name, set, {}};
    for (const Node* node : nodes) in_scope.nodes.push_back(node->name);
    scope_.sites.push_back(std::move(in_scope));
  }

  void refuse_outsiders(const Peers& whole, const std::vector<const Node*>& nodes,
                        std::string_view site, Span span) {
    const net::AddressSet all = whole.set().addresses;
    for (const Node* node : nodes) {
      if (all.contains(node->set->set.addresses)) continue;
      reporter()
          .report<Diag::node_outside_site>(node->span, node->name, site)
          .label(span, "the site's addresses");
    }
  }

  const Node* read_node(const syntax::Block& block, const std::string& site) {
    const auto* address = find_attribute(block.items, "address");
    if (address == nullptr || block.labels.size() != 1) return nullptr;
    const std::string& name = block.labels[0].text;
    for (const Node* other : cluster_.nodes) {
      if (other->name != name) continue;
      reporter()
          .report<Diag::duplicate>(block.header_span, fmt::format("node `{}`", name))
          .label(other->span, "the first one is here");
      return nullptr;
    }
    const auto peers = context_.evaluator.addresses(*address->value, outside());
    if (!peers) return nullptr;
    for (const NamedSet* part : peers->parts) {
      const auto ranges = part->set.addresses.ranges();
      if (ranges.size() == 1 && ranges[0].first == ranges[0].last) continue;
      reporter()
          .report<Diag::wrong_type>(address->value->span, "single addresses",
                                    fmt::format("`{}`", part->name))
          .help("a node has one address or a list of them; a whole network is a role or a site");
      return nullptr;
    }
    const NamedSet* set = context_.evaluator.merged(
        NamedSet::Kind::node, fmt::format("node.{}", name), *peers, block.header_span);
    Node& node = context_.policy.nodes.emplace_back(Node{name, site, set, block.header_span});
    cluster_.nodes.push_back(&node);
    cluster_.named[set->name] = set;
    scope_.nodes.push_back({name, site, set});
    return &node;
  }

  void read_servers() {
    Peers all;
    for (const Node* node : cluster_.nodes) all.parts.push_back(node->set);
    cluster_.servers = scope_.servers =
        context_.evaluator.merged(NamedSet::Kind::servers, "servers", all, block_.header_span);
    cluster_.named["servers"] = cluster_.servers;
    std::sort(cluster_.nodes.begin(), cluster_.nodes.end(),
              [](const Node* a, const Node* b) { return a->name < b->name; });
    std::sort(cluster_.sites.begin(), cluster_.sites.end(),
              [](const Site* a, const Site* b) { return a->name < b->name; });
  }

  void refuse_shared_addresses() {
    struct Owned {
      net::AddressRange range;
      const Node* node;
    };
    std::vector<Owned> owned;
    for (const Node* node : cluster_.nodes) {
      for (const auto& range : node->set->set.addresses.ranges()) owned.push_back({range, node});
    }
    std::sort(owned.begin(), owned.end(),
              [](const Owned& a, const Owned& b) { return a.range < b.range; });
    for (std::size_t i = 1; i < owned.size(); ++i) {
      const Owned& a = owned[i - 1];
      const Owned& b = owned[i];
      if (a.range.last < b.range.first || a.node == b.node) continue;
      reporter()
          .report<Diag::overlapping_nodes>(b.node->span, a.node->name, b.node->name,
                                           net::to_string(b.range.first))
          .label(a.node->span, "the other node is here");
    }
  }

  void read_proxies() {
    for (const syntax::Block* block : find_blocks(block_.items, "proxy")) {
      const auto* address = find_attribute(block->items, "address");
      const auto* service = find_attribute(block->items, "service");
      if (address == nullptr || service == nullptr || block->labels.size() != 1) continue;
      const auto peers = context_.evaluator.addresses(*address->value, inside());
      const auto ports = context_.evaluator.service(*service->value, inside());
      if (!peers || !ports) continue;
      const std::string& name = block->labels[0].text;
      const NamedSet* set = context_.evaluator.merged(
          NamedSet::Kind::proxy, fmt::format("proxy.{}", name), *peers, block->header_span);
      Proxy& proxy =
          context_.policy.proxies.emplace_back(Proxy{name, set, *ports, {}, block->header_span});
      cluster_.proxies.push_back(&proxy);
      cluster_.named[set->name] = set;
      scope_.proxies[name] = set;
      bypasses_.emplace_back(&proxy, find_attribute(block->items, "bypass"));
    }
  }

  void read_roles() {
    for (const syntax::Block* block : find_blocks(block_.items, "role")) read_role(*block);
    // `bypass` may name roles and endpoints, so it comes last.
    for (const auto& [proxy, attribute] : bypasses_) {
      if (attribute == nullptr) continue;
      if (const auto peers = context_.evaluator.peers(*attribute->value, inside())) {
        proxy->bypass = peers->parts;
      }
    }
  }

  void read_role(const syntax::Block& block) {
    if (block.labels.size() != 1) return;
    const std::string& name = block.labels[0].text;
    const auto found = sema::lookup(*context_.program.root, sema::DeclarationKind::role, name);
    if (found.empty()) {
      reporter()
          .report<Diag::unknown_role_binding>(block.header_span, name)
          .suggest(did_you_mean(
              name, sema::visible_names(*context_.program.root, sema::DeclarationKind::role)))
          .note(fmt::format("a role of your own is declared beside the clusters: "
                            "`role \"{}\" {{ title = … }}`",
                            name));
      return;
    }
    if (found.size() > 1) {
      auto report = reporter().report<Diag::ambiguous_name>(block.header_span, name);
      for (const auto& one : found) {
        report.label(one.block->header_span, fmt::format("declared in `{}`", one.module->name));
      }
      report.help("write the module before it: `role \"alias/name\"`");
      return;
    }
    const auto* members = find_attribute(block.items, "members");
    if (members == nullptr) {
      reporter().report<Diag::missing_attribute>(block.header_span, "a role in a cluster",
                                                 "members");
      return;
    }
    const auto peers = context_.evaluator.addresses(*members->value, inside());
    if (!peers) return;
    const NamedSet* set =
        context_.evaluator.merged(NamedSet::Kind::role, context_.evaluator.role_name(found.front()),
                                  *peers, block.header_span);
    const auto [place, added] = scope_.roles.emplace(found.front(), set);
    if (!added) {
      reporter()
          .report<Diag::duplicate>(block.header_span, fmt::format("role `{}`", name))
          .label(place->second->span, "the first one is here");
      return;
    }
    cluster_.named[set->name] = set;
  }

  BuildContext& context_;
  const syntax::Block& block_;
  Cluster& cluster_;
  sema::ClusterScope& scope_;
  std::vector<std::pair<Proxy*, const syntax::Attribute*>> bypasses_;
};

void read_policy_block(BuildContext& context) {
  const syntax::Block* block = context.program.root->source->policy;
  if (block == nullptr) return;
  const sema::Scope scope{context.program.root, nullptr, nullptr, nullptr, nullptr};
  if (block->labels.size() == 1) context.policy.name = block->labels[0].text;
  if (const auto* owner = find_attribute(block->items, "owner")) {
    if (auto text = context.evaluator.line(*owner->value, scope)) context.policy.owner = *text;
  }
  const auto* language = find_attribute(block->items, "language");
  if (language == nullptr) return;
  const auto value =
      context.evaluator.evaluate_as(*language->value, {sema::Type::Kind::number, {}, {}}, scope);
  if (value && *value->as<std::int64_t>() != 1) {
    context.reporter.report<Diag::unsupported_language>(language->value->span,
                                                        *value->as<std::int64_t>());
  }
}

// What only the policy itself may hold would be ignored elsewhere; so it is refused there.
void refuse_in_modules(BuildContext& context) {
  const auto refuse = [&](const syntax::Block& block) {
    context.reporter
        .report<Diag::misplaced_block>(block.header_span, block.kind,
                                       "a module that is used by another")
        .help("it belongs in the directory that is built");
  };
  for (const sema::ModuleSource& source : context.program.sources) {
    if (&source == context.program.root->source) continue;
    for (const auto& [name, block] : source.clusters) refuse(*block);
    for (const auto& [name, block] : source.exceptions) refuse(*block);
    for (const syntax::Block* block : source.targets) refuse(*block);
    for (const syntax::Block* block : source.data) refuse(*block);
    if (source.policy != nullptr) refuse(*source.policy);
  }
}

// Roles that no rule needs may still be wrong.
void check_roles(BuildContext& context) {
  for (const sema::Module& module : context.program.modules) {
    if (module.source->library) continue;
    const sema::Scope scope{&module, &context.scopes.front(), nullptr, nullptr, nullptr};
    for (const auto& [name, block] : module.source->roles) {
      if (const auto* title = find_attribute(block->items, "title")) {
        context.evaluator.line(*title->value, scope);
      }
      if (find_attribute(block->items, "members") != nullptr) {
        context.evaluator.role({block, &module}, scope, block->header_span);
      }
    }
  }
}

}  // namespace

void bind_clusters(BuildContext& context) {
  read_policy_block(context);
  refuse_in_modules(context);
  const auto& blocks = context.program.root->source->clusters;
  for (const auto& [name, block] : blocks) {
    if (block->labels.size() != 1) continue;
    Cluster& cluster = context.policy.clusters.emplace_back();
    ClusterReader(context, *block, cluster, context.scopes.emplace_back()).read();
  }
  if (!context.scopes.empty()) check_roles(context);
  if (!blocks.empty()) return;
  const auto& files = context.program.root->source->files;
  const Span start = files.empty() ? Span{} : Span{files.front().id, 0, 0};
  context.reporter.report<Diag::no_cluster>(start).help(
      "add `cluster \"name\" { … }`; a directory of features alone is a module to be used");
}

}  // namespace hcipol::policy
