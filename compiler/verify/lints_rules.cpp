// Rules that open much, or to strangers: what a reviewer looks at first.
#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>

#include "flow/naming.h"
#include "sema/walk.h"
#include "verify/lints_passes.h"

namespace hcipol::verify {

namespace {

using Kind = policy::Rule::Kind;
using Owner = WrittenRule::Owner;

constexpr std::size_t many_ports = 1000;
constexpr std::size_t every_port = 65536;

bool is_whole_internet(const net::PeerSet& set) {
  static const net::AddressSet ipv4 = net::internet_addresses().only(net::Family::ipv4);
  static const net::AddressSet ipv6 = net::internet_addresses().only(net::Family::ipv6);
  return set.addresses.contains(ipv4) || set.addresses.contains(ipv6);
}

/// "2000", "tcp": the ports of the protocols that have many of them open.
struct Ports {
  std::string count;
  std::string protocols;
};

std::optional<Ports> wide_ports(const net::ServiceSet& service) {
  const std::size_t tcp = port_count(service, net::protocol::tcp);
  const std::size_t udp = port_count(service, net::protocol::udp);
  if (tcp <= many_ports && udp <= many_ports) return std::nullopt;
  std::size_t count = 0, whole = 0;
  std::vector<std::string> protocols;
  for (const auto& [name, ports] : {std::pair("tcp", tcp), std::pair("udp", udp)}) {
    if (ports <= many_ports) continue;
    protocols.emplace_back(name);
    count += ports;
    whole += every_port;
  }
  return Ports{count == whole ? "all" : fmt::to_string(count),
               fmt::format("{}", fmt::join(protocols, " and "))};
}

class WideRules {
 public:
  WideRules(const Subject& subject, std::vector<Hit>& hits) : subject_(subject), hits_(hits) {
    const policy::Cluster& cluster = subject.cluster;
    own_ = cluster.servers->set.addresses;
    net::AddressSet known = own_;
    for (const policy::Proxy* proxy : cluster.proxies) known = known | proxy->set->set.addresses;
    strangers_ = net::internet_addresses() - known;
  }

  void find() {
    for (std::size_t i = 0; i < subject_.rules.size(); ++i) {
      const WrittenRule& rule = subject_.rules[i];
      const bool opens = rule.rule->kind != Kind::deny && !rule.flows.empty();
      if (!opens || rule.owner == Owner::compiler) continue;
      const bool any = find_any_to_any(i, rule);
      // An exception says why, who answers for it, and when it ends: all that a waive would say.
      if (rule.rule->kind == Kind::exception) continue;
      find_wide_ports(i, rule);
      if (!any) find_strangers(i, rule);
    }
  }

 private:
  Hit& add(Diag lint, std::size_t rule) {
    Hit& hit = hits_.emplace_back();
    hit.lint = lint;
    hit.rule = rule;
    return hit;
  }

  bool find_any_to_any(std::size_t index, const WrittenRule& rule) {
    const bool any = std::any_of(rule.flows.begin(), rule.flows.end(), [&](std::size_t flow) {
      return has_whole_family(subject_.boxes[flow].from.addresses) &&
             has_whole_family(subject_.boxes[flow].to.addresses);
    });
    if (any) {
      Hit& hit = add(Diag::any_to_any, index);
      hit.message = message<Diag::any_to_any>(rule.address);
      hit.help = "name the peers that need it";
    }
    return any;
  }

  // ---- many ports

  void find_wide_ports(std::size_t index, const WrittenRule& rule) {
    net::ServiceSet service;
    for (const std::size_t flow : rule.flows) service = service | subject_.flows[flow].service;
    const auto ports = wide_ports(service);
    if (!ports) return;
    std::optional<Span> given;
    if (rule.owner == Owner::library) {
      // The library's own default is what the document asks for.
      given = given_service(*rule.rule);
      if (!given) return;
    }
    Hit& hit = add(Diag::wide_ports, index);
    hit.message = message<Diag::wide_ports>(rule.address, ports->count, ports->protocols);
    hit.detail = fmt::format("{} ports of {}", ports->count, ports->protocols);
    if (given) hit.labels.push_back({*given, "given here"});
  }

  // Where an `enable` gives a parameter that the rule's service is made of.
  std::optional<Span> given_service(const policy::Rule& rule) const {
    const sema::Module& root = *subject_.input.program.root;
    const syntax::Rule* written = nullptr;
    const syntax::Block* feature = nullptr;
    for (const sema::Module& module : subject_.input.program.modules) {
      if (module.name != rule.origin.module) continue;
      const auto found = module.source->features.find(rule.origin.feature);
      if (found == module.source->features.end()) continue;
      feature = found->second;
      for (const syntax::Item& item : feature->items) {
        const auto* one = std::get_if<syntax::Rule>(&item.node);
        if (one != nullptr && one->name.text == rule.origin.rule) written = one;
      }
    }
    if (written == nullptr) return std::nullopt;
    std::set<std::string_view> parameters;
    const auto collect = [&](const syntax::Expr& e) {
      const auto* member = std::get_if<syntax::Member>(&e.node);
      const auto* of = member == nullptr ? nullptr : std::get_if<syntax::Name>(&member->of->node);
      if (of != nullptr && of->text == "param") parameters.insert(member->name);
    };
    sema::walk(*std::get<syntax::Flow>(written->flow->node).service, collect);

    const auto& clusters = root.source->clusters;
    for (const auto* enable :
         sema::find_blocks(clusters.find(subject_.cluster.name)->second->items, "enable")) {
      const auto meant = sema::lookup(root, sema::DeclarationKind::feature, enable->labels[0].text);
      if (meant.size() != 1 || meant.front().block != feature) continue;
      for (const std::string_view name : parameters) {
        if (const auto* given = sema::find_attribute(enable->items, name)) return given->name_span;
      }
    }
    return std::nullopt;
  }

  // ---- from the Internet

  void find_strangers(std::size_t index, const WrittenRule& rule) {
    for (const std::size_t flow : rule.flows) {
      const auto part = reached_by_strangers(subject_.boxes[flow]);
      if (!part || is_denied(*part)) continue;
      Hit& hit = add(Diag::from_internet, index);
      if (!naming_) naming_.emplace(subject_.cluster, subject_.flows);
      hit.detail = naming_->text(part->to, 3);
      hit.message = message<Diag::from_internet>(rule.address, hit.detail);
      hit.note = is_whole_internet(subject_.boxes[flow].from)
                     ? "its source has every public address"
                     : fmt::format("public addresses in its source: {}",
                                   naming_->text({part->from.addresses, {}}, 3));
      return;
    }
  }

  // What public addresses, other than the cluster's, may reach: servers from any of them, and what
  // is private if it is all of the Internet.
  std::optional<net::Box> reached_by_strangers(const net::Box& box) const {
    net::AddressSet from = box.from.addresses & strangers_;
    if (from.empty()) return std::nullopt;
    net::AddressSet to = box.to.addresses & own_;
    if (to.empty() && is_whole_internet(box.from)) to = box.to.addresses & net::private_addresses();
    if (to.empty()) return std::nullopt;
    return net::Box{{std::move(from), {}}, {std::move(to), {}}, box.service};
  }

  bool is_denied(const net::Box& part) const {
    std::vector<net::Box> denies;
    for (std::size_t i = 0; i < subject_.flows.size(); ++i) {
      const net::Box& box = subject_.boxes[i];
      if (subject_.flows[i].kind == Kind::deny && intersects(box, part)) denies.push_back(box);
    }
    if (denies.empty()) return false;
    std::vector<net::Box> known = denies;
    known.push_back(part);
    net::PacketUniverse universe(known);
    return universe.of(denies).contains(universe.of(part));
  }

  const Subject& subject_;
  std::vector<Hit>& hits_;
  net::AddressSet own_, strangers_;
  std::optional<flow::Naming> naming_;
};

}  // namespace

void find_wide_rules(const Subject& subject, std::vector<Hit>& hits) {
  WideRules(subject, hits).find();
}

}  // namespace hcipol::verify
