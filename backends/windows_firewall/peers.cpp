// Merging the addresses of a union first keeps Windows' lists free of overlaps and short.
#include "backends/windows_firewall/peers.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "backends/common/names.h"
#include "backends/common/stand_ins.h"
#include "backends/windows_firewall/rule_texts.h"
#include "support/sha256.h"

namespace hcipol::backends::windows_firewall {

namespace {

// Lists up to this many characters stand in the rule itself, so that most rules can be read alone.
constexpr std::size_t longest_inline = 70;

// Windows refuses `::` and `::1` in lists ([MS-FASP]: HRESULT 0xD000000D in the field). No packet
// on a network has them (RFC 4291 2.5), and loopback traffic is never filtered, so leaving them out
// of a list changes nothing. `0.0.0.0` as the first address of a range is fine.
const net::AddressSet& refused() {
  static const net::AddressSet set(
      net::AddressRange{{net::Family::ipv6, 0, 0}, {net::Family::ipv6, 0, 1}});
  return set;
}

std::vector<std::string> texts(const net::AddressSet& set, Families families) {
  std::vector<std::string> out;
  for (const net::AddressRange& range : set.ranges()) {
    const Families family = range.first.family == net::Family::ipv4 ? v4 : v6;
    if ((families & family) != 0) out.push_back(net::to_string(range));
  }
  return out;
}

// Sorts and removes repetitions.
void tidy(std::vector<std::string>& texts) {
  std::sort(texts.begin(), texts.end());
  texts.erase(std::unique(texts.begin(), texts.end()), texts.end());
}

void append(std::vector<net::AddressRange>& out, const net::AddressSet& set) {
  const auto ranges = set.ranges();
  out.insert(out.end(), ranges.begin(), ranges.end());
}

Families families_of(const net::AddressSet& set) {
  return (set.has(net::Family::ipv4) ? v4 : 0) | (set.has(net::Family::ipv6) ? v6 : 0);
}

}  // namespace

Peers& PeerBook::peers(const Union& sets, bool remote_of_outbound) {
  const auto [place, fresh] = peers_[remote_of_outbound].try_emplace(sets);
  if (fresh) resolve(place->second, sets, remote_of_outbound);
  return place->second;
}

void PeerBook::resolve(Peers& peers, const Union& sets, bool remote_of_outbound) {
  Parts parts;
  for (const flow::NamedSet* set : sets) {
    if (!peers.name.empty()) peers.name += ", ";
    peers.name += set->name;
    add(parts, *set, remote_of_outbound);
  }
  peers.shown = shown_peers(peers.name);
  if (parts.by_name != nullptr) set_names(peers, parts);
  set_addresses(peers, parts);
}

void PeerBook::set_names(Peers& peers, Parts& parts) {
  peers.by_name = std::move(parts.by_name);
  ByName& by = *peers.by_name;
  for (auto* list : {&by.tags, &by.names, &by.unmatched, &by.widened, &by.widened_by,
                     &by.missing_tags, &by.inexpressible, &by.excepted}) {
    tidy(*list);
  }
  const auto before = [](const TagKeyword& a, const TagKeyword& b) { return a.tag < b.tag; };
  const auto same = [](const TagKeyword& a, const TagKeyword& b) { return a.tag == b.tag; };
  std::sort(by.keywords.begin(), by.keywords.end(), before);
  by.keywords.erase(std::unique(by.keywords.begin(), by.keywords.end(), same), by.keywords.end());
  by.lost = net::union_of(parts.lost).names;
  by.fixed = net::AddressSet::of(parts.fixed);
  by.in_keywords = net::AddressSet::of(std::move(parts.in_keywords));
  by.keyword_families = families_of(by.in_keywords);
}

void PeerBook::set_addresses(Peers& peers, Parts& parts) {
  std::vector<net::AddressRange>& all = parts.fixed;
  all.insert(all.end(), parts.of_tags.begin(), parts.of_tags.end());
  peers.addresses = net::AddressSet::of(std::move(all));
  if (peers.addresses.has_whole(net::Family::ipv4)) peers.whole |= v4;
  if (peers.addresses.has_whole(net::Family::ipv6)) peers.whole |= v6;
  // A set that is all of IPv6 becomes `Any`, so nothing has to be left out of it.
  if ((peers.whole & v6) == 0 && peers.addresses.intersects(refused())) {
    peers.addresses = peers.addresses - refused();
  }
  peers.families = families_of(peers.addresses);
}

void PeerBook::add(Parts& parts, const flow::NamedSet& set, bool remote_of_outbound) {
  append(parts.fixed, set.set.addresses);
  const bool tag_only = set.is_tag_only();
  if (!tag_only && (set.set.names.empty() || set.set.names.is_all())) return;
  if (parts.by_name == nullptr) parts.by_name = std::make_unique<ByName>();
  ByName& by = *parts.by_name;
  if (!tag_only) {
    add_names(by, parts, set, remote_of_outbound);
  } else if (!set.tag_addresses.empty()) {
    // The tag's addresses are what such an endpoint means: nothing is widened.
    add_tag_addresses(by, parts, set, remote_of_outbound);
  } else if (mode_ == NameMode::report) {
    by.unmatched.push_back(fmt::format("service tag {}", set.tag));
    parts.lost.push_back(&set.set);
  } else {
    by.missing_tags.push_back(set.tag);
  }
}

void PeerBook::add_names(ByName& by, Parts& parts, const flow::NamedSet& set,
                         bool remote_of_outbound) {
  if (!set.set.names.is_union()) {
    auto& list = set.set.names.others() ? by.excepted : by.inexpressible;
    list.push_back(net::to_string(set.set.names));
    return;
  }
  if (mode_ == NameMode::dynamic_keywords && remote_of_outbound) {
    for (const auto& pattern : set.set.names.patterns()) {
      by.names.push_back(net::to_string(pattern));
    }
    return;
  }
  parts.lost.push_back(&set.set);
  if (!set.addresses.empty()) {
    append(parts.fixed, set.addresses);
    by.widened.push_back(
        fmt::format("the endpoint's addresses stand for the host names of `{}`", set.name));
    for (std::string& text : stand_ins(set)) by.widened_by.push_back(std::move(text));
  } else if (mode_ == NameMode::service_tags && !set.tag.empty()) {
    add_tag(by, parts, set, remote_of_outbound);
  } else {
    for (const auto& pattern : set.set.names.patterns()) {
      by.unmatched.push_back(net::to_string(pattern));
    }
    by.has_tag = by.has_tag || !set.tag.empty();
  }
}

void PeerBook::add_tag(ByName& by, Parts& parts, const flow::NamedSet& set,
                       bool remote_of_outbound) {
  if (set.tag_addresses.empty()) {
    by.missing_tags.push_back(set.tag);
    return;
  }
  add_tag_addresses(by, parts, set, remote_of_outbound);
  by.widened.push_back(fmt::format(
      "all addresses of service tag {} stand for the host names of `{}`", set.tag, set.name));
  for (std::string& text : stand_ins(set)) by.widened_by.push_back(std::move(text));
}

void PeerBook::add_tag_addresses(ByName& by, Parts& parts, const flow::NamedSet& set,
                                 bool remote_of_outbound) {
  if (tag_mode_ == TagMode::addresses || !remote_of_outbound) {
    append(parts.of_tags, set.tag_addresses);
    by.tags.push_back(set.tag);
    return;
  }
  const net::AddressSet addresses = set.tag_addresses - refused();
  append(parts.in_keywords, addresses);
  by.keywords.push_back({set.tag, &list(set.tag, "tag " + set.tag, texts(addresses, both))});
}

void PeerBook::make_lists(Peers& peers, Families families) {
  const ByName* by = peers.by_name.get();
  const bool tagged = by != nullptr && !by->tags.empty();
  std::vector<std::string> entries = texts(peers.addresses, families);
  for (std::size_t at = 0; at < entries.size(); at += longest_list) {
    const auto begin = std::next(entries.begin(), static_cast<std::ptrdiff_t>(at));
    const std::size_t count = std::min(longest_list, entries.size() - at);
    // A new service tag file must not give every rule that has a tag another name.
    std::string identity;
    if (tagged) {
      identity = fmt::format("tags {}\n{}\n{}\n{}", fmt::join(by->tags, " "),
                             net::to_string(by->fixed), families, at / longest_list);
    }
    AddressList& made =
        list(peers.name, identity, {begin, std::next(begin, static_cast<std::ptrdiff_t>(count))});
    // A list that a new file changes cannot be told by its addresses.
    if (entries.size() > longest_list) {
      made.place = !tagged ? fmt::format(", addresses from {} on", *begin)
                           : fmt::format(", addresses {}-{}", at + 1, at + longest_list);
    }
    peers.lists[families].push_back(&made);
  }
}

AddressList& PeerBook::list(std::string_view name, std::string_view identity,
                            std::vector<std::string> entries) {
  std::string joined;
  for (const std::string& entry : entries) {
    if (!joined.empty()) joined += "', '";
    joined += entry;
  }
  std::string hash = content_hash(identity.empty() ? joined : identity, 16);
  std::string key;
  if (joined.size() > longest_inline || !identity.empty()) {
    key = fmt::format("{}-{}", shortened(slug(name), 60), hash.substr(0, 8));
  }
  return lists_.emplace_back(AddressList{std::move(entries), std::move(key), std::move(hash), {}});
}

std::string keyword_id(std::string_view group, std::string_view name) {
  std::string hex = sha256_hex(fmt::format("hcipolc dynamic keyword\n{}\n{}", group, name));
  // RFC 9562 5.8: version 8 is the one for names hashed with something else than MD5 or SHA-1.
  hex[12] = '8';
  hex[16] = "89ab"[(hex[16] >= 'a' ? hex[16] - 'a' + 10 : hex[16] - '0') & 3];
  const std::string_view digits = hex;
  return fmt::format("{{{}-{}-{}-{}-{}}}", digits.substr(0, 8), digits.substr(8, 4),
                     digits.substr(12, 4), digits.substr(16, 4), digits.substr(20, 12));
}

}  // namespace hcipol::backends::windows_firewall
