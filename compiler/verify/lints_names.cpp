// Names: wildcards that take in more than what is documented, and Microsoft Update's plain HTTP.
#include <fmt/format.h>

#include <algorithm>

#include "flow/naming.h"
#include "verify/lints_passes.h"

namespace hcipol::verify {

namespace {

using Kind = policy::Rule::Kind;
using Owner = WrittenRule::Owner;

/// A host name or pattern that a rule with a document asks for.
struct Documented {
  net::DomainPattern pattern;
  std::size_t flow = 0;
};

bool before(const net::DomainPattern& a, const net::DomainPattern& b) {
  return net::by_suffix(a, b) < 0;
}

// What lies below a wildcard follows it without a gap in this order.
std::vector<Documented> documented(const Subject& subject) {
  std::vector<Documented> out;
  for (std::size_t i = 0; i < subject.flows.size(); ++i) {
    const policy::Rule& rule = *subject.flows[i].rule;
    if (rule.kind == Kind::deny || rule.origin.source.empty()) continue;
    for (const net::DomainPattern& pattern : subject.boxes[i].to.names.patterns()) {
      out.push_back({pattern, i});
    }
  }
  std::stable_sort(out.begin(), out.end(), [](const Documented& a, const Documented& b) {
    return before(a.pattern, b.pattern);
  });
  return out;
}

void find_narrower(const Subject& subject, std::size_t flow, const net::DomainPattern& wildcard,
                   const std::vector<Documented>& all, std::vector<Hit>& hits) {
  const net::Box& box = subject.boxes[flow];
  std::vector<std::string> names;
  Hit hit;
  auto at = std::upper_bound(
      all.begin(), all.end(), wildcard,
      [](const net::DomainPattern& a, const Documented& b) { return before(a, b.pattern); });
  for (; at != all.end() && net::covers(wildcard, at->pattern); ++at) {
    const net::Box& other = subject.boxes[at->flow];
    if (!other.service.intersects(box.service) || !other.from.intersects(box.from)) continue;
    std::string name = net::to_string(at->pattern);
    if (!names.empty() && names.back() == name) continue;
    names.push_back(std::move(name));
    hit.others.push_back(subject.rule_of[at->flow]);
  }
  if (names.empty()) return;
  const WrittenRule& example = subject.rules[hit.others.front()];
  hit.lint = Diag::broad_wildcard;
  hit.rule = subject.rule_of[flow];
  hit.message = message<Diag::broad_wildcard>(net::to_string(wildcard), names.front());
  hit.labels.push_back({example.rule->origin.span, "this asks for no more than it needs"});
  hit.note = fmt::format("see {}", example.rule->origin.source);
  if (names.size() > 1) {
    names.erase(names.begin());
    hit.help = fmt::format("name what is needed, as others do with {}", quoted(names));
  }
  hits.push_back(std::move(hit));
}

}  // namespace

void find_broad_wildcards(const Subject& subject, std::vector<Hit>& hits) {
  std::vector<Documented> all;
  bool read = false;
  for (std::size_t i = 0; i < subject.flows.size(); ++i) {
    const WrittenRule& rule = subject.rules[subject.rule_of[i]];
    const bool broad = rule.owner == Owner::policy && rule.rule->kind != Kind::deny &&
                       rule.rule->origin.source.empty();
    if (!broad) continue;
    for (const net::DomainPattern& pattern : subject.boxes[i].to.names.patterns()) {
      if (!pattern.wildcard) continue;
      if (!read) all = documented(subject);
      read = true;
      find_narrower(subject, i, pattern, all, hits);
    }
  }
}

void find_update_without_http(const Subject& subject, std::vector<Hit>& hits, Findings& findings) {
  const auto feature = std::find_if(
      subject.cluster.features.begin(), subject.cluster.features.end(), [&](const auto& f) {
        return f.name == "microsoft-update" && subject.places.in_library(f.span);
      });
  if (feature == subject.cluster.features.end()) return;
  const net::ServiceSet http = net::ServiceSet::ports(net::protocol::tcp, 80, 80);
  std::vector<net::Box> wanted, denied, excepted;
  std::vector<Label> labels;
  for (std::size_t i = 0; i < subject.flows.size(); ++i) {
    const policy::Origin& origin = subject.flows[i].rule->origin;
    if (origin.module != feature->module || origin.feature != feature->name) continue;
    net::Box box = subject.boxes[i];
    box.service = box.service & http;
    if (!box.service.empty()) wanted.push_back(std::move(box));
  }
  for (std::size_t i = 0; i < subject.flows.size(); ++i) {
    const flow::Flow& flow = subject.flows[i];
    const bool meets = std::any_of(wanted.begin(), wanted.end(), [&](const net::Box& box) {
      return intersects(box, subject.boxes[i]);
    });
    if (!meets || flow.kind == Kind::allow) continue;
    (flow.kind == Kind::deny ? denied : excepted).push_back(subject.boxes[i]);
    if (flow.kind == Kind::deny) labels.push_back({flow.rule->origin.span, "denies it"});
  }
  if (denied.empty()) return;
  std::vector<net::Box> known = wanted;
  known.insert(known.end(), denied.begin(), denied.end());
  known.insert(known.end(), excepted.begin(), excepted.end());
  net::PacketUniverse universe(known);
  const net::PacketSet lost = (universe.of(wanted) & universe.of(denied)) - universe.of(excepted);
  const auto example = lost.witness();
  if (!example) return;

  net::PeerSet from;
  for (const net::Box& box : lost.boxes()) from = from | box.from;
  const std::string address = fmt::format("{}/{}", feature->module, feature->name);
  Finding finding;
  finding.address = address;
  Diagnostic& d = finding.diagnostic;
  d.id = Diag::update_without_http;
  d.span = subject.places.chosen_at(subject.cluster, *feature);
  d.message = message<Diag::update_without_http>(
      "`" + address + "`", flow::Naming(subject.cluster, subject.flows).text(from, 3));
  d.labels = std::move(labels);
  d.notes.push_back(fmt::format("denied, for example: {}", flow::to_string(*example)));
  d.help = "updates come over HTTP as well as HTTPS; leave these hosts out of what is denied";
  findings.add(subject.cluster, std::move(finding));

  std::erase_if(hits, [&](const Hit& hit) {
    const policy::Origin& origin = subject.rules[hit.rule].rule->origin;
    return hit.lint == Diag::never_applies && origin.module == feature->module &&
           origin.feature == feature->name && http.contains(subject.rules[hit.rule].rule->service);
  });
}

}  // namespace hcipol::verify
