// Definitions that need themselves are found while they are read.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "sema/evaluator.h"

namespace hcipol::sema {

/// Marks a definition as being read; a second mark on the same one is a cycle, which is reported.
class Reading {
 public:
  Reading(Evaluator& evaluator, std::vector<std::pair<const void*, std::string>>& stack,
          const void* what, std::string name, Span used_at)
      : stack_(stack) {
    const auto begin = std::find_if(stack.begin(), stack.end(),
                                    [&](const auto& entry) { return entry.first == what; });
    if (begin != stack.end()) {
      std::vector<std::string> walk;
      for (auto at = begin; at != stack.end(); ++at) walk.push_back(at->second);
      walk.push_back(name);
      evaluator.reporter().report<Diag::definition_cycle>(
          used_at, fmt::format("{}", fmt::join(walk, " → ")));
      return;
    }
    good_ = true;
    stack_.emplace_back(what, std::move(name));
  }
  ~Reading() {
    if (good_) stack_.pop_back();
  }
  Reading(const Reading&) = delete;
  Reading& operator=(const Reading&) = delete;

  explicit operator bool() const { return good_; }

 private:
  std::vector<std::pair<const void*, std::string>>& stack_;
  bool good_ = false;
};

}  // namespace hcipol::sema
