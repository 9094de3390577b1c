// Calendar days in UTC. Times of day have no place in a policy.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hcipol {

using Date = std::chrono::sys_days;

/// `2022-09-30`, years 1970 … 9999; nothing for anything else, 2022-02-30 included.
std::optional<Date> parse_date(std::string_view text);
std::string to_string(Date date);

/// The day of `seconds` since 1970-01-01T00:00Z, as in SOURCE_DATE_EPOCH; nothing unless `text` is
/// a whole number of seconds within the years that parse_date takes.
std::optional<Date> parse_epoch(std::string_view text);

Date today();

}  // namespace hcipol
