// Sets become objects named after the policy; what has no name there is named by what it holds.
#include "backends/palo_alto/objects.h"

#include <algorithm>
#include <optional>

#include "backends/common/names.h"
#include "backends/palo_alto/names.h"
#include "support/text.h"

namespace hcipol::backends::palo_alto {

namespace {

using sema::NamedSet;

// A list in the policy is a list in the rule, up to this length.
constexpr std::size_t short_list = 4;

void sort_unique(std::vector<std::string>& list) {
  std::sort(list.begin(), list.end());
  list.erase(std::unique(list.begin(), list.end()), list.end());
}

std::string content_of(const NamedSet& set) {
  return net::to_string(set.set.addresses) + "\n" + net::to_string(set.set.names) + "\n" + set.tag +
         "\n" + net::to_string(set.addresses);
}

// Sets of servers are lists of hosts even where their addresses happen to be neighbours, so that
// one more server is one more line.
// In other sets two neighbours are read as two hosts, too, rather than as a /31.
std::size_t hosts_apart(NamedSet::Kind kind) {
  const bool servers = kind == NamedSet::Kind::servers || kind == NamedSet::Kind::site ||
                       kind == NamedSet::Kind::node;
  return servers ? 16 : 2;
}

// Sets of one name and one content may share an object: `servers` and its copy for this device.
std::unordered_map<const NamedSet*, std::string> unique_names(
    const std::vector<const NamedSet*>& sets, const std::string& prefix) {
  std::map<std::string, std::vector<const NamedSet*>> wanted;
  for (const NamedSet* set : sets) wanted[to_lower(slug(set->name))].push_back(set);

  std::unordered_map<const NamedSet*, std::string> out;
  for (const auto& [key, owners] : wanted) {
    const NamedSet& one = *owners.front();
    const bool clash = std::any_of(owners.begin() + 1, owners.end(), [&](const NamedSet* set) {
      return set->name != one.name || content_of(*set) != content_of(one);
    });
    // The same addresses, listed in two ways, are two objects.
    const bool mixed = std::any_of(owners.begin() + 1, owners.end(), [&](const NamedSet* set) {
      return hosts_apart(set->kind) != hosts_apart(one.kind);
    });
    for (const NamedSet* set : owners) {
      std::string name = prefix + slug(set->name);
      if (clash || mixed || key.empty()) {
        std::string content = set->name + "\n" + content_of(*set);
        if (mixed && hosts_apart(set->kind) > 2) content += "\nhosts";
        name += "-" + content_hash(content, 6);
      }
      out.emplace(set, std::move(name));
    }
  }
  return out;
}

std::vector<net::Address> first_members(const net::AddressRange& range, std::size_t limit) {
  std::vector<net::Address> out;
  for (std::optional<net::Address> at = range.first; at && *at <= range.last; at = net::next(*at)) {
    if (out.size() == limit) break;
    out.push_back(*at);
  }
  return out;
}

// PAN-OS 10.0 schema, fqdn: `^[a-zA-Z0-9_]([a-zA-Z0-9._-])+[a-zA-Z0-9]$`.
bool is_fqdn(const std::string& name) {
  return name.size() >= 3 && name.size() <= 255 && name.back() != '_' && name.back() != '-' &&
         name.front() != '-';
}

}  // namespace

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
      prefix_("hci-" + cluster_key(device.cluster->name) + "-"),
      names_(unique_names(sets, prefix_)) {}

const Endpoint& Objects::endpoint(const NamedSet& set, NamesBy by) {
  // Without wildcards there is no category.
  if (by == NamesBy::url && names_by_url(set).empty()) by = NamesBy::address;
  auto& known = endpoints_[by == NamesBy::url];
  const auto found = known.find(&set);
  if (found != known.end()) return found->second;
  return known.emplace(&set, made(set, by)).first->second;
}

const Endpoint* Objects::stand_in(const NamedSet& set) {
  const bool by_tag = set.addresses.empty();
  const bool fetch = by_tag && !set.tag.empty() && !settings_.edl_url.empty();
  const net::AddressSet& addresses = by_tag ? set.tag_addresses : set.addresses;
  if (addresses.empty() && !fetch) return nullptr;
  const auto found = stand_ins_.find(&set);
  if (found != stand_ins_.end()) return &found->second;
  if (fetch) return &stand_ins_.emplace(&set, fetched(set.tag)).first->second;
  Endpoint out;
  // The hash keeps it apart from a set that the policy itself calls `x-addresses`.
  out.members = grouped(set, address_objects(addresses, 1),
                        "-addresses-" + content_hash(set.name, 6), by_tag);
  out.where = whereabouts(settings_, addresses, false);
  return &stand_ins_.emplace(&set, std::move(out)).first->second;
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

Endpoint Objects::made(const NamedSet& set, NamesBy by) {
  Endpoint out;
  const bool by_tag = set.is_tag_only();
  if (by_tag && !settings_.edl_url.empty()) return fetched(set.tag);
  if (by_tag && set.tag_addresses.empty()) {
    out.missing_tag = set.tag;
    return out;
  }
  const net::AddressSet& addresses = by_tag ? set.tag_addresses : set.set.addresses;
  const net::DomainSet& names = set.set.names;
  if (!by_tag && !names.is_all() && !names.is_union()) {
    out.fault = fmt::format("`{}`: names with exceptions ({})", set.name, net::to_string(names));
    return out;
  }
  out.where = whereabouts(settings_, addresses, set.has_names());
  if (addresses == net::AddressSet::all()) {
    out.any = true;
    return out;
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
  return out;
}

// The slash ends the host: without it the entry also matches `x.example.com.evil.example`.
std::size_t Objects::add_names(const NamedSet& set, NamesBy by, Endpoint& out) {
  const net::DomainSet below = names_by_url(set);
  std::vector<std::string> entries;
  std::size_t hosts = 0;
  for (const net::DomainPattern& pattern : set.set.names.patterns()) {
    if (!below.empty()) entries.push_back(net::to_string(pattern) + "/");
    // `*.example.com/` does not match example.com, so a policy that means both says both.
    if (pattern.wildcard || below.contains(pattern.name)) continue;
    ++hosts;
    if (by == NamesBy::url) continue;
    if (!is_fqdn(pattern.name)) {
      out.fault = fmt::format("the host name `{}`", pattern.name);
      return hosts;
    }
    const std::string name = object_name("fqdn-" + pattern.name);
    // Lower case matters: PAN-OS release notes, fixed in 10.2.10-h12.
    define(document_.addresses, name, Address{Address::Kind::fqdn, pattern.name});
    out.members.push_back(name);
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

std::string Objects::category(const NamedSet& set, std::vector<std::string> entries) {
  std::sort(entries.begin(), entries.end());
  std::string name;
  if (set.kind != NamedSet::Kind::literal) {
    name = category_name(names_.at(&set));
  } else if (entries.size() == 1) {
    name = object_name("url-" + entries[0].substr(2, entries[0].size() - 3), short_name_limit);
  } else {
    std::string content;
    for (const std::string& entry : entries) content += entry + "\n";
    name = object_name("url-" + content_hash(content, 12));
  }
  define(document_.url_categories, name,
         UrlCategory{std::move(entries), title(set, category_description_limit)});
  return name;
}

std::vector<std::string> Objects::address_objects(const net::AddressSet& addresses,
                                                  std::size_t hosts) {
  std::vector<std::string> out;
  const auto add = [&](std::string name, Address::Kind kind, std::string value) {
    define(document_.addresses, name, Address{kind, std::move(value)});
    out.push_back(std::move(name));
  };
  for (const net::AddressRange& range : addresses.ranges()) {
    const std::vector<net::Address> members = first_members(range, hosts + 1);
    if (members.size() <= hosts) {
      for (const net::Address& member : members) {
        const net::Cidr host{member, net::width(member.family)};
        add(name_of(host), Address::Kind::netmask, net::to_string(host));
      }
      continue;
    }
    const std::vector<net::Cidr> prefixes = net::AddressSet(range).cidrs();
    // One object says a range that would take several prefixes, in either family.
    if (prefixes.size() == 1) {
      add(name_of(prefixes.front()), Address::Kind::netmask, net::to_string(prefixes.front()));
    } else {
      add(name_of(range), Address::Kind::range,
          net::to_string(range.first) + "-" + net::to_string(range.last));
    }
  }
  return out;
}

Endpoint Objects::fetched(const std::string& tag) {
  Endpoint out;
  out.where = whereabouts(settings_, {}, true);
  if (slug(tag) != tag) {
    out.fault = fmt::format("the list of service tag `{}`: no URL holds its name as it is", tag);
    return out;
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
      return out;
    }
    std::string name = fmt::format("edl-{}-{}", cloud_, to_lower(tag));
    if (!family.empty()) name += fmt::format("-{}", family);
    name = object_name(name);
    define(document_.external_lists, name,
           ExternalList{std::move(url), settings_.edl_certificate_profile});
    out.members.push_back(std::move(name));
  }
  return out;
}

std::vector<std::string> Objects::grouped(const NamedSet& set, std::vector<std::string> members,
                                          std::string_view suffix, bool always) {
  sort_unique(members);
  const std::size_t in_rule = set.kind == NamedSet::Kind::literal ? short_list : 1;
  if (members.size() <= in_rule && !always) return members;
  const std::string name = shortened(names_.at(&set) + std::string(suffix), name_limit);
  define(document_.address_groups, name,
         AddressGroup{std::move(members), title(set, object_description_limit)});
  return {name};
}

// What is named by what it holds may be another cluster's as well.
std::string Objects::title(const NamedSet& set, std::size_t limit) const {
  std::string out = set.name;
  if (set.kind != NamedSet::Kind::literal) out += " of cluster " + cluster_;
  if (!set.title.empty()) out += ": " + set.title;
  return plain_text(out, limit);
}

}  // namespace hcipol::backends::palo_alto
