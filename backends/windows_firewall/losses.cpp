// Sentences say what happens on the server, not what the compiler did.
#include "backends/windows_firewall/losses.h"

#include <fmt/format.h>

#include "backends/common/stand_ins.h"
#include "backends/windows_firewall/services.h"
#include "support/text.h"

namespace hcipol::backends::windows_firewall {

namespace {

constexpr std::size_t shown_on_terminal = 5;

// "a.example, b.example and 3 more".
std::string some(const std::set<std::string>& names, std::size_t shown = shown_on_terminal) {
  std::vector<std::string> out;
  for (const std::string& name : names) {
    if (out.size() == shown && names.size() > shown + 1) {
      out.push_back(fmt::format("{} more", names.size() - shown));
      break;
    }
    out.push_back(name);
  }
  return list_of(out);
}

}  // namespace

void Losses::add(const flow::Flow& flow, const Peers& own, const Peers& remote,
                 const policy::Node& node, bool inbound) {
  if (remote.by_name == nullptr || remote.by_name->lossless()) return;
  const ByName& by = *remote.by_name;
  if (!by.unmatched.empty()) {
    script_.insert(fmt::format("{}: {}", flow.rule->address, fmt::join(by.unmatched, ", ")));
  }
  Loss& loss = loss_of(flow);
  add_changes(loss, flow, own, remote, node, inbound);
  if (!seen_.emplace(flow.rule, &remote, flow.service).second) return;
  auto& unmatched = inbound ? loss.sources : loss.unmatched;
  unmatched.insert(by.unmatched.begin(), by.unmatched.end());
  loss.widened.insert(by.widened.begin(), by.widened.end());
  const std::string on = net::to_string(flow.service);
  auto& wider = inbound ? loss.wider_from : loss.wider_to;
  if (!by.widened_by.empty()) wider[on].insert(by.widened_by.begin(), by.widened_by.end());
  loss.missing_tags.insert(by.missing_tags.begin(), by.missing_tags.end());
  loss.inexpressible.insert(by.inexpressible.begin(), by.inexpressible.end());
  loss.has_tag = loss.has_tag || by.has_tag;
  add_excepted(loss, remote, inbound, on);
}

Losses::Loss& Losses::loss_of(const flow::Flow& flow) {
  const auto [place, fresh] = index_.emplace(flow.rule, losses_.size());
  if (fresh) losses_.emplace_back().flow = &flow;
  return losses_[place->second];
}

void Losses::add_builtin(const flow::Flow& flow, const BuiltinRule& builtin,
                         const policy::Node& node) {
  Loss& loss = loss_of(flow);
  const net::PeerSet all{net::AddressSet::all(), {}};
  const net::ServiceSet service = service_of(builtin);
  loss.changes.push_back({Change::Kind::added, {all, all, service}, &node, true});
  const std::string on = net::to_string(service);
  loss.widened.insert(fmt::format(
      "Windows' own rule {} stands for it and lets {} in from every address", builtin.name, on));
  for (std::string& prefix : texts_of(all.addresses)) {
    loss.wider_from[on].insert(std::move(prefix));
  }
}

void Losses::add_changes(Loss& loss, const flow::Flow& flow, const Peers& own, const Peers& remote,
                         const policy::Node& node, bool inbound) {
  const auto add = [&](Change::Kind kind, net::PeerSet far) {
    net::PeerSet near{own.addresses, {}};
    if (!inbound) std::swap(near, far);
    net::Box box{std::move(far), std::move(near), flow.service};
    loss.changes.push_back({kind, std::move(box), &node, inbound});
  };
  const ByName& by = *remote.by_name;
  if (!by.lost.empty()) add(Change::Kind::lost, {{}, by.lost});
  const net::AddressSet matched = remote.addresses | by.in_keywords;
  if (!by.widened.empty()) add(Change::Kind::added, {matched, {}});
  if (!by.excepted.empty()) add(Change::Kind::added, {matched, net::DomainSet::all()});
}

// "Every name but some" is every address. A deny may block more than it says, as long as nothing
// else would let the excepted names through; an allow may not allow more.
void Losses::add_excepted(Loss& loss, const Peers& remote, bool inbound,
                          const std::string& on) const {
  const ByName& by = *remote.by_name;
  for (const std::string& names : by.excepted) {
    if (loss.flow->kind == policy::Rule::Kind::deny && !resolves_) {
      loss.widened.insert(
          fmt::format("it blocks every address of `{}`, and so the host names that it leaves out "
                      "({})",
                      remote.name, names));
      for (std::string& prefix : texts_of(remote.addresses | by.in_keywords)) {
        (inbound ? loss.wider_from : loss.wider_to)[on].insert(std::move(prefix));
      }
    } else {
      loss.inexpressible.insert(names);
    }
  }
}

void Losses::report() {
  for (Loss& loss : losses_) report(loss);
}

void Losses::report(Loss& loss) {
  for (const std::string& what : loss.inexpressible) {
    context_.cannot(*loss.flow, device_, fmt::format("the host names \"{}\"", what))
        .note("its rules match addresses or names, and a block rule beats every allow rule");
  }
  if (!loss.sources.empty()) {
    context_
        .cannot(*loss.flow, device_, fmt::format("host names as a source ({})", some(loss.sources)))
        .help("give the endpoint an `address`, or use a role");
  }
  for (const std::string& tag : loss.missing_tags) {
    if (!reported_tags_.insert(tag).second) continue;
    context_.reporter()
        .report<Diag::no_service_tags>(context_.place(loss.flow->rule), device_, tag)
        .help("read a service tag file with `data \"service_tags\"`");
  }
  if (!loss.unmatched.empty()) report_unmatched(loss);
  if (!loss.widened.empty()) {
    const std::vector<std::string> sentences(loss.widened.begin(), loss.widened.end());
    std::vector<Wider> wider;
    for (const auto& [on, from] : loss.wider_from) {
      wider.push_back({{from.begin(), from.end()}, {}, on});
    }
    for (const auto& [on, to] : loss.wider_to) wider.push_back({{}, {to.begin(), to.end()}, on});
    // What is not matched has been said with the names, if there are any.
    const bool said = !loss.unmatched.empty();
    context_.widened(*loss.flow, device_, list_of(sentences), std::move(wider),
                     said ? std::vector<Change>() : std::move(loss.changes));
  }
}

void Losses::report_unmatched(Loss& loss) {
  const bool deny = loss.flow->kind == policy::Rule::Kind::deny;
  const auto why = [&](const std::string& names) {
    return fmt::format(
        "its rules match addresses, and {} {} known by name only, so no Windows rule {} it{}",
        names, loss.unmatched.size() == 1 ? "is" : "are", deny ? "blocks" : "allows",
        loss.has_tag ? " (see the target's option `names`: `service-tags` or `dynamic-keywords`)"
                     : " (see the target's option `names`: `dynamic-keywords`)");
  };
  context_.not_enforced(*loss.flow, device_, why(some(loss.unmatched)), std::move(loss.changes),
                        why(some(loss.unmatched, loss.unmatched.size())));
}

}  // namespace hcipol::backends::windows_firewall
