// The words of a line for iptables-restore.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace hcipol::backends::iptables {

/// The words of a line, one after the other; quotes as iptables-restore 1.8.9 reads them: only `"`,
/// within which `\` takes the next character as it is.
class QuotedWords {
 public:
  explicit QuotedWords(std::string_view line) : rest_(line) {}

  bool empty() const { return rest_.empty(); }
  /// A quoted word comes without its quotes and with its backslashes; nothing at the end or where
  /// no word can be.
  std::optional<std::string_view> next() {
    if (rest_.empty()) return std::nullopt;
    if (rest_.front() == '"') return next_quoted();
    std::size_t end = 0;
    for (; end < rest_.size() && rest_[end] != ' '; ++end) {
      if (rest_[end] == '"' || rest_[end] == '\t') return std::nullopt;
    }
    if (end == 0) return std::nullopt;
    return step(rest_.substr(0, end), end);
  }

 private:
  std::optional<std::string_view> next_quoted() {
    std::size_t at = 1;
    while (at < rest_.size() && rest_[at] != '"') at += rest_[at] == '\\' ? 2 : 1;
    if (at >= rest_.size()) return std::nullopt;
    return step(rest_.substr(1, at - 1), at + 1);
  }
  std::optional<std::string_view> step(std::string_view word, std::size_t size) {
    rest_.remove_prefix(size);
    if (!rest_.empty()) {
      if (rest_.front() != ' ' || rest_.size() == 1) return std::nullopt;
      rest_.remove_prefix(1);
    }
    return word;
  }

  std::string_view rest_;
};

/// The bytes of a quoted word without its backslashes.
inline std::size_t unquoted_size(std::string_view text) {
  std::size_t size = text.size();
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '\\') continue;
    --size;
    ++at;
  }
  return size;
}

}  // namespace hcipol::backends::iptables
