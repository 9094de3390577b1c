// Every name is a function of one thing alone, never of its place among others.
#include "backends/palo_alto/names.h"

#include <algorithm>
#include <utility>

#include "backends/common/names.h"
#include "backends/common/text.h"
#include "support/text.h"

namespace hcipol::backends::palo_alto {

namespace {

/// Of what tells the sets of one feature apart: "-https".
constexpr std::size_t longest_end = 9;

// Canonical text never holds `-`, so this is injective.
void replace_colons(std::string& text) {
  std::replace(text.begin(), text.end(), ':', '-');
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

NamedAddress named(const net::Cidr& cidr) {
  const bool host = cidr.length == net::width(cidr.network.family);
  std::string text = net::to_string(cidr.network);
  std::string name;
  put(name, object_prefix, host ? "host-" : "net-", text);
  if (!host) put(name, "_", decimal(cidr.length));
  replace_colons(name);
  put(text, "/", decimal(cidr.length));
  return {shortened(std::move(name), name_limit), {Address::Kind::netmask, std::move(text)}};
}

NamedAddress named(const net::AddressRange& range) {
  if (const auto prefix = net::as_prefix(range)) return named(*prefix);
  const std::string first = net::to_string(range.first);
  const std::string last = net::to_string(range.last);
  std::string name;
  // Two IPv6 addresses have dashes of their own.
  put(name, object_prefix, "range-", first, range.first.family == net::Family::ipv4 ? "-" : "_",
      last);
  replace_colons(name);
  return {shortened(std::move(name), name_limit), {Address::Kind::range, first + "-" + last}};
}

std::string object_name(std::string_view name, std::size_t limit) {
  std::string out;
  put(out, object_prefix, name);
  return shortened(std::move(out), limit);
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
  return shortened(std::move(key), short_name_limit);
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

std::string plain_text(std::string&& text, std::size_t bytes) {
  const bool stays = text.size() <= bytes && printable_ascii_but<>(text) && trim(text) == text;
  return stays ? std::move(text) : plain_text(std::string_view(text), bytes);
}

}  // namespace hcipol::backends::palo_alto
