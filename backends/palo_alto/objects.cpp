// Sets become objects named after the policy; what has no name there is named by what it holds.
#include "backends/palo_alto/objects.h"

#include <algorithm>
#include <optional>

#include "backends/common/names.h"
#include "backends/common/text.h"
#include "backends/palo_alto/names.h"
#include "support/text.h"

namespace hcipol::backends::palo_alto {

namespace {

using sema::NamedSet;

// A list in the policy is a list in the rule, up to this length.
constexpr std::size_t short_list = 4;

void sort_unique(Members& list) {
  std::sort(list.begin(), list.end());
  list.erase(std::unique(list.begin(), list.end()), list.end());
}

bool at_most(std::size_t count, const net::AddressRange& range) {
  const std::uint64_t low = range.last.low - range.first.low;
  const std::uint64_t borrow = range.last.low < range.first.low ? 1 : 0;
  return range.last.high - range.first.high == borrow && low < count;
}

/// In the order of patterns(), which copies them.
std::vector<const net::DomainPattern*> patterns_of(const net::DomainSet& names) {
  std::vector<const net::DomainPattern*> out;
  for (const net::DomainSet::Entry& entry : names.entries()) {
    if (entry.included) out.push_back(&entry.pattern);
  }
  std::sort(out.begin(), out.end(), [](const auto* a, const auto* b) { return *a < *b; });
  return out;
}

// PAN-OS 10.0 schema, fqdn: `^[a-zA-Z0-9_]([a-zA-Z0-9._-])+[a-zA-Z0-9]$`.
bool is_fqdn(const std::string& name) {
  return name.size() >= 3 && name.size() <= 255 && name.back() != '_' && name.back() != '-' &&
         name.front() != '-';
}

}  // namespace

bool has_names_by_url(const NamedSet& set) {
  const auto entries = set.set.names.entries();
  return std::any_of(entries.begin(), entries.end(), [](const net::DomainSet::Entry& entry) {
    return entry.included && entry.pattern.wildcard;
  });
}

net::DomainSet names_by_url(const NamedSet& set) {
  std::vector<net::DomainPattern> out;
  for (const net::DomainPattern& pattern : set.set.names.patterns()) {
    if (!pattern.wildcard) continue;
    out.push_back(pattern);
    out.push_back({pattern.name, false});
  }
  return net::DomainSet::of(std::move(out)) & set.set.names;
}

Objects::Objects(const flow::DevicePolicy& device, const Settings& settings,
                 const std::vector<const NamedSet*>& sets, Document& document)
    : settings_(settings),
      document_(document),
      cloud_(device.cluster->cloud),
      cluster_(plain_text(device.cluster->name, 100)),
      names_(sets, "hci-" + cluster_key(device.cluster->name) + "-") {}

const Endpoint& Objects::endpoint(const NamedSet& set, NamesBy by) {
  // Without wildcards there is no category.
  if (by == NamesBy::url && !has_names_by_url(set)) by = NamesBy::address;
  const auto [known, fresh] = endpoints_[by == NamesBy::url].try_emplace(&set);
  if (fresh) make(set, by, known->second);
  return known->second;
}

const Endpoint* Objects::stand_in(const NamedSet& set) {
  const bool by_tag = set.addresses.empty();
  const bool fetch = by_tag && !set.tag.empty() && !settings_.edl_url.empty();
  const net::AddressSet& addresses = by_tag ? set.tag_addresses : set.addresses;
  if (addresses.empty() && !fetch) return nullptr;
  const auto [known, fresh] = stand_ins_.try_emplace(&set);
  Endpoint& out = known->second;
  if (!fresh) return &out;
  if (fetch) {
    this->fetch(set.tag, out);
    return &out;
  }
  // The hash keeps it apart from a set that the policy itself calls `x-addresses`.
  out.members = grouped(set, address_objects(addresses, 1),
                        "-addresses-" + content_hash(set.name, 6), by_tag);
  out.where = whereabouts(settings_, addresses, false);
  return &out;
}

void Objects::report_clashes(EmitContext& context) {
  // Addresses, groups and lists share one space of names.
  for (const auto& [name, group] : document_.address_groups) {
    const auto address = document_.addresses.find(name);
    if (address != document_.addresses.end()) {
      clashes_.push_back({address->second.words(), group.words(), name});
    }
    const auto list = document_.external_lists.find(name);
    if (list != document_.external_lists.end()) {
      clashes_.push_back({list->second.words(), group.words(), name});
    }
  }
  for (const Clash& clash : clashes_) {
    context.reporter().report<Diag::name_clash>(context.place(nullptr), clash.one, clash.other,
                                                clash.name, backend_title);
  }
}

void Objects::make(const NamedSet& set, NamesBy by, Endpoint& out) {
  const bool by_tag = set.is_tag_only();
  if (by_tag && !settings_.edl_url.empty()) return fetch(set.tag, out);
  if (by_tag && set.tag_addresses.empty()) {
    out.missing_tag = set.tag;
    return;
  }
  const net::AddressSet& addresses = by_tag ? set.tag_addresses : set.set.addresses;
  const net::DomainSet& names = set.set.names;
  if (!by_tag && !names.is_all() && !names.is_union()) {
    out.fault = fmt::format("`{}`: names with exceptions ({})", set.name, net::to_string(names));
    return;
  }
  out.where = whereabouts(settings_, addresses, set.has_names());
  if (addresses == all_addresses_) {
    out.any = true;
    return;
  }
  // Tags are published as prefixes.
  out.members = address_objects(addresses, by_tag ? 1 : hosts_apart(set.kind));
  std::string suffix;
  if (set.has_names()) {
    const std::size_t hosts = add_names(set, by, out);
    // The hash keeps it apart from a set that the policy itself calls `x-addresses`.
    if (by == NamesBy::url && hosts > 0) suffix = "-addresses-" + content_hash("\n" + set.name, 6);
  }
  out.members = grouped(set, std::move(out.members), suffix, by_tag);
  if (out.members.empty() && out.category.empty() && out.fault.empty()) {
    out.fault = fmt::format("`{}`: every host name without any address", set.name);
  }
}

// The slash ends the host: without it the entry also matches `x.example.com.evil.example`.
std::size_t Objects::add_names(const NamedSet& set, NamesBy by, Endpoint& out) {
  const net::DomainSet below = has_names_by_url(set) ? names_by_url(set) : net::DomainSet();
  std::vector<std::string> entries;
  std::size_t hosts = 0;
  for (const net::DomainPattern* each : patterns_of(set.set.names)) {
    const net::DomainPattern& pattern = *each;
    if (!below.empty()) entries.push_back(net::to_string(pattern) + "/");
    // `*.example.com/` does not match example.com, so a policy that means both says both.
    if (pattern.wildcard || (!below.empty() && below.contains(pattern.name))) continue;
    ++hosts;
    if (by == NamesBy::url) continue;
    if (!is_fqdn(pattern.name)) {
      out.fault = fmt::format("the host name `{}`", pattern.name);
      return hosts;
    }
    std::string name;
    put(name, object_prefix, "fqdn-", pattern.name);
    // Lower case matters: PAN-OS release notes, fixed in 10.2.10-h12.
    out.members.push_back(define(document_.addresses, shortened(std::move(name), name_limit),
                                 Address{Address::Kind::fqdn, pattern.name}));
    out.hosts.push_back(pattern.name);
  }
  if (entries.empty()) return hosts;
  for (const std::string& entry : entries) {
    if (entry.size() <= url_entry_limit) continue;
    out.fault = fmt::format("`{}`, which is longer than {} characters", entry, url_entry_limit);
    return hosts;
  }
  out.category = category(set, std::move(entries));
  return hosts;
}

std::string_view Objects::category(const NamedSet& set, std::vector<std::string> entries) {
  std::sort(entries.begin(), entries.end());
  std::string name;
  if (set.kind != NamedSet::Kind::literal) {
    name = category_name(names_.of(set));
  } else if (entries.size() == 1) {
    name = object_name("url-" + entries[0].substr(2, entries[0].size() - 3), short_name_limit);
  } else {
    std::string content;
    for (const std::string& entry : entries) content += entry + "\n";
    name = object_name("url-" + content_hash(content, 12));
  }
  return define(document_.url_categories, std::move(name),
                UrlCategory{std::move(entries), title(set, category_description_limit)});
}

Members Objects::address_objects(const net::AddressSet& addresses, std::size_t hosts) {
  Members out;
  const auto add = [&](NamedAddress made) {
    out.push_back(define(document_.addresses, std::move(made.name), std::move(made.address)));
  };
  for (const net::AddressRange& range : addresses.ranges()) {
    if (!at_most(hosts, range)) {
      // One object says a range that would take several prefixes, in either family.
      add(named(range));
      continue;
    }
    for (std::optional<net::Address> at = range.first; at && *at <= range.last;
         at = net::next(*at)) {
      add(named(net::Cidr{*at, net::width(at->family)}));
    }
  }
  return out;
}

void Objects::fetch(const std::string& tag, Endpoint& out) {
  out.where = whereabouts(settings_, {}, true);
  if (slug(tag) != tag) {
    out.fault = fmt::format("the list of service tag `{}`: no URL holds its name as it is", tag);
    return;
  }
  std::vector<std::string_view> families{""};
  if (settings_.edl_url.find("{family}") != std::string::npos) families = {"ipv4", "ipv6"};
  for (const std::string_view family : families) {
    std::string url = settings_.edl_url;
    for (const auto& [hole, text] :
         {std::pair<std::string_view, std::string>{"{tag}", to_lower(tag)},
          {"{family}", std::string(family)},
          {"{cloud}", cloud_}}) {
      for (std::size_t at = 0; (at = url.find(hole, at)) != std::string::npos; at += text.size()) {
        url.replace(at, hole.size(), text);
      }
    }
    if (url.size() > list_url_limit) {
      out.fault = fmt::format("the list of service tag `{}`: its URL is longer than {} characters",
                              tag, list_url_limit);
      return;
    }
    std::string name = fmt::format("edl-{}-{}", cloud_, to_lower(tag));
    if (!family.empty()) name += fmt::format("-{}", family);
    out.members.push_back(define(document_.external_lists, object_name(name),
                                 ExternalList{std::move(url), settings_.edl_certificate_profile}));
  }
}

Members Objects::grouped(const NamedSet& set, Members members, std::string_view suffix,
                         bool always) {
  sort_unique(members);
  const std::size_t in_rule = set.kind == NamedSet::Kind::literal ? short_list : 1;
  if (members.size() <= in_rule && !always) return members;
  std::string name = names_.of(set);
  name += suffix;
  return {define(document_.address_groups, shortened(std::move(name), name_limit),
                 AddressGroup{std::move(members), title(set, object_description_limit)})};
}

// What is named by what it holds may be another cluster's as well.
std::string Objects::title(const NamedSet& set, std::size_t limit) const {
  std::string out = set.name;
  if (set.kind != NamedSet::Kind::literal) out += " of cluster " + cluster_;
  if (!set.title.empty()) out += ": " + set.title;
  return plain_text(out, limit);
}

}  // namespace hcipol::backends::palo_alto
