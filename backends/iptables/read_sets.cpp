// Lines are run in order, as the tools would, so that a swap that is missing leaves a set empty.
#include "backends/iptables/read_sets.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <set>

#include "backends/common/gateway/read_dnsmasq.h"
#include "backends/common/read_text.h"
#include "backends/iptables/document.h"

namespace hcipol::backends::iptables {

namespace {

constexpr std::size_t longest_set_name = 31;
/// What ipset itself makes room for. A learnt set that is full blocks in silence.
constexpr std::size_t fewest_members = 65536;

}  // namespace

void SetTable::fail(std::string_view what) const {
  throw Unreadable(file_, line_, what);
}

SetTable::Set& SetTable::at(std::string_view name) {
  const auto found = sets_.find(name);
  if (found == sets_.end()) fail("there is no set " + quoted(name));
  return found->second;
}

void SetTable::restore(std::string_view file, std::string_view text) {
  file_ = file;
  Words words;
  for_each_line(file, text, [&](std::string_view line, std::size_t number) {
    line_ = number;
    if (line.empty()) return;
    if (line.front() == '#') return say(line);
    split_words(line, words);
    run(words);
  });
  if (!said_name_.empty()) fail("a comment on no set");
}

/// "# HCI-prod.aad-dns4 is hci/aad: login.example *.login.example and more"
void SetTable::say(std::string_view comment) {
  const std::size_t is = comment.find(" is ");
  if (is == std::string_view::npos || comment.starts_with("# hcipolc: ")) return;
  const std::size_t colon = comment.rfind(": ");
  if (!said_name_.empty() || colon == std::string_view::npos || colon < is) fail("a comment");
  said_name_ = comment.substr(2, is - 2);
  said_ = {};
  std::string_view list = comment.substr(colon + 2);
  const std::string more = " " + std::string(shortened_list);
  said_.said_all = !list.ends_with(more);
  if (!said_.said_all) list.remove_suffix(more.size());
  Words words;
  split_words(list, words);
  for (const std::string_view word : words) {
    const auto name = net::parse_pattern(word);
    if (!name) fail("a comment with " + quoted(word));
    for (const bool wildcard : {false, true}) said_.said.push_back({name->name, wildcard});
  }
}

/// People look up a set's names there.
void SetTable::check_said(std::string_view name, const Set& set) const {
  const auto fills = net::DomainSet::of(false, set.names);
  const auto said = net::DomainSet::of(set.said);
  if (set.said.empty() || !fills.contains(said) || (set.said_all && fills != said)) {
    throw Unreadable("ipset", 0, "the comment says other names than fill " + quoted(name));
  }
}

void SetTable::run(const Words& words) {
  const std::string_view verb = words.front();
  if (verb == "create") return create(words);
  if (verb == "add") return add(words);
  if (verb == "flush" && words.size() == 2) {
    at(words[1]).members.clear();
  } else if (verb == "swap" && words.size() == 3) {
    Set& a = at(words[1]);
    Set& b = at(words[2]);
    const bool alike = a.type == b.type && a.family == b.family && a.most == b.most;
    if (!alike || a.timeout != b.timeout) fail("a swap of sets that are not alike");
    std::swap(a, b);
  } else if (verb == "destroy" && words.size() == 2) {
    at(words[1]);
    sets_.erase(sets_.find(words[1]));
  } else {
    fail("no line of ipset that is known here: " + quoted(verb));
  }
}

void SetTable::create(const Words& words) {
  if (words.size() < 3) fail("a set without a type");
  if (words[1].empty() || words[1].size() > longest_set_name) fail("a name of ipset is too long");
  Set made;
  made.type = words[2];
  if (made.type != "hash:net" && made.type != "hash:ip") fail("type " + quoted(made.type));
  made.most = fewest_members;
  bool exist = false;
  for (std::size_t i = 3; i < words.size(); ++i) {
    const std::string_view word = words[i];
    if (word == "-exist") {
      exist = true;
      continue;
    }
    if (i + 1 == words.size()) fail("option " + quoted(word));
    const std::string_view value = words[++i];
    if (word == "family" && (value == "inet" || value == "inet6")) {
      made.family = value == "inet" ? net::Family::ipv4 : net::Family::ipv6;
    } else if (word == "maxelem") {
      made.most = number_of(value, std::numeric_limits<std::uint32_t>::max()).value_or(0);
      if (made.most == 0) fail("maxelem " + quoted(value));
    } else if (word == "timeout") {
      made.timeout = number_of(value, 2'147'483).value_or(0);
      if (made.timeout == 0) fail("timeout " + quoted(value));
    } else {
      fail("option " + quoted(word));
    }
  }
  if (made.most < fewest_members) fail("a set that is soon full");
  if ((made.timeout != 0) != (said_name_ == words[1])) fail("a set without its comment");
  made.said = std::move(said_.said);
  made.said_all = said_.said_all;
  said_name_.clear();
  const auto [place, fresh] = sets_.try_emplace(std::string(words[1]), std::move(made));
  if (!fresh && !exist) fail("set " + quoted(words[1]) + " is there already");
}

void SetTable::add(const Words& words) {
  if (words.size() != 3) fail("`add` takes a set and a member");
  Set& set = at(words[1]);
  const auto cidr = net::parse_cidr(words[2]);
  if (!cidr || cidr->network.family != set.family) fail("member " + quoted(words[2]));
  if (cidr->length == 0) fail("a set of type hash:net takes no /0");
  if (set.type == "hash:ip" && cidr->length != net::width(set.family)) fail("no single address");
  if (set.members.size() == set.most) fail("the set is full");
  set.members.push_back({cidr->network, net::last_of(cidr->network, cidr->length)});
}

void SetTable::learn(std::string_view file, std::string_view text) {
  const auto fault = [&](std::string_view name) -> std::string {
    const auto found = sets_.find(name);
    if (found == sets_.end()) return "there is no set " + quoted(name);
    const bool learns = found->second.type == "hash:ip" && found->second.timeout != 0;
    return learns ? "" : quoted(name) + " is not filled by names";
  };
  for (auto& [name, entries] : gateway::read_domains(file, text, "ipset", fault)) {
    sets_.find(name)->second.names = std::move(entries);
    learns_ = true;
  }
  for (const auto& [name, set] : sets_) {
    if (set.timeout != 0) check_said(name, set);
  }
}

void SetTable::read_cache(std::string_view file, std::string_view text) {
  const unsigned longest = gateway::read_cache(file, text);
  for (const auto& [name, set] : sets_) {
    if (set.timeout != 0 && set.timeout < longest) {
      throw Unreadable(
          file, 0,
          "answers are kept for longer than the addresses in " + quoted(std::string_view(name)));
    }
  }
}

net::PeerSet SetTable::members(std::string_view name, net::Family family) const {
  const Set& set = sets_.find(name)->second;
  if (set.family != family) throw Unreadable("ipset", 0, quoted(name) + " is of the other family");
  return {net::AddressSet::of(set.members), net::DomainSet::of(false, set.names)};
}

std::vector<std::string_view> SetTable::names() const {
  std::vector<std::string_view> out;
  for (const auto& [name, set] : sets_) out.push_back(name);
  return out;
}

}  // namespace hcipol::backends::iptables
