// Whatever is not understood is an error at its place: a name that is passed over would be blocked.
#include "backends/common/gateway/lockfile.h"

#include <fmt/format.h>

#include <algorithm>

#include "support/text.h"

namespace hcipol::backends::gateway {

namespace {

constexpr std::string_view date_word = "date";

/// A word with where it begins in the text.
struct Word {
  std::string_view text;
  std::uint32_t at = 0;
};

class LockfileReader {
 public:
  LockfileReader(const policy::OptionText& file, Date today, long days, Reporter& reporter)
      : file_(file), today_(today), days_(days), reporter_(reporter) {
    out_.path = file.path;
    out_.file = file.file;
  }

  std::optional<LockedNames> read() {
    for (std::size_t at = 0; at < file_.text.size();) {
      const std::size_t end = std::min(file_.text.find('\n', at), file_.text.size());
      line(file_.text.substr(at, end - at), static_cast<std::uint32_t>(at));
      at = end + 1;
    }
    if (!dated_ && ok_) fail({file_.text.substr(0, 0), 0}, "it has no line `date YYYY-MM-DD`");
    if (!ok_) return std::nullopt;
    return std::move(out_);
  }

 private:
  Span span(const Word& word) const {
    return {file_.file, word.at, word.at + static_cast<std::uint32_t>(word.text.size())};
  }
  void fail(const Word& word, std::string_view what) {
    ok_ = false;
    reporter_.report<Diag::bad_lockfile>(span(word), one_line(file_.path, 120), what);
  }

  void line(std::string_view text, std::uint32_t at) {
    if (text.ends_with('\r'))
      return fail({text, at}, "its lines end with CR LF, not with LF alone");
    if (text.empty() || text.front() == '#') return;
    std::vector<Word> words;
    for (std::size_t begin = 0; begin <= text.size();) {
      const std::size_t end = std::min(text.find(' ', begin), text.size());
      words.push_back({text.substr(begin, end - begin), at + static_cast<std::uint32_t>(begin)});
      begin = end + 1;
    }
    for (const Word& word : words) {
      if (word.text.empty()) return fail({text, at}, "words stand between single blanks");
    }
    if (!dated_) return date(words);
    name(words);
  }

  void date(const std::vector<Word>& words) {
    dated_ = true;
    const auto day = words.size() == 2 ? parse_date(words[1].text) : std::nullopt;
    if (words[0].text != date_word || !day) {
      return fail(words[0], "its first line is `date YYYY-MM-DD`, the day of the look-ups");
    }
    out_.date = *day;
    const auto age = (today_ - *day).count();
    if (age < 0) return fail(words[1], "its date is after the day of this build");
    if (age <= days_) return;
    ok_ = false;
    reporter_.report<Diag::old_lockfile>(span(words[1]), one_line(file_.path, 120), age, days_)
        .help("look the names up again, or allow more with `lockfile_age`");
  }

  void name(const std::vector<Word>& words) {
    const auto pattern = net::parse_pattern(words[0].text);
    if (!pattern) {
      return fail(words[0], fmt::format("`{}` is no host name", one_line(words[0].text, 80)));
    }
    if (words.size() == 1) {
      return fail(words[0], fmt::format("`{}` has no address", net::to_string(*pattern)));
    }
    const auto [place, fresh] = out_.addresses.try_emplace(*pattern);
    if (!fresh) return fail(words[0], fmt::format("`{}` stands twice", net::to_string(*pattern)));
    std::vector<net::AddressRange> ranges;
    for (std::size_t i = 1; i < words.size(); ++i) {
      const auto cidr = net::parse_cidr(words[i].text);
      if (!cidr) {
        fail(words[i], fmt::format("`{}` is no address or prefix", one_line(words[i].text, 80)));
        continue;
      }
      if (cidr->length == 0) {
        fail(words[i], "every address of a family is what nobody looked up");
        continue;
      }
      ranges.push_back({cidr->network, net::last_of(cidr->network, cidr->length)});
    }
    place->second = net::AddressSet::of(std::move(ranges));
  }

  const policy::OptionText& file_;
  Date today_;
  long days_;
  Reporter& reporter_;
  LockedNames out_;
  bool dated_ = false;
  bool ok_ = true;
};

}  // namespace

std::vector<net::DomainPattern> LockedNames::sharers(const net::AddressSet& those,
                                                     const net::DomainSet& names) const {
  std::vector<net::DomainPattern> out;
  for (const auto& [pattern, own] : addresses) {
    if (own.intersects(those) && !names.contains(net::DomainSet(pattern))) out.push_back(pattern);
  }
  return out;
}

std::optional<LockedNames> read_lockfile(const policy::OptionText& file, Date today, long days,
                                         Reporter& reporter) {
  return LockfileReader(file, today, days, reporter).read();
}

}  // namespace hcipol::backends::gateway
