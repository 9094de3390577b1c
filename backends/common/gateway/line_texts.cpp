// Lines of one rule say the same, wherever they stand.
#include "backends/common/gateway/line_texts.h"

#include <fmt/format.h>

#include <algorithm>
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
  std::vector<SourceMapEntry> out;
  out.reserve(lines.size());
  std::unordered_map<std::string_view, std::vector<const policy::Rule*>> rules(lines.size());
  for (const auto& [id, rule] : lines) {
    auto& own = rules[id];
    if (rule->carries.empty()) {
      own.push_back(rule);
    } else {
      own.insert(own.end(), rule->carries.begin(), rule->carries.end());
    }
  }
  for (const auto& [id, rule] : lines) {
    auto& own = rules[id];  // none is left once the id has been said
    std::sort(own.begin(), own.end(),
              [](const policy::Rule* a, const policy::Rule* b) { return a->address < b->address; });
    own.erase(std::unique(own.begin(), own.end()), own.end());
    for (const policy::Rule* one : own) out.push_back({id, one});
    own.clear();
  }
  return out;
}

}  // namespace hcipol::backends::gateway
