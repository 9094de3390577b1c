// What a row means: its hosts, each with the row's services, cloud and notes.
#include "importer/endpoints.h"

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>

#include "importer/host.h"
#include "importer/service.h"
#include "support/text.h"

namespace hcipol::importer {

namespace {

constexpr std::size_t longest_comment = 1000;  // bytes
constexpr std::size_t longest_title = 200;

std::optional<std::string> cloud_called(std::string_view name) {
  static const std::map<std::string, std::string, std::less<>> clouds{
      {"azure public", "public"}, {"azure gov", "usgov"},   {"azure government", "usgov"},
      {"azure us gov", "usgov"},  {"azure china", "china"},
  };
  const auto found = clouds.find(to_lower(trim(name)));
  return found == clouds.end() ? std::nullopt : std::optional(found->second);
}

/// "(Azure Public, Azure Gov) For …" → public and usgov; nothing if that is not how it begins.
std::set<std::string> clouds_in(std::string_view text) {
  text = trim(text);
  const std::size_t close = text.find(')');
  if (!text.starts_with('(') || close == text.npos) return {};
  std::set<std::string> out;
  for (const std::string_view name : split(text.substr(1, close - 1), ',')) {
    const auto cloud = cloud_called(name);
    if (!cloud) return {};
    out.insert(*cloud);
  }
  return out;
}

class EndpointReader {
 public:
  EndpointReader(bool widen_globs, Findings& findings)
      : widen_globs_(widen_globs), findings_(findings) {}

  void read(const List& list) {
    std::size_t with_scheme = 0;
    for (const Row& row : list.rows) with_scheme += names_scheme(row) ? 1 : 0;
    schemes_are_custom_ = 2 * with_scheme > list.rows.size();
    assumed_ = 0;
    for (const Row& row : list.rows) {
      if (repeats_header(row)) {
        findings_.report<Diag::list_repeated>(row.span, "the header");
      } else {
        read(row);
      }
    }
    if (assumed_ == 0) return;
    findings_
        .report<Diag::list_no_scheme>(first_assumed_, "this address has neither scheme nor port",
                                      "tcp/443")
        .note(fmt::format("this is so for {} in this list of {}",
                          counted(assumed_, "address", "addresses"),
                          counted(list.rows.size(), "row")));
  }

  std::vector<Endpoint> take() { return std::move(endpoints_); }

 private:
  using Key = std::tuple<std::string, std::set<std::string>, std::string>;
  struct Known {
    net::ServiceSet service;
    Span first;
  };

  static bool names_scheme(const Row& row) {
    return std::any_of(row.fields.begin(), row.fields.end(), [](const Field& field) {
      return field.column == Column::protocol ||
             (field.column == Column::host && field.value.text.find("://") != std::string::npos);
    });
  }

  void read(const Row& row) {
    std::vector<Cell> addresses, numbers;
    about_ = about(row);
    const bool has_ports = row.has(Column::port);
    for (const Field& field : row.fields) {
      if (field.column != Column::host) continue;
      const Cell cell = without_blanks(field.value, findings_);
      std::vector<Word> words = words_of(cell);
      const bool any = std::any_of(words.begin(), words.end(), [](const Word& word) {
        return word.kind == Word::Kind::address;
      });
      if (!any) {
        const Span at = cell.text.empty() ? row.span : cell.span();
        const std::string text = one_line(cell.text, 120);
        findings_.refuse<Diag::list_no_host>(row.span, at,
                                             text.empty() ? "" : fmt::format(": `{}`", text));
        continue;
      }
      const std::size_t before = addresses.size();
      for (Word& word : words) {
        if (word.kind == Word::Kind::address) {
          addresses.push_back(std::move(word.cell));
        } else if (word.kind == Word::Kind::number && !has_ports) {
          numbers.push_back(std::move(word.cell));
        } else {
          beside(word.cell);
        }
      }
      if (addresses.size() - before < 2) continue;
      const Span first = addresses[before].span();
      findings_.report<Diag::list_several>({first.file, first.begin, addresses.back().end},
                                           addresses.size() - before);
    }
    if (addresses.empty()) return;
    const auto ports = read_ports(row, numbers, findings_);
    if (!ports) return;
    for (const Cell& address : addresses) read(row, address, *ports);
  }

  // What the row says for people, and for which clouds.
  Endpoint about(const Row& row) const {
    Endpoint out;
    std::vector<std::string> comments;
    for (const Field& field : row.fields) {
      const std::string text = collapsed(field.value.text);
      if (text.empty()) continue;
      if (field.column == Column::group) {
        out.group += (out.group.empty() ? "" : ", ") + one_line(text, longest_title);
      } else if (field.column == Column::note) {
        out.clouds.merge(clouds_in(text));
        comments.push_back(text);
      } else if (field.column == Column::other) {
        comments.push_back(collapsed(field.heading) + ": " + text);
      }
    }
    for (const std::string& comment : comments) {
      out.comment += (out.comment.empty() ? "" : " · ") + comment;
    }
    return out;
  }

  void beside(const Cell& text) {
    auto report = findings_.report<Diag::list_text>(text.span(), one_line(text.text, 120));
    const auto clouds = clouds_in(text.text);
    if (clouds.empty()) return;
    const std::vector<std::string> names(clouds.begin(), clouds.end());
    report.note(fmt::format("the row is for the cloud {}, as it says", list_of(names)));
    about_.clouds.insert(clouds.begin(), clouds.end());
  }

  void read(const Row& row, const Cell& address, const Ports& ports) {
    const auto host = read_host(address, widen_globs_, findings_);
    if (!host) return;
    const auto service = service_of(*host, ports, address, findings_);
    if (!service) return;
    if (service->assumed && !schemes_are_custom_) {
      if (assumed_++ == 0) first_assumed_ = address.span();
    } else if (schemes_are_custom_ && host->scheme.empty() && !row.has(Column::protocol)) {
      findings_.report<Diag::list_no_scheme>(address.span(),
                                             "this address has no scheme, as the others here have",
                                             to_string(service->set));
    }
    add(address, *host, service->set);
  }

  void add(const Cell& address, const Host& host, const net::ServiceSet& service) {
    Known& known = known_[{about_.group, about_.clouds, host.name}];
    if (known.service.empty()) known.first = address.span();
    if (known.service.contains(service)) {
      findings_
          .report<Diag::list_repeated>(address.span(),
                                       fmt::format("`{}` on {}", host.name, to_string(service)))
          .label(known.first, "the first");
      return;
    }
    Endpoint endpoint = about_;
    endpoint.host = host.name;
    endpoint.service = service - known.service;
    known.service = known.service | service;
    if (!host.printed.empty()) {
      endpoint.comment = fmt::format("The list says {}.{}{}", host.printed,
                                     endpoint.comment.empty() ? "" : " ", endpoint.comment);
    }
    endpoint.comment = one_line(endpoint.comment, longest_comment);
    endpoints_.push_back(std::move(endpoint));
  }

  bool widen_globs_;
  Findings& findings_;
  std::vector<Endpoint> endpoints_;
  std::map<Key, Known> known_;
  Endpoint about_;  ///< what the hosts of a row have in common
  bool schemes_are_custom_ = false;
  std::size_t assumed_ = 0;
  Span first_assumed_;
};

}  // namespace

std::vector<Endpoint> endpoints_of(const std::vector<List>& lists, bool widen_globs,
                                   Findings& findings) {
  EndpointReader reader(widen_globs, findings);
  for (const List& list : lists) reader.read(list);
  return reader.take();
}

}  // namespace hcipol::importer
