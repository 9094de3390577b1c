// What lines of a device say of the rules that they stand for, and how they lead back to these.
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <unordered_map>
#include <vector>

#include "backends/common/gateway/settings.h"
#include "backends/common/rule_parts.h"

namespace hcipol::backends::gateway {

/// A comment that names the rule, what it is for and where that is written; for exceptions also who
/// answers for it, until when and why. One line of at most `bytes` bytes.
std::string comment_of(const policy::Rule& rule, std::size_t bytes);

/// "HCI-prod denied main/files.no-smb": what a log line begins with, in at most `bytes` bytes.
std::string log_prefix(const policy::Rule& rule, const Settings& settings, std::size_t bytes);

struct LineText {
  const policy::Rule* rule = nullptr;  ///< what the line stands for; it may carry others
  const std::string* comment = nullptr;
  const std::string* log_prefix = nullptr;  ///< null: it is not logged
  bool told = false;                        ///< whether it was asked for
};

/// Each in bytes.
struct TextLimits {
  std::size_t comment;
  std::size_t log_prefix;
};

/// The texts of the device's lines, each made once for all ways and families.
class LineTexts {
 public:
  /// `words` keeps the texts. The rules live as long as this.
  LineTexts(const flow::DevicePolicy& device, const Settings& settings, const TextLimits& limits,
            std::deque<std::string>& words);

  /// Of a line for a part of a flow of the device. `part()` gives the FlowPart: it is asked where
  /// the flow's rule carries others, and only there.
  template <class Part>
  const LineText& of(const flow::Flow& flow, const Part& part) {
    LineText& whole = whole_[static_cast<std::size_t>(&flow - first_)];
    LineText& text = whole.rule != nullptr ? whole : of(parts_.of(flow, part()));
    if (!text.told) told_.push_back(text.rule);
    text.told = true;
    return text;
  }
  /// The rules of all lines whose texts were asked for, in that order.
  const std::vector<const policy::Rule*>& told() const { return told_; }

 private:
  LineText& of(const policy::Rule& rule);
  LineText made(const policy::Rule& rule);

  const Settings& settings_;
  TextLimits limits_;
  std::deque<std::string>& words_;
  const flow::Flow* first_;
  std::vector<LineText> whole_;  ///< by flow; without a rule where that carries others
  std::unordered_map<const policy::Rule*, LineText> of_parts_;
  std::vector<const policy::Rule*> told_;
  RuleParts parts_;
};

/// Where lines of each id lead: to all rules that those stand for, each once, in order of address.
/// Ids come in the order in which they come first.
std::vector<SourceMapEntry> traces_of(std::vector<SourceMapEntry> lines);

}  // namespace hcipol::backends::gateway
