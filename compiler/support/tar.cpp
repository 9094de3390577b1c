// Our own, because libarchive would bring a dozen shared libraries to every start of the program,
// and git writes only a small part of what it reads. Format: POSIX.1-2001, pax and ustar.
#include "support/tar.h"

#include <fmt/format.h>

#include <charconv>

namespace hcipol {

namespace {

constexpr std::size_t block = 512;

class TarReader {
 public:
  TarReader(std::string_view bytes, std::string& error) : bytes_(bytes), error_(error) {}

  std::optional<TarArchive> read() {
    while (at_ + block <= bytes_.size()) {
      const std::string_view header = bytes_.substr(at_, block);
      if (header.find_first_not_of('\0') == std::string_view::npos) return std::move(archive_);
      if (!entry(header)) return std::nullopt;
    }
    fail("it ends too early");
    return std::nullopt;
  }

 private:
  bool fail(std::string why) {
    error_ = std::move(why);
    return false;
  }

  static std::string_view text(std::string_view field) { return field.substr(0, field.find('\0')); }

  // Digits in base 8, padded with blanks or zero bytes.
  static std::optional<std::size_t> octal(std::string_view field) {
    const std::size_t first = field.find_first_not_of(' ');
    if (first == std::string_view::npos) return std::nullopt;
    const std::size_t last = field.find_first_of(std::string_view(" \0", 2), first);
    const std::string_view digits = field.substr(first, last - first);
    std::size_t value = 0;
    const auto [end, code] =
        std::from_chars(digits.data(), digits.data() + digits.size(), value, 8);
    if (code != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
    return value;
  }

  static bool good_checksum(std::string_view header) {
    std::size_t sum = 0;
    for (std::size_t i = 0; i < block; ++i) {
      sum += i >= 148 && i < 156 ? ' ' : static_cast<unsigned char>(header[i]);
    }
    return octal(header.substr(148, 8)) == sum;
  }

  bool entry(std::string_view header) {
    if (!good_checksum(header)) return fail("a header has a wrong checksum");
    const auto size = octal(header.substr(124, 12));
    at_ += block;
    if (!size || *size > bytes_.size() - at_) return fail("a file is longer than the archive");
    const std::string_view data = bytes_.substr(at_, *size);
    at_ += (*size + block - 1) / block * block;
    const char type = header[156];
    if (type == 'x') return pax(data);
    if (type == 'g') {
      if (!pax(data)) return false;
      archive_.comment = records_["comment"];
      records_.clear();
      return true;
    }
    const std::string path = path_of(header);
    if (type == '0' || type == '\0') {
      archive_.files[path] = data;
    } else if (type == '2') {
      archive_.links[path] =
          records_.contains("linkpath") ? records_["linkpath"] : text(header.substr(157, 100));
    } else if (type != '5') {
      return fail(fmt::format("`{}` is no file", path));
    }
    records_.clear();
    return true;
  }

  std::string path_of(std::string_view header) const {
    if (const auto known = records_.find("path"); known != records_.end()) return known->second;
    const std::string_view name = text(header.substr(0, 100));
    const std::string_view prefix = text(header.substr(345, 155));
    return prefix.empty() ? std::string(name) : fmt::format("{}/{}", prefix, name);
  }

  // Records "LENGTH KEY=VALUE\n"; the length counts the whole record.
  bool pax(std::string_view data) {
    records_.clear();
    while (!data.empty()) {
      std::size_t length = 0;
      const auto [end, code] = std::from_chars(data.data(), data.data() + data.size(), length);
      const auto digits = static_cast<std::size_t>(end - data.data());
      if (code != std::errc() || length < digits + 2 || length > data.size()) {
        return fail("an extended header is damaged");
      }
      const std::string_view record = data.substr(digits + 1, length - digits - 2);
      const std::size_t equals = record.find('=');
      if (equals == std::string_view::npos) return fail("an extended header is damaged");
      records_.insert_or_assign(std::string(record.substr(0, equals)),
                                std::string(record.substr(equals + 1)));
      data.remove_prefix(length);
    }
    return true;
  }

  std::string_view bytes_;
  std::string& error_;
  std::size_t at_ = 0;
  std::map<std::string, std::string> records_;  ///< of the extended header, for the next entry
  TarArchive archive_;
};

}  // namespace

std::optional<TarArchive> read_tar(std::string_view bytes, std::string& error) {
  return TarReader(bytes, error).read();
}

}  // namespace hcipol
