// Lines of one rule say the same, wherever they stand.
#include "backends/common/gateway/line_texts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <utility>

#include "backends/common/names.h"
#include "backends/common/text.h"
#include "support/date.h"
#include "support/text.h"

namespace hcipol::backends::gateway {

namespace {

/// Where a text ends too early, it says so.
std::string cut_at_word(std::string text, std::size_t bytes) {
  constexpr std::string_view more = " ...";
  if (text.size() <= bytes && printable_ascii_but<>(text)) return text;
  std::string out = readable(text, text.size());
  if (out.size() <= bytes) return out;
  out = readable(out, bytes - more.size() + 1);
  // A word that is as long as all the rest is cut.
  const std::size_t blank = out.rfind(' ');
  const bool cut = blank == std::string::npos || blank < bytes / 2;
  return readable(out, cut ? bytes - more.size() : blank) + std::string(more);
}

}  // namespace

std::string comment_of(const policy::Rule& rule, std::size_t bytes) {
  std::string text = rule.address;
  if (rule.kind == policy::Rule::Kind::exception) {
    text += fmt::format(" (exception, {}, until {}: {})", rule.owner,
                        rule.expires ? to_string(*rule.expires) : "?", rule.reason);
  }
  const std::string& name = rule.title.empty() ? rule.origin.feature_title : rule.title;
  if (!name.empty()) text += ": " + name;
  const std::string& source = rule.origin.source;
  // The beginning of an address is no address.
  if (!source.empty() && text.size() + source.size() + 3 <= bytes) text += " [" + source + "]";
  return cut_at_word(std::move(text), bytes);
}

std::string log_prefix(const policy::Rule& rule, const Settings& settings, std::size_t bytes) {
  const bool denied = rule.kind == policy::Rule::Kind::deny;
  const std::string before = settings.base + (denied ? " denied " : " allowed ");
  return readable(before + shortened(rule.address, bytes - before.size()), bytes);
}

LineTexts::LineTexts(const flow::DevicePolicy& device, const Settings& settings,
                     const TextLimits& limits, std::deque<std::string>& words)
    : settings_(settings), limits_(limits), words_(words), first_(device.flows.data()) {
  whole_.reserve(device.flows.size());
  for (const flow::Flow& flow : device.flows) {
    whole_.push_back(flow.rule->carries.empty() ? made(*flow.rule) : LineText());
  }
}

LineText LineTexts::made(const policy::Rule& rule) {
  LineText text{&rule, &words_.emplace_back(comment_of(rule, limits_.comment)), nullptr};
  if (rule.log) {
    text.log_prefix = &words_.emplace_back(log_prefix(rule, settings_, limits_.log_prefix));
  }
  return text;
}

LineText& LineTexts::of(const policy::Rule& rule) {
  const auto [place, fresh] = of_parts_.try_emplace(&rule);
  if (fresh) place->second = made(rule);
  return place->second;
}

std::vector<SourceMapEntry> traces_of(std::vector<SourceMapEntry> lines) {
  if (lines.size() == 1 && lines.front().rule->carries.empty()) return lines;
  // A rule, and which of the ids it is of, by the place where that came first.
  using Trace = std::pair<std::size_t, const policy::Rule*>;
  std::vector<Trace> traces;
  traces.reserve(lines.size());
  std::unordered_map<std::string_view, std::size_t> ids(lines.size());
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::size_t id = ids.emplace(lines[i].id, i).first->second;
    const auto& [text, rule] = lines[i];
    if (rule->carries.empty()) traces.emplace_back(id, rule);
    for (const policy::Rule* carried : rule->carries) traces.emplace_back(id, carried);
  }
  // Mostly every line has its own id and rule.
  if (traces.size() == lines.size() && ids.size() == lines.size()) {
    for (std::size_t i = 0; i < lines.size(); ++i) lines[i].rule = traces[i].second;
    return lines;
  }
  std::sort(traces.begin(), traces.end(), [](const Trace& a, const Trace& b) {
    return a.first != b.first ? a.first < b.first : a.second->address < b.second->address;
  });
  traces.erase(std::unique(traces.begin(), traces.end()), traces.end());
  std::vector<SourceMapEntry> out;
  out.reserve(traces.size());
  for (const auto& [id, rule] : traces) out.push_back({lines[id].id, rule});
  return out;
}

}  // namespace hcipol::backends::gateway
