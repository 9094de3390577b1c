// A deny by name is the dangerous case: what dnsmasq has not handed out yet is not denied.
#include "backends/common/gateway/remarks.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

#include "backends/common/text.h"
#include "support/date.h"

namespace hcipol::backends::gateway {

namespace {

constexpr std::string_view deny_by_name =
    "it denies only addresses that the gateway's dnsmasq has handed out for these names; others "
    "pass if something allows them";

/// What is to be said of one rule, each sentence once, in the order found.
struct RuleRemarks {
  const flow::Flow* flow = nullptr;
  std::vector<std::string> wider;
};

class Reporting {
 public:
  Reporting(Peers& peers, EmitContext& context) : peers_(peers), context_(context) {}

  void look_at(const flow::Flow& flow) {
    for (const auto* sets : {&flow.from, &flow.to}) {
      for (const auto* set : *sets) look_at(flow, peers_.of(set), sets == &flow.from);
    }
  }

  void finish() {
    for (const RuleRemarks& remarks : rules_) {
      std::string text;
      for (const std::string& sentence : remarks.wider) {
        text += (text.empty() ? "" : "; ") + sentence;
      }
      const bool deny = remarks.flow->kind == policy::Rule::Kind::deny;
      if (deny && peers_.settings().names == Settings::Names::dnsmasq) {
        text = std::string(deny_by_name) + (text.empty() ? "" : "; ") + text;
        context_.not_enforced(*remarks.flow, title_, std::move(text));
      } else if (!text.empty()) {
        context_.widened(*remarks.flow, title_, std::move(text));
      }
    }
    if (by_name_) {
      std::string text =
          "names are known by the addresses that the gateway's dnsmasq hands out: another "
          "name on the same address passes, too, and what opens the connections (the servers, or "
          "the proxy that they use) must ask no other resolver";
      const std::string_view more = peers_.dialect().learnt_note;
      if (!more.empty()) text += fmt::format("; {}", more);
      context_.note(title_, std::move(text));
    }
    if (name_as_source_) {
      context_.note(title_,
                    "a name as a source is known only after a look-up of it through the gateway's "
                    "dnsmasq");
    }
    if (peers_.settings().rest == Settings::Rest::pass) {
      context_.note(title_, fmt::format("default = \"return\": what nothing allows is left to {}",
                                        peers_.dialect().rest));
    }
  }

 private:
  void look_at(const flow::Flow& flow, const Peer& peer, bool source) {
    if (!peer.fault.empty()) context_.cannot(flow, title_, peer.fault);
    if (!peer.missing_tag.empty()) {
      context_.reporter()
          .report<Diag::no_service_tags>(context_.place(flow.rule),
                                         "rule `" + flow.rule->address + "`", peer.missing_tag)
          .help("give the policy a service tag file: data \"service_tags\"");
    }
    if (!peer.names.empty()) {
      by_name_ = true;
      name_as_source_ = name_as_source_ || source;
    }
    if (peer.names.empty() && peer.wider.empty()) return;
    const auto [place, fresh] = index_.emplace(flow.rule, rules_.size());
    if (fresh) rules_.push_back({&flow, {}});
    auto& wider = rules_[place->second].wider;
    const bool said = std::find(wider.begin(), wider.end(), peer.wider) != wider.end();
    if (!peer.wider.empty() && !said) wider.push_back(peer.wider);
  }

  Peers& peers_;
  const std::string_view title_ = peers_.dialect().title;
  EmitContext& context_;
  std::vector<RuleRemarks> rules_;
  std::map<const policy::Rule*, std::size_t> index_;
  bool by_name_ = false;
  bool name_as_source_ = false;
};

}  // namespace

void report_peers(const flow::DevicePolicy& device, Peers& peers, EmitContext& context) {
  Reporting reporting(peers, context);
  for (const flow::Flow& flow : device.flows) reporting.look_at(flow);
  reporting.finish();
}

std::string comment_of(const flow::Flow& flow, std::size_t bytes) {
  const policy::Rule& rule = *flow.rule;
  std::string text = rule.address;
  if (rule.kind == policy::Rule::Kind::exception) {
    text += fmt::format(" (exception, {}, until {}: {})", rule.owner,
                        rule.expires ? to_string(*rule.expires) : "?", rule.reason);
  }
  const std::string& name = rule.title.empty() ? rule.origin.feature_title : rule.title;
  if (!name.empty()) text += ": " + name;
  const std::string source = " [" + rule.origin.source + "]";
  // The beginning of an address is no address.
  if (!rule.origin.source.empty() && text.size() + source.size() <= bytes) text += source;
  return readable(text, bytes);
}

}  // namespace hcipol::backends::gateway
