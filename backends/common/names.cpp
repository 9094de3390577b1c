// Shortening must stay injective in practice: two long names that share a beginning differ in hash.
#include "backends/common/names.h"

#include "support/sha256.h"

namespace hcipol::backends {

namespace {

bool plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '-';
}

}  // namespace

std::string slug(std::string_view text) {
  std::string out;
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
  return sha256_hex(text).substr(0, digits);
}

std::string shortened(std::string_view name, std::size_t limit) {
  if (name.size() <= limit) return std::string(name);
  std::string out(name.substr(0, limit - 7));
  while (out.ends_with('-') || out.ends_with('.')) out.pop_back();
  return out + "-" + content_hash(name, 6);
}

}  // namespace hcipol::backends
