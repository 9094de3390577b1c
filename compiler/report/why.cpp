// The answer as text: part by part, rule by rule, each with all that leads back to its writer.
#include "report/why.h"

#include <fmt/format.h>

#include <algorithm>

#include "report/rule_facts.h"
#include "support/text.h"

namespace hcipol::report {

namespace {

/// Ids of one device for one rule; what is past this is counted.
constexpr std::size_t most_places = 4;

class TextWriter {
 public:
  TextWriter(const ClusterAnswer& answer, const std::string& not_built, const SourceMap& sources)
      : answer_(answer), not_built_(not_built), sources_(sources), naming_(*answer.naming) {}

  std::string write() {
    asked(answer_.asked);
    if (!answer_.through_proxy.empty()) {
      out_ +=
          "\n  Rules send what servers ask of named hosts on tcp/80 and tcp/443 through the proxy. "
          "That way:\n";
      for (const Asked& leg : answer_.through_proxy) asked(leg);
    }
    return std::move(out_);
  }

 private:
  void line(std::size_t indent, std::string_view label, std::string_view text) {
    if (text.empty()) return;
    out_ += fmt::format("{:{}}{:<10}{}\n", "", indent, label, text);
  }

  void asked(const Asked& asked) {
    if (asked.answer.parts.empty()) {
      out_ += fmt::format("\n  no packet can be {}: its sides have no address family in common\n",
                          asked.flow);
    }
    for (const flow::Part& part : asked.answer.parts) this->part(part);
  }

  void part(const flow::Part& part) {
    std::string_view label = part.allowed() ? "allowed" : "denied";
    for (const net::Box& box : part.boxes) {
      out_ +=
          fmt::format("{}  {:<8} {}\n", label.empty() ? "" : "\n", label, to_string(box, naming_));
      label = "";
    }
    if (part.more) out_ += fmt::format("  {:<8} … and more\n", "");
    if (part.reason == flow::Reason::nothing) nothing(part);
    for (const flow::Ground& ground : part.rules) rule(part, ground);
    beaten(part);
  }

  void nothing(const flow::Part& part) {
    out_ += "    no rule allows it\n";
    std::string_view label = "nearest";
    for (const flow::Near& near : part.near) {
      line(4, label,
           fmt::format("{}  {}  (another {}, {})", near.flow->rule->address,
                       flow_of(*near.flow->rule), differs(near.differs),
                       place(near.flow->rule->origin.span, sources_)));
      label = "";
    }
  }

  void rule(const flow::Part& part, const flow::Ground& ground) {
    const policy::Rule& rule = *ground.flow->rule;
    out_ += fmt::format("    {} {}  {}{}\n", action(rule.kind), rule.address, flow_of(rule),
                        ground.whole ? "" : "  (for some of it)");
    line(6, "at", place(rule.origin.span, sources_));
    line(6, "because", because(rule, *answer_.cluster, sources_));
    line(6, "feature", rule.kind == policy::Rule::Kind::exception ? "" : rule.origin.feature_title);
    line(6, "title", rule.title);
    line(6, "note", rule.note);
    line(6, "owner", rule.owner);
    line(6, "expires", rule.expires ? hcipol::to_string(*rule.expires) : "");
    line(6, "reason", rule.reason);
    line(6, "source", rule.origin.source);
    rendered(part, rule);
  }

  void rendered(const flow::Part& part, const policy::Rule& rule) {
    std::string_view label = "rendered";
    std::vector<std::string> unseen;
    const auto add = [&](const std::string& text) {
      line(6, label, text);
      label = "";
    };
    for (const RenderedTarget& target : answer_.targets) {
      if (!sees(target, part)) {
        unseen.push_back(target.folder);
        continue;
      }
      const std::vector<Place> there = places(target, part, rule);
      if (there.empty()) add(target.folder + "  has no rule of its own for it");
      for (std::size_t i = 0; i < there.size() && i < most_places; ++i) {
        add(fmt::format("{}:{}  {}", there[i].path, there[i].line, there[i].id));
      }
      if (there.size() > most_places) {
        add(fmt::format("{}  and {} more", target.folder, there.size() - most_places));
      }
      for (const auto& [of, text] : target.remarks) {
        if (of == &rule) add(fmt::format("{}  not exactly: {}", target.folder, text));
      }
    }
    if (!unseen.empty()) line(6, "not seen", "by " + list_of(unseen));
    if (!not_built_.empty()) line(6, "rendered", "not known: " + not_built_);
    if (answer_.targets.empty() && not_built_.empty()) {
      line(6, "rendered", "nowhere: the policy has no `target`");
    }
  }

  void beaten(const flow::Part& part) {
    if (part.beaten.empty()) return;
    const bool denied = part.reason == flow::Reason::deny;
    std::vector<std::string> names;
    for (const flow::Flow* flow : part.beaten) names.push_back(flow->rule->address);
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    line(4, denied ? "although" : "despite", list_of(names));
  }

  const ClusterAnswer& answer_;
  const std::string& not_built_;
  const SourceMap& sources_;
  const flow::Naming& naming_;
  std::string out_;
};

std::string headline(const ClusterAnswer& answer) {
  const std::string direct = to_string(verdict(answer.asked.answer));
  if (answer.through_proxy.empty()) return direct;
  const bool through =
      std::all_of(answer.through_proxy.begin(), answer.through_proxy.end(),
                  [](const Asked& leg) { return verdict(leg.answer) == Verdict::allowed; });
  return fmt::format("{} directly, {} through the proxy", direct,
                     through ? "allowed" : "not wholly allowed");
}

}  // namespace

Verdict verdict(const flow::Answer& answer) {
  if (answer.parts.empty()) return Verdict::impossible;
  const auto allowed = std::count_if(answer.parts.begin(), answer.parts.end(),
                                     [](const flow::Part& part) { return part.allowed(); });
  if (allowed == 0) return Verdict::denied;
  return static_cast<std::size_t>(allowed) == answer.parts.size() ? Verdict::allowed
                                                                  : Verdict::partly;
}

std::string to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::allowed: return "allowed";
    case Verdict::partly: return "partly allowed";
    case Verdict::denied: return "denied";
    case Verdict::impossible: break;
  }
  return "impossible";
}

std::string to_string(const net::Box& box, const flow::Naming& naming) {
  return fmt::format("{} -> {} on {}", naming.text(box.from), naming.text(box.to),
                     net::to_string(box.service));
}

std::string why_text(const WhyReport& report, const SourceMap& sources) {
  std::string out;
  for (const ClusterAnswer& answer : report.clusters) {
    if (!out.empty()) out += "\n";
    const std::string& name = answer.cluster->name;
    if (!answer.missing.empty()) {
      out += fmt::format("cluster {}: no answer, {}\n", name, answer.missing);
      continue;
    }
    out += fmt::format("cluster {}: {}\n", name, headline(answer));
    out += TextWriter(answer, report.not_built, sources).write();
  }
  return out;
}

}  // namespace hcipol::report
