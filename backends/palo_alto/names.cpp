// Every name is a function of one thing alone, never of its place among others.
#include "backends/palo_alto/names.h"

#include <algorithm>

#include "backends/common/names.h"
#include "support/text.h"

namespace hcipol::backends::palo_alto {

namespace {

/// Of what tells the sets of one feature apart: "-https".
constexpr std::size_t longest_end = 9;

// Canonical text never holds `-`, so this is injective.
std::string without_colons(std::string text) {
  std::replace(text.begin(), text.end(), ':', '-');
  return text;
}

// Beside what one_line() takes out: U+061C turns the direction of text; U+FFFE and U+FFFF are not
// allowed in XML 1.0, and pugixml would let them through.
std::size_t unwanted_sequence(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
  };
  if (byte(0) == 0xd8 && byte(1) == 0x9c) return 2;
  return byte(0) == 0xef && byte(1) == 0xbf && byte(2) >= 0xbe ? 3 : 0;
}

}  // namespace

std::string name_of(const net::Cidr& cidr) {
  const bool host = cidr.length == net::width(cidr.network.family);
  std::string name = without_colons(net::to_string(cidr.network));
  if (host) return object_name("host-" + name);
  return object_name("net-" + name + "_" + std::to_string(cidr.length));
}

std::string name_of(const net::AddressRange& range) {
  const std::string first = without_colons(net::to_string(range.first));
  const std::string last = without_colons(net::to_string(range.last));
  // Two IPv6 addresses have dashes of their own.
  const char* between = range.first.family == net::Family::ipv4 ? "-" : "_";
  return object_name("range-" + first + between + last);
}

std::string object_name(std::string_view name, std::size_t limit) {
  return shortened(std::string(object_prefix) + std::string(name), limit);
}

std::string category_name(std::string_view name) {
  if (name.size() <= short_name_limit) return std::string(name);
  std::string_view end = name.substr(name.size() - longest_end);
  const std::size_t word = end.find('-');
  if (word != std::string_view::npos && word + 1 < end.size()) end.remove_prefix(word + 1);
  const std::string hash = "-" + content_hash(name, 6) + "-";
  std::string out(name.substr(0, short_name_limit - hash.size() - end.size()));
  while (out.ends_with('-') || out.ends_with('.')) out.pop_back();
  return out + hash + std::string(end);
}

std::string cluster_key(std::string_view cluster) {
  std::string key = slug(cluster);
  if (key != cluster) key += (key.empty() ? "" : "-") + content_hash(cluster, 6);
  // Half of a name must be left for the rule or the set.
  return shortened(key, short_name_limit);
}

std::string plain_text(std::string_view text, std::size_t bytes) {
  if (text.size() <= bytes && printable_ascii_but<>(text)) return std::string(trim(text));
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = unwanted_sequence(text.substr(at));
    if (length == 0) out += text[at];
    at += std::max<std::size_t>(1, length);
  }
  return std::string(trim(one_line(out, bytes)));
}

}  // namespace hcipol::backends::palo_alto
