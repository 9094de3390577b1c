// One function per kind of literal; each says exactly what is wrong with it.
#include "sema/literals.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <limits>

#include "support/text.h"

namespace hcipol::sema {

namespace {

template <class T>
std::optional<T> digits(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || text.front() == '-') return std::nullopt;
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// Why a text that the grammar takes for an IPv4 address is none.
std::string ipv4_fault(std::string_view text) {
  const auto octets = split(text, '.');
  if (octets.size() != 4)
    return fmt::format("it has {}, an IPv4 address has 4", counted(octets.size(), "number"));
  for (const std::string_view octet : octets) {
    const auto value = digits<std::uint64_t>(octet);
    if (!value || *value > 255) return fmt::format("an octet is at most 255, not {}", octet);
    if (octet.size() > 1 && octet.front() == '0') {
      return fmt::format("`{}` starts with a zero, which some read as octal", octet);
    }
  }
  return "an octet is a number from 0 to 255";
}

std::string address_fault(std::string_view text) {
  if (text.find(':') == std::string_view::npos) return ipv4_fault(text);
  return "an IPv6 address has eight groups of up to four hexadecimal digits, `::` at most once";
}

std::optional<net::Address> single(std::string_view text, std::string_view whole, Span span,
                                   Reporter& reporter) {
  const auto address = net::parse_address(text);
  if (!address) reporter.report<Diag::bad_address>(span, whole, address_fault(text));
  return address;
}

constexpr std::array<std::string_view, 5> protocols{"tcp", "udp", "icmp", "icmpv6", "ip"};

std::string port_noun(std::string_view protocol) {
  if (protocol == "icmp" || protocol == "icmpv6") return "a type";
  return protocol == "ip" ? "a protocol number" : "a port";
}

unsigned highest(std::string_view protocol) {
  return protocol == "tcp" || protocol == "udp" ? 65535 : 255;
}

net::ServiceSet service_of(std::string_view protocol, unsigned first, unsigned last) {
  if (protocol == "ip") {
    net::ServiceSet set;
    for (unsigned number = first; number <= last; ++number) {
      set = set | net::ServiceSet::whole(static_cast<std::uint8_t>(number));
    }
    return set;
  }
  const std::uint8_t number = *net::protocol_number(protocol);
  if (net::has_ports(number)) {
    return net::ServiceSet::ports(number, static_cast<std::uint16_t>(first),
                                  static_cast<std::uint16_t>(last));
  }
  net::ServiceSet set;
  for (unsigned type = first; type <= last; ++type) {
    set = set | net::ServiceSet::icmp_type(number, static_cast<std::uint8_t>(type));
  }
  return set;
}

bool known_protocol(std::string_view text, std::string_view protocol, Span span,
                    Reporter& reporter) {
  for (const std::string_view known : protocols) {
    if (known == protocol) return true;
  }
  const std::vector<std::string> names(protocols.begin(), protocols.end());
  reporter.report<Diag::bad_service>(span, text, fmt::format("there is no protocol `{}`", protocol))
      .suggest(did_you_mean(protocol, names));
  return false;
}

}  // namespace

std::optional<net::AddressSet> read_address(std::string_view text, Span span, Reporter& reporter) {
  const std::size_t slash = text.find('/');
  const auto address = single(text.substr(0, slash), text, span, reporter);
  if (!address) return std::nullopt;
  if (slash == std::string_view::npos) return net::AddressSet(*address);

  const unsigned width = net::width(address->family);
  const auto length = digits<unsigned>(text.substr(slash + 1));
  if (!length || *length > width) {
    const std::string_view family = width == 32 ? "IPv4" : "IPv6";
    reporter.report<Diag::bad_address>(
        span, text, fmt::format("an {} prefix is at most {} bits long", family, width));
    return std::nullopt;
  }
  const net::Cidr cidr{net::first_of(*address, *length), *length};
  if (cidr.network != *address) {
    reporter.report<Diag::host_bits>(span, text)
        .help(fmt::format("write `{}` for the whole network or `{}` for the one address",
                          net::to_string(cidr), net::to_string(*address)));
    return std::nullopt;
  }
  return net::AddressSet(cidr);
}

std::optional<net::AddressSet> read_address_range(std::string_view text, Span span,
                                                  Reporter& reporter) {
  const std::size_t dash = text.find('-');
  const auto first = single(text.substr(0, dash), text, span, reporter);
  const auto last = single(text.substr(dash + 1), text, span, reporter);
  if (!first || !last) return std::nullopt;
  if (*last < *first) {
    reporter.report<Diag::reversed_range>(span, text)
        .fix(span, fmt::format("{}-{}", text.substr(dash + 1), text.substr(0, dash)));
    return std::nullopt;
  }
  return net::AddressSet(net::AddressRange{*first, *last});
}

std::optional<net::ServiceSet> read_service(std::string_view text, Span span, Reporter& reporter) {
  const std::size_t slash = text.find('/');
  const std::string_view protocol = text.substr(0, slash);
  const std::string_view detail = text.substr(slash + 1);
  if (!known_protocol(text, protocol, span, reporter)) return std::nullopt;

  if (detail == "any") {
    if (protocol != "ip") return net::ServiceSet::whole(*net::protocol_number(protocol));
    reporter.report<Diag::bad_service>(span, text, "every protocol is written `any`");
    return std::nullopt;
  }
  const std::size_t dash = detail.find('-');
  const auto first = digits<unsigned>(detail.substr(0, dash));
  const auto last =
      dash == std::string_view::npos ? first : digits<unsigned>(detail.substr(dash + 1));
  const auto number = [](std::string_view part) {
    return !part.empty() && part.find_first_not_of("0123456789") == std::string_view::npos;
  };
  if (!number(detail.substr(0, dash)) ||
      (dash != std::string_view::npos && !number(detail.substr(dash + 1)))) {
    reporter.report<Diag::bad_service>(
        span, text, fmt::format("{} is a number, a range of two, or `any`", port_noun(protocol)));
    return std::nullopt;
  }
  if (!first || !last || *first > highest(protocol) || *last > highest(protocol)) {
    reporter.report<Diag::bad_service>(
        span, text, fmt::format("{} is at most {}", port_noun(protocol), highest(protocol)));
    return std::nullopt;
  }
  if (*last < *first) {
    reporter.report<Diag::reversed_range>(span, text)
        .fix(span, fmt::format("{}/{}-{}", protocol, *last, *first));
    return std::nullopt;
  }
  if (*first == 0 && highest(protocol) == 65535) {
    reporter.report<Diag::bad_service>(span, text, "port 0 cannot be connected to")
        .help(fmt::format("write `{}/any` for every port", protocol));
    return std::nullopt;
  }
  return service_of(protocol, *first, *last);
}

std::optional<Date> read_date(std::string_view text, Span span, Reporter& reporter) {
  const auto date = parse_date(text);
  const bool form = text.size() == 10 && text[4] == '-' && text[7] == '-';
  if (!date) {
    reporter.report<Diag::bad_date>(span, text,
                                    form ? "no calendar from 1970 to 9999 has this day"
                                         : "a date is written year-month-day: 2022-09-01");
  }
  return date;
}

std::optional<Duration> read_duration(std::string_view text, Span span, Reporter& reporter) {
  const std::size_t letters = text.find_first_not_of("0123456789");
  if (letters == 0 || letters + 1 != text.size()) {
    reporter.report<Diag::bad_duration>(span, text,
                                        "a duration is a number and one of s, m, h, d, w, y: 30d");
    return std::nullopt;
  }
  const auto number = digits<std::int64_t>(text.substr(0, letters));
  std::int64_t unit = 1;
  switch (text.back()) {
    case 'm': unit = 60; break;
    case 'h': unit = 3600; break;
    case 'd': unit = 86400; break;
    case 'w': unit = 7 * 86400; break;
    case 'y': unit = 365 * 86400; break;
    default: break;
  }
  constexpr std::int64_t century = std::int64_t{100} * 365 * 86400;
  if (!number || *number > century / unit) {
    reporter.report<Diag::bad_duration>(span, text, "it is longer than a hundred years");
    return std::nullopt;
  }
  return Duration(*number * unit);
}

std::optional<std::int64_t> read_number(std::string_view text, Span span, Reporter& reporter) {
  const auto number = digits<std::int64_t>(text);
  if (!number) reporter.report<Diag::number_too_large>(span);
  return number;
}

std::optional<std::string_view> literal_in_quotes(std::string_view text) {
  Reporter silent;
  const auto only = [&](std::string_view allowed) {
    return text.find_first_not_of(allowed) == std::string_view::npos;
  };
  if (text.size() < 2 || text.size() > 90) return std::nullopt;
  const std::size_t dash = text.find('-');
  const bool dotted = text.find('.') != std::string_view::npos;
  if (text.find(':') != std::string_view::npos || dotted) {
    if (only("0123456789abcdefABCDEF.:/") && net::parse_address(text.substr(0, text.find('/')))) {
      return "an address";
    }
    if (dash != std::string_view::npos && net::parse_address(text.substr(0, dash)) &&
        net::parse_address(text.substr(dash + 1))) {
      return "an address range";
    }
  }
  if (parse_date(text)) return "a date";
  const std::size_t slash = text.find('/');
  if (slash != std::string_view::npos && read_service(text, {}, silent)) return "a service";
  return std::nullopt;
}

}  // namespace hcipol::sema
