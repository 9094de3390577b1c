// Shortening must stay injective in practice: two long names that share a beginning differ in hash.
#include "backends/common/names.h"

#include <algorithm>

#include "support/sha256.h"

namespace hcipol::backends {

namespace {

bool plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '-';
}

}  // namespace

bool printable_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
}

std::string slug(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (plain(c) && c != '-') {
      out += c;
    } else if (!out.empty() && out.back() != '-') {
      out += '-';
    }
  }
  while (out.ends_with('-')) out.pop_back();
  return out;
}

std::string content_hash(std::string_view text, std::size_t digits) {
  return sha256_hex(text, digits);
}

std::string shortened(std::string_view name, std::size_t limit) {
  if (name.size() <= limit) return std::string(name);
  std::string out(name.substr(0, limit - 7));
  while (out.ends_with('-') || out.ends_with('.')) out.pop_back();
  return out + "-" + content_hash(name, 6);
}

}  // namespace hcipol::backends
