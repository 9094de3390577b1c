// Literals that the grammar takes leniently: checked, with a sentence for what is wrong.
#pragma once

#include <optional>

#include "diagnostics/reporter.h"
#include "net/address_set.h"
#include "net/service.h"
#include "sema/value.h"
#include "support/date.h"
#include "syntax/ast.h"

namespace hcipol::sema {

/// `10.0.0.1`, `10.0.0.0/28`, `fd00::/8`. Host bits are E0321 with both readings.
std::optional<net::AddressSet> read_address(std::string_view text, Span span, Reporter& reporter);
/// `10.0.0.10-10.0.0.20`.
std::optional<net::AddressSet> read_address_range(std::string_view text, Span span,
                                                  Reporter& reporter);
/// `tcp/445`, `tcp/5000-5099`, `udp/any`, `icmp/8`, `ip/47`.
std::optional<net::ServiceSet> read_service(std::string_view text, Span span, Reporter& reporter);
std::optional<Date> read_date(std::string_view text, Span span, Reporter& reporter);
/// `30d`, `12h`, `2w`, `90m`, `10s`; a year is 365 days.
std::optional<Duration> read_duration(std::string_view text, Span span, Reporter& reporter);
std::optional<std::int64_t> read_number(std::string_view text, Span span, Reporter& reporter);

/// What an unquoted literal of this text would be ("an address", "a service", "a date", "a
/// duration"), or nothing: for strings that should have had no quotes.
std::optional<std::string_view> literal_in_quotes(std::string_view text);

}  // namespace hcipol::sema
