// Faults put into artefacts on purpose, the same in every run.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "backends/backend.h"

namespace hcipol::test {

/// An emission with one fault in it.
struct Mutant {
  std::string fault;                         ///< "lost port": its kind
  std::string place;                         ///< for people: the file and what was changed
  std::map<std::size_t, std::string> texts;  ///< by index: what files say instead
  std::optional<std::size_t> gone;           ///< a file that is not there at all
};
using Mutants = std::vector<Mutant>;

/// Changes one line of a file at a time.
class LineFaults {
 public:
  /// Of the lines, only those from the first that starts with `from`.
  LineFaults(const backends::Emission& emission, std::size_t artefact, Mutants& out,
             std::string_view from = "");

  /// `edit` gives the line that stands instead of one, or nothing where it cannot be applied; an
  /// empty one takes the line away. Of all places, `most` are taken, evenly spread.
  using Edit = std::function<std::optional<std::string>(const std::string& line)>;
  void each(std::string_view fault, const Edit& edit, std::size_t most = 5);
  /// The lines that `is` finds trade places with the next of them.
  void swap(std::string_view fault, const std::function<bool(const std::string&)>& is,
            std::size_t most = 3);
  /// Cut in the middle, without the last line, and without the last byte.
  void truncate();
  void missing();

 private:
  void add(std::string_view fault, std::string_view place, std::string text);

  std::size_t artefact_;
  std::string path_;
  std::vector<std::string> lines_;
  std::size_t first_ = 0;
  Mutants& out_;
};

/// A line with another text, or nothing.
using Changed = std::optional<std::string>;

/// `line` with the first match of a regular expression replaced, if there is one.
Changed by_regex(const std::string& line, const char* pattern, const char* with);
/// `text` with `from` replaced by `to` once, from `at` on; nothing if it is not there.
std::optional<std::string> replaced(const std::string& text, std::string_view from,
                                    std::string_view to);
/// The first prefix of a length above 1 in a text, one bit shorter and without host bits;
/// an address alone becomes a prefix of two.
std::optional<std::string> widened(const std::string& text);
/// The first "*.label.rest" loses its label; the first "label.rest" becomes "rest".
std::optional<std::string> without_label(const std::string& text);

/// In dnsmasq.conf, of the lines that give names to sets; each begins with `start`: "ipset=".
void faults_of_dnsmasq_names(LineFaults& faults, const std::string& start);
/// In dnsmasq-cache.conf.
void faults_of_dnsmasq_cache(LineFaults& faults);

/// At most `most` of `count` places, evenly spread.
std::vector<std::size_t> spread(std::size_t count, std::size_t most);

Mutants iptables_mutants(const backends::Emission& emission);
Mutants nftables_mutants(const backends::Emission& emission);
Mutants azure_mutants(const backends::Emission& emission);
Mutants nsg_mutants(const backends::Emission& emission);
Mutants palo_alto_mutants(const backends::Emission& emission);
Mutants windows_mutants(const backends::Emission& emission);

}  // namespace hcipol::test
