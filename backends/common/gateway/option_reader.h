// Options of a target that are words: what is none of them is an error at its place.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "backends/backend.h"
#include "backends/common/options.h"

namespace hcipol::backends::gateway {

class OptionReader {
 public:
  OptionReader(const sema::Options& options, EmitContext& context)
      : options_(options), context_(context) {}

  /// "`value` is not valid for `option`: why" (E0611).
  void bad(std::string_view option, std::string_view value, std::string_view why) {
    const Span span = option_span(options_, option, context_.place(nullptr));
    context_.reporter().report<Diag::bad_option>(span, value, option, why);
  }

  /// What the option's word means; the first one without the option, `otherwise` after a report.
  template <class T>
  T one_of(std::string_view option, std::initializer_list<std::pair<std::string_view, T>> words,
           std::string_view why, T otherwise) {
    const std::string value = text_option(options_, option, words.begin()->first);
    for (const auto& [word, meaning] : words) {
      if (word == value) return meaning;
    }
    bad(option, value, why);
    return otherwise;
  }

 private:
  const sema::Options& options_;
  EmitContext& context_;
};

}  // namespace hcipol::backends::gateway
