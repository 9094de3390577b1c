// Shortening must stay injective in practice: two long names that share a beginning differ in hash.
#include "backends/common/names.h"

#include <array>
#include <utility>

#include "support/sha256.h"

namespace hcipol::backends {

namespace {

// By character. Names are made for every rule on every device, so a table decides.
constexpr std::array<bool, 256> stays_in_slug = [] {
  std::array<bool, 256> out{};
  for (char c = 'a'; c <= 'z'; ++c) out[static_cast<unsigned char>(c)] = true;
  for (char c = 'A'; c <= 'Z'; ++c) out[static_cast<unsigned char>(c)] = true;
  for (char c = '0'; c <= '9'; ++c) out[static_cast<unsigned char>(c)] = true;
  out['.'] = out['_'] = true;
  return out;
}();

}  // namespace

std::string slug(std::string_view text) {
  std::string out;
  append_slug(out, text);
  return out;
}

void append_slug(std::string& out, std::string_view text) {
  const std::size_t before = out.size();
  out.resize(before + text.size());
  char* const begin = out.data() + before;
  char* end = begin;
  for (const char c : text) {
    if (stays_in_slug[static_cast<unsigned char>(c)]) {
      *end++ = c;
    } else if (end != begin && end[-1] != '-') {
      *end++ = '-';
    }
  }
  if (end != begin && end[-1] == '-') --end;
  out.resize(before + static_cast<std::size_t>(end - begin));
}

std::string content_hash(std::string_view text, std::size_t digits) {
  return sha256_hex(text, digits);
}

std::string shortened(std::string name, std::size_t limit) {
  if (name.size() <= limit) return name;
  const std::string hash = content_hash(name, 6);
  name.resize(limit - 7);
  while (name.ends_with('-') || name.ends_with('.')) name.pop_back();
  return name + "-" + hash;
}

bool begin_alike(std::string_view one, std::string_view other, std::string_view joints) {
  if (one.size() > other.size()) std::swap(one, other);
  if (!other.starts_with(one)) return false;
  return one.size() == other.size() || joints.find(other[one.size()]) != std::string_view::npos;
}

}  // namespace hcipol::backends
