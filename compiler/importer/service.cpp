// Ports are text in most lists, and schemes do not always agree with them.
#include "importer/service.h"

#include <algorithm>
#include <charconv>

#include "support/text.h"

namespace hcipol::importer {

namespace {

constexpr std::uint16_t http_port = 80;
constexpr std::uint16_t https_port = 443;
constexpr std::uint16_t ntp_port = 123;  // RFC 5905

std::optional<std::uint16_t> number(std::string_view text) {
  std::uint16_t value = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || at != end || value == 0) return std::nullopt;
  return value;
}

// "443" or "5000-5099".
std::optional<net::PortRange> range(std::string_view text) {
  const std::size_t dash = text.find('-');
  const auto first = number(text.substr(0, dash));
  const auto last = dash == text.npos ? first : number(text.substr(dash + 1));
  if (!first || !last || *first > *last) return std::nullopt;
  return net::PortRange{*first, *last};
}

net::ServiceSet services(std::uint8_t protocol, net::PortRange ports) {
  return net::ServiceSet::ports(protocol, ports.first, ports.last);
}

class ServiceReader {
 public:
  ServiceReader(const Row& row, Findings& findings) : row_(row), findings_(findings) {}

  std::optional<Ports> read(const std::vector<Cell>& words) {
    for (const Field& field : row_.fields) {
      if (field.column != Column::port && field.column != Column::protocol) continue;
      if (trim(field.value.text).empty()) continue;
      if (!ports_.place) ports_.place = field.value;
      if (!read_cell(without_blanks(field.value, findings_))) return std::nullopt;
    }
    for (const Cell& word : words) {
      if (!ports_.place) ports_.place = word;
      if (!read_word(word)) return std::nullopt;
    }
    if (ports_.protocols.contains("tcp") && ports_.protocols.contains("udp")) {
      return refuse(*ports_.place, "it says TCP and UDP and not which port is which");
    }
    return ports_;
  }

 private:
  bool read_cell(const Cell& cell) {
    constexpr std::string_view separators = " \t\r\n,;&()";
    for (std::size_t at = cell.text.find_first_not_of(separators); at < cell.text.size();) {
      const std::size_t stop = std::min(cell.text.find_first_of(separators, at), cell.text.size());
      if (!read_word(cell.part(at, stop - at))) return false;
      at = cell.text.find_first_not_of(separators, stop);
    }
    return true;
  }

  bool read_word(const Cell& cell) {
    const std::string word = to_lower(cell.text);
    if (word == "and" || word == "or") return true;
    if (word == "http" || word == "https" || word == "tcp" || word == "udp") {
      ports_.protocols.insert(word);
      return true;
    }
    const std::size_t slash = word.find('/');
    const auto ports = range(std::string_view(word).substr(slash == word.npos ? 0 : slash + 1));
    if (!ports) return refuse(cell, "ports are 443 or 5000-5099, from 1 to 65535").has_value();
    if (slash == word.npos) {
      ports_.ranges.push_back(*ports);
      return true;
    }
    const auto protocol = net::protocol_number(word.substr(0, slash));
    if (!protocol || !net::has_ports(*protocol)) {
      return refuse(cell, "only TCP and UDP have ports").has_value();
    }
    ports_.exact = ports_.exact | services(*protocol, *ports);
    return true;
  }

  std::optional<Ports> refuse(const Cell& cell, std::string_view why) {
    findings_.refuse<Diag::list_bad_port>(row_.span, cell.span(), one_line(cell.text, 80), why);
    return std::nullopt;
  }

  const Row& row_;
  Findings& findings_;
  Ports ports_;
};

/// Brings scheme and ports of one host together.
class Judge {
 public:
  Judge(const Host& host, const Ports& ports, const Cell& address, Findings& findings)
      : host_(host), ports_(ports), address_(address), findings_(findings) {
    for (const std::string& protocol : ports.protocols) {
      if (protocol.starts_with("http")) schemes_.insert(protocol);
    }
    disagree_ = !host.scheme.empty() && !schemes_.empty() && !schemes_.contains(host.scheme);
    if (!host.scheme.empty()) schemes_.insert(host.scheme);
  }

  std::optional<Service> judge() {
    if (disagree_) return contradict("its scheme is none of the row's protocols");
    net::ServiceSet set = of_the_row();
    if (host_.port) {
      const net::PortRange own{*host_.port, *host_.port};
      const net::ServiceSet here = ports_.said() ? set & (tcp(own) | udp(own)) : own_port(own);
      if (here.empty()) {
        return contradict(fmt::format("port {} in it is none of the row's ports", own.first));
      }
      set = here;
    }
    if (set.empty()) return by_scheme();
    if (only("http") && set == tcp({https_port, https_port})) {
      // A port in the address itself is meant; one in a column was put there for all rows.
      const bool own = host_.port.has_value();
      findings_.report<Diag::list_http_443>(
          address_.span(),
          own ? "the port stands in the address itself: tcp/443" : "the scheme decides: tcp/80");
      if (!own) set = tcp({http_port, http_port});
    }
    if (only("https") && set == tcp({http_port, http_port})) {
      return contradict("https does not use port 80");
    }
    return Service{set, false};
  }

 private:
  static net::ServiceSet tcp(net::PortRange ports) { return services(net::protocol::tcp, ports); }
  static net::ServiceSet udp(net::PortRange ports) { return services(net::protocol::udp, ports); }

  bool only(const std::string& scheme) const {
    return schemes_.size() == 1 && schemes_.contains(scheme);
  }

  net::ServiceSet of_the_row() {
    net::ServiceSet out = ports_.exact;
    for (const net::PortRange range : ports_.ranges) {
      out = out | with_protocol(range, *ports_.place);
    }
    return out;
  }

  net::ServiceSet own_port(net::PortRange port) { return with_protocol(port, address_); }

  net::ServiceSet with_protocol(net::PortRange range, const Cell& place) {
    if (ports_.protocols.contains("udp")) return udp(range);
    const bool time =
        schemes_.empty() && ports_.protocols.empty() && range == net::PortRange{ntp_port, ntp_port};
    if (!time) return tcp(range);
    findings_.report<Diag::list_udp>(place.span());
    return udp(range);
  }

  std::optional<Service> by_scheme() const {
    net::ServiceSet out;
    if (schemes_.contains("http")) out = out | tcp({http_port, http_port});
    if (schemes_.contains("https")) out = out | tcp({https_port, https_port});
    if (!schemes_.empty()) return Service{out, false};
    if (!ports_.protocols.empty()) return contradict("it has a protocol and no port");
    return Service{tcp({https_port, https_port}), true};
  }

  std::optional<Service> contradict(std::string_view why) const {
    findings_.refuse<Diag::list_contradiction>(address_.span(), address_.span(), why);
    return std::nullopt;
  }

  const Host& host_;
  const Ports& ports_;
  const Cell& address_;
  Findings& findings_;
  std::set<std::string> schemes_;
  bool disagree_ = false;
};

}  // namespace

std::optional<Ports> read_ports(const Row& row, const std::vector<Cell>& words,
                                Findings& findings) {
  return ServiceReader(row, findings).read(words);
}

std::optional<Service> service_of(const Host& host, const Ports& ports, const Cell& address,
                                  Findings& findings) {
  return Judge(host, ports, address, findings).judge();
}

}  // namespace hcipol::importer
