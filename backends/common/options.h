// Typed access to the options of a target block; sema has checked their types.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sema/option.h"

namespace hcipol::backends {

std::string text_option(const sema::Options& options, std::string_view name,
                        std::string_view otherwise = {});
bool flag_option(const sema::Options& options, std::string_view name, bool otherwise);
std::int64_t number_option(const sema::Options& options, std::string_view name,
                           std::int64_t otherwise);
std::chrono::seconds duration_option(const sema::Options& options, std::string_view name,
                                     std::chrono::seconds otherwise);
std::vector<std::string> list_option(const sema::Options& options, std::string_view name);
/// A map(address), sorted by key.
std::vector<std::pair<std::string, sema::Peers>> peers_option(const sema::Options& options,
                                                              std::string_view name);
/// Where the option's value stands, or `otherwise` when it is not set.
Span option_span(const sema::Options& options, std::string_view name, Span otherwise);

}  // namespace hcipol::backends
