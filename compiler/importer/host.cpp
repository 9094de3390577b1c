// Addresses as lists print them, and their faults.
#include "importer/host.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "net/domain_set.h"
#include "support/text.h"

namespace hcipol::importer {

namespace {

constexpr std::string_view openers = "<[{(";
constexpr std::string_view closers = ">]})";
constexpr std::string_view separators = " \t\r\n,;";

bool is_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == text.npos;
}

/// Hosts that a document spells wrong, and what its other editions and Microsoft's own code have.
struct Misprint {
  std::string_view printed;
  std::string_view right;
};

// Az.StackHCI (azure-powershell, src/StackHCI) registers with the second; see E04 of
// stdlib/hci/errata.md.
constexpr std::array misprints{
    Misprint{"dp.azurestackchi.azure.us", "dp.azurestackhci.azure.us"},
};

bool is_placeholder(std::string_view host) {
  if (host.find_first_of("<>[]{}()%") != host.npos) return true;
  const auto labels = split(host, '.');
  return std::any_of(labels.begin(), labels.end(),
                     [](std::string_view label) { return label.starts_with("your"); });
}

// The pattern of all names below the last label with a `*`.
std::string below_glob(std::string_view host) {
  const std::size_t dot = host.find('.', host.rfind('*'));
  return "*" + std::string(dot == host.npos ? "" : host.substr(dot));
}

// What a mend makes of a name must not be all of a top-level domain: nobody means that.
bool names_a_domain(std::string_view wildcard) {
  return std::count(wildcard.begin(), wildcard.end(), '.') > 1;
}

/// Takes an address apart, from the left to the right.
class HostReader {
 public:
  HostReader(const Cell& address, bool widen_globs, Findings& findings)
      : address_(address), widen_globs_(widen_globs), findings_(findings) {}

  std::optional<Host> read() {
    Cell rest = address_;
    if (const std::size_t at = rest.text.find("://"); at != std::string::npos) {
      host_.scheme = to_lower(rest.text.substr(0, at));
      if (host_.scheme != "http" && host_.scheme != "https") {
        return refuse<Diag::list_contradiction>(
            rest.part(0, at),
            fmt::format("`{}` is neither http nor https", shown(rest.part(0, at))));
      }
      rest = rest.part(at + 3);
    }
    if (const std::size_t at = rest.text.find_first_of("/?#"); at != std::string::npos) {
      path_ = rest.part(at);
      rest = rest.part(0, at);
    }
    if (!take_port(rest)) return std::nullopt;
    if (rest.text.empty() || is_digits(rest.text)) {
      return refuse<Diag::list_no_host>(address_, fmt::format(": `{}`", shown(address_)));
    }
    host_.name = to_lower(rest.text);
    if (!settle(rest)) return std::nullopt;
    tell_path();
    return host_;
  }

 private:
  static std::string shown(const Cell& cell) { return one_line(cell.text, 120); }

  template <Diag D, class... Args>
  std::nullopt_t refuse(const Cell& at, const Args&... args) {
    findings_.refuse<D>(address_.span(), at.span(), args...);
    return std::nullopt;
  }

  bool take_port(Cell& rest) {
    const std::size_t at = rest.text.rfind(':');
    if (at == std::string::npos) return true;
    const Cell digits = rest.part(at + 1);
    std::uint16_t port = 0;
    const char* end = digits.text.data() + digits.text.size();
    const auto [stop, error] = std::from_chars(digits.text.data(), end, port);
    if (error != std::errc() || stop != end || port == 0) {
      refuse<Diag::list_bad_port>(rest.part(at), shown(digits), "it is no number from 1 to 65535");
      return false;
    }
    host_.port = port;
    rest = rest.part(0, at);
    return true;
  }

  bool settle(const Cell& host) {
    if (is_placeholder(host_.name)) {
      findings_.refuse<Diag::list_placeholder>(address_.span(), host.span(), shown(host))
          .help("put the name of your own in its place");
      return false;
    }
    if (host_.name.starts_with('.')) {
      if (!names_a_domain("*" + host_.name)) {
        refuse<Diag::bad_domain>(host, shown(host), "nothing but a top-level domain is left of it");
        return false;
      }
      change("*" + host_.name);
      findings_.report<Diag::list_leading_dot>(host.span(), shown(host), host_.name);
    }
    const auto fault = net::pattern_fault(host_.name);
    if (!fault) return correct(host);
    const std::string wider = below_glob(host_.name);
    if (host_.name.find('*') == std::string::npos || net::pattern_fault(wider) ||
        !names_a_domain(wider)) {
      refuse<Diag::bad_domain>(host, shown(host), *fault);
      return false;
    }
    if (!widen_globs_) {
      findings_.refuse<Diag::list_glob>(address_.span(), host.span(), shown(host))
          .help(fmt::format("`--widen-globs` opens `{}` in its place", wider));
      return false;
    }
    change(wider);
    findings_.report<Diag::list_wider>(host.span(), host_.name, shown(host));
    return true;
  }

  bool correct(const Cell& host) {
    for (const Misprint& misprint : misprints) {
      if (host_.name != misprint.printed) continue;
      change(std::string(misprint.right));
      findings_.report<Diag::list_misprint>(host.span(), shown(host), host_.name);
    }
    return true;
  }

  // Devices decide by host. All paths, or the first of them, are the host.
  void tell_path() {
    if (!path_ || path_->text == "/" || path_->text == "/*") return;
    host_.printed = shown(address_);
    findings_.report<Diag::list_wider>(path_->span(), host_.name, shown(address_))
        .here("no device of ours decides by this");
  }

  void change(std::string name) {
    host_.printed = shown(address_);
    host_.name = std::move(name);
  }

  const Cell& address_;
  bool widen_globs_;
  Findings& findings_;
  Host host_;
  std::optional<Cell> path_;
};

}  // namespace

bool looks_like_address(std::string_view word) {
  if (word.starts_with('(')) return false;
  if (word.find("://") != word.npos || word.find('*') != word.npos) return true;
  const std::size_t dot = word.rfind('.');
  return dot != word.npos && dot + 1 < word.size();
}

std::vector<Word> words_of(const Cell& cell) {
  std::vector<Word> out;
  const std::string_view text = cell.text;
  std::size_t first = 0;  // where a run of text began
  for (std::size_t at = text.find_first_not_of(separators); at < text.size();) {
    std::size_t stop = at;
    while (stop < text.size() && separators.find(text[stop]) == separators.npos) {
      // Placeholders are short; what is far away closes something else.
      constexpr std::size_t longest = 100;
      const std::size_t bracket = openers.find(text[stop]);
      const std::size_t closer =
          bracket == openers.npos ? text.npos : text.substr(stop, longest).find(closers[bracket]);
      stop += closer == text.npos ? 1 : closer + 1;
    }
    Word word{Word::Kind::text, cell.part(at, stop - at)};
    if (is_digits(word.cell.text)) {
      word.kind = Word::Kind::number;
    } else if (looks_like_address(word.cell.text)) {
      word.kind = Word::Kind::address;
    }
    if (word.kind == Word::Kind::text && !out.empty() && out.back().kind == Word::Kind::text) {
      out.back().cell = cell.part(first, stop - first);
    } else {
      first = at;
      out.push_back(std::move(word));
    }
    at = text.find_first_not_of(separators, stop);
  }
  return out;
}

std::optional<Host> read_host(const Cell& address, bool widen_globs, Findings& findings) {
  return HostReader(address, widen_globs, findings).read();
}

}  // namespace hcipol::importer
