// A million lines share few prefixes, sets and services: each text is understood once.
#include "backends/iptables/read_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "backends/common/read_text.h"
#include "backends/iptables/read_words.h"

namespace hcipol::backends::iptables {

namespace {

using ReadAct = ReadRule::Act;

constexpr std::size_t longest_chain_name = 28;
constexpr std::size_t longest_comment = 255;
constexpr std::size_t longest_nflog_prefix = 63;

enum class Module { tcp, udp, multiport, icmp, icmp6, hl, conntrack, set, limit, comment, count };

constexpr std::array<std::string_view, static_cast<std::size_t>(Module::count)> module_names{
    "tcp", "udp", "multiport", "icmp", "icmp6", "hl", "conntrack", "set", "limit", "comment"};

}  // namespace

/// One `-A` line behind the chain's name.
class RuleFile::LineReader {
 public:
  LineReader(RuleFile& file, std::string_view line) : file_(file), words_(line) {}

  void read(std::vector<ReadLine>& out) {
    while (!words_.empty()) option(word());
    if (logs_) {
      if (!limited_) fail("logging without a limit");
      return;
    }
    if (!has_target_) fail("a line without a target");
    if (limited_) fail("a limit that decides over packets");
    if (line_.loopback != ReadLine::Loopback::any && service_ != ServiceWords()) {
      fail("a machine's traffic with itself by service");
    }
    if (resets_ && (service_.negated || service_.protocol != "tcp")) fail("tcp-reset without tcp");
    line_.rule.from = file_.both(from_prefix_, from_set_);
    line_.rule.to = file_.both(to_prefix_, to_set_);
    if (service_ != ServiceWords()) line_.rule.service = file_.service(service_);
    check_listeners();
    out.push_back(line_);
  }

 private:
  [[noreturn]] void fail(std::string_view what) const { file_.fail(what); }

  /// Untracked packets of which only neighbour discovery is proved: none but a switch's business
  /// (RFC 4890 §4.4.1, multicast listeners) may pass beside it.
  void check_listeners() const {
    if (line_.states != state_untracked || line_.untouched) return;
    static const net::ServiceSet listeners = multicast_listeners();
    const net::ServiceSet* service = line_.rule.service;
    if (line_.rule.act != ReadAct::allow || service == nullptr || !listeners.contains(*service)) {
      fail("untracked packets that are no multicast listeners'");
    }
  }

  std::string_view word() {
    const auto next = words_.next();
    if (!next) fail("a word is missing or does not end");
    return *next;
  }
  void needs(Module module) const {
    if (!modules_[static_cast<std::size_t>(module)]) fail("an option without its module");
  }
  template <class T>
  static bool once(T& place, T value) {
    const bool fresh = place == T{};
    place = std::move(value);
    return fresh;
  }
  template <class T>
  void set_once(T& place, T value) {
    if (!once(place, std::move(value))) fail("an option stands twice");
  }

  void option(std::string_view name) {
    if (has_target_ && !logs_ && !rejects_) fail("words behind the target");
    if (name.starts_with("--")) return match(name);
    switch (name.size() == 2 && name[0] == '-' ? name[1] : name == "!" ? '!' : ' ') {
      case 's': return set_once(from_prefix_, file_.prefix(word()));
      case 'd': return set_once(to_prefix_, file_.prefix(word()));
      case 'p': return set_once(service_.protocol, word());
      case 'i': return loopback(ReadLine::Loopback::in, word());
      case 'o': return loopback(ReadLine::Loopback::out, word());
      case 'm': return load(word());
      case 'j':
      case 'g':
        if (has_target_) fail("two targets");
        return target(name[1] == 'g', word());
      case '!':
        if (word() != "-p") fail("a negation that is not known here");
        service_.negated = true;
        return set_once(service_.protocol, word());
      default: fail("option " + quoted(name));
    }
  }

  void loopback(ReadLine::Loopback side, std::string_view interface) {
    if (interface != "lo") fail("interface " + quoted(interface));
    set_once(line_.loopback, side);
  }

  void load(std::string_view name) {
    const auto found = std::find(module_names.begin(), module_names.end(), name);
    if (found == module_names.end()) fail("module " + quoted(name));
    modules_[static_cast<std::size_t>(found - module_names.begin())] = true;
  }

  void match(std::string_view name) {
    if (name == "--comment") {
      needs(Module::comment);
      if (unquoted_size(word()) > longest_comment) fail("a comment that would be cut");
    } else if (name == "--dport") {
      if (!modules_[0] && !modules_[1]) fail("--dport without its module");
      const std::string_view ports = word();
      if (ports.find(',') != std::string_view::npos) fail("ports " + quoted(ports));
      // A `-m` of another protocol is refused.
      if (service_.protocol != (modules_[0] ? "tcp" : "udp")) fail("--dport of another protocol");
      set_once(service_.ports, ports);
    } else if (name == "--dports") {
      needs(Module::multiport);
      set_once(service_.ports, word());
    } else if (name == "--icmp-type" || name == "--icmpv6-type") {
      const bool v6 = name == "--icmpv6-type";
      needs(v6 ? Module::icmp6 : Module::icmp);
      if (service_.protocol != (v6 ? "ipv6-icmp" : "icmp")) fail("a type of another protocol");
      set_once(service_.type, word());
    } else if (name == "--hl-eq") {
      needs(Module::hl);
      if (file_.family_ != net::Family::ipv6 || word() != "255") fail("hop limit");
      line_.untouched = true;
    } else if (name == "--ctstate") {
      needs(Module::conntrack);
      states(word());
    } else if (name == "--match-set") {
      needs(Module::set);
      const net::PeerSet* set = file_.set(word());
      const std::string_view side = word();
      if (side != "src" && side != "dst") fail("side " + quoted(side));
      set_once(side == "src" ? from_set_ : to_set_, set);
    } else {
      match_of_targets(name);
    }
  }

  void match_of_targets(std::string_view name) {
    if (name == "--limit" || name == "--limit-burst") {
      needs(Module::limit);
      word();
      limited_ = true;
    } else if (name == "--nflog-prefix" && logs_) {
      if (unquoted_size(word()) > longest_nflog_prefix) fail("a prefix that would be cut");
    } else if (name == "--nflog-group" && logs_) {
      if (!number_of(word(), 65535)) fail("an NFLOG group");
    } else if (name == "--reject-with" && rejects_) {
      const std::string_view how = word();
      resets_ = how == "tcp-reset";
      const bool v4 = file_.family_ == net::Family::ipv4;
      if (!resets_ && how != (v4 ? "icmp-admin-prohibited" : "icmp6-adm-prohibited")) {
        fail("a way to reject: " + quoted(how));
      }
    } else {
      fail("option " + quoted(name));
    }
  }

  void states(std::string_view list) {
    if (line_.states != every_state) fail("an option stands twice");
    line_.states = 0;
    while (true) {
      const std::size_t comma = list.find(',');
      line_.states |= state(list.substr(0, comma));
      if (comma == std::string_view::npos) return;
      list.remove_prefix(comma + 1);
    }
  }
  unsigned state(std::string_view word) const {
    if (word == "NEW") return state_new;
    if (word == "ESTABLISHED") return state_established;
    if (word == "RELATED") return state_related;
    if (word == "INVALID") return state_invalid;
    if (word == "UNTRACKED") return state_untracked;
    fail("state " + quoted(word));
  }

  void target(bool go, std::string_view name) {
    has_target_ = true;
    if (!go && built_in(name)) return;
    const auto chain = file_.by_name_.find(name);
    if (chain == file_.by_name_.end()) fail("there is no chain or target " + quoted(name));
    line_.rule.act = go ? ReadAct::go : ReadAct::jump;
    line_.rule.list = chain->second;
  }
  /// No chain has the name of one: all letters are capitals.
  bool built_in(std::string_view name) {
    if (name == "ACCEPT") {
      line_.rule.act = ReadAct::allow;
    } else if (name == "DROP" || name == "REJECT") {
      line_.rule.act = ReadAct::deny;
      rejects_ = name == "REJECT";
    } else if (name == "RETURN") {
      line_.rule.act = ReadAct::leave;
    } else if (name == "NFLOG") {
      logs_ = true;
    } else {
      return false;
    }
    return true;
  }

  RuleFile& file_;
  QuotedWords words_;
  ReadLine line_;
  std::array<bool, static_cast<std::size_t>(Module::count)> modules_{};
  ServiceWords service_;
  const net::PeerSet* from_prefix_ = nullptr;
  const net::PeerSet* from_set_ = nullptr;
  const net::PeerSet* to_prefix_ = nullptr;
  const net::PeerSet* to_set_ = nullptr;
  bool has_target_ = false;
  bool logs_ = false;
  bool limited_ = false;
  bool rejects_ = false;
  bool resets_ = false;
};

RuleFile::RuleFile(std::string_view file, std::string_view text, net::Family family,
                   const SetTable& sets, DeviceReading& out)
    : file_(file), family_(family), set_table_(sets), out_(out) {
  for_each_line(file, text, [&](std::string_view line, std::size_t number) {
    line_ = number;
    read(line);
  });
  finish();
}

void RuleFile::fail(std::string_view what) const {
  throw Unreadable(file_, line_, what);
}

void RuleFile::read(std::string_view line) {
  if (line.empty()) return;
  if (line.front() == '#') {
    if (part_ == Part::head && line.starts_with("#   ")) hook(line);
    return;
  }
  if (part_ == Part::head) {
    if (line != "*filter") fail("not the filter table");
    part_ = Part::chains;
  } else if (part_ == Part::done) {
    fail("a line behind COMMIT");
  } else if (line == "COMMIT") {
    part_ = Part::done;
  } else if (line.front() == ':' && part_ == Part::chains) {
    declare(line);
  } else if (line.starts_with("-A ")) {
    part_ = Part::rules;
    line.remove_prefix(3);
    const std::size_t blank = line.find(' ');
    if (blank == std::string_view::npos) fail("a line without a target");
    const std::string_view name = line.substr(0, blank);
    if (chains_.empty() || chains_[last_chain_].name != name) last_chain_ = chain(name);
    LineReader(*this, line.substr(blank + 1)).read(chains_[last_chain_].lines);
  } else {
    fail("no line of iptables-restore that is known here");
  }
}

void RuleFile::declare(std::string_view line) {
  const std::size_t blank = line.find(' ');
  if (blank == std::string_view::npos) fail("a chain without a policy");
  const std::string_view name = line.substr(1, blank - 1);
  if (name == "INPUT" || name == "FORWARD" || name == "OUTPUT") {
    declare_built_in(name, line.substr(blank));
  } else {
    if (line.substr(blank) != " - [0:0]") fail("a chain that is not one of its own");
    if (name.empty() || name.size() > longest_chain_name) fail("a chain's name");
    const bool capitals =
        std::all_of(name.begin(), name.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
    if (capitals || name.front() == '-' || name.front() == '!') fail("a chain's name");
  }
  if (!by_name_.emplace(name, static_cast<std::uint32_t>(chains_.size())).second) {
    fail("a chain stands twice");
  }
  chains_.push_back({name, {}});
}

std::uint32_t RuleFile::chain(std::string_view name) const {
  const auto found = by_name_.find(name);
  if (found == by_name_.end()) fail("there is no chain " + quoted(name));
  return found->second;
}

const net::PeerSet* RuleFile::prefix(std::string_view text) {
  // The lines of a rule follow each other.
  for (const auto& [known, set] : last_prefixes_) {
    if (known == text) return set;
  }
  std::swap(last_prefixes_[0], last_prefixes_[1]);
  last_prefixes_[0] = {text, prefix_of(text)};
  return last_prefixes_[0].second;
}

const net::PeerSet* RuleFile::prefix_of(std::string_view text) {
  const auto [place, fresh] = prefixes_.try_emplace(text, nullptr);
  if (!fresh) return place->second;
  const auto cidr = net::parse_cidr(text);
  if (!cidr || cidr->network.family != family_) fail("prefix " + quoted(text));
  place->second = out_.keep(net::PeerSet{net::AddressSet(*cidr), {}});
  return place->second;
}

const net::PeerSet* RuleFile::set(std::string_view name) {
  const auto [place, fresh] = set_peers_.try_emplace(name, nullptr);
  if (!fresh) return place->second;
  if (!set_table_.has(name)) fail("there is no set " + quoted(name));
  place->second = out_.keep(set_table_.members(name, family_));
  return place->second;
}

const net::PeerSet* RuleFile::both(const net::PeerSet* a, const net::PeerSet* b) {
  if (a == nullptr || b == nullptr) return a == nullptr ? b : a;
  const auto [place, fresh] = both_.try_emplace({a, b}, nullptr);
  if (fresh) place->second = out_.keep(*a & *b);
  return place->second;
}

const net::ServiceSet* RuleFile::service(const ServiceWords& words) {
  const auto [place, fresh] = services_.try_emplace(words, nullptr);
  if (!fresh) return place->second;
  std::string fault;
  place->second = out_.keep(service_of(words, fault));
  if (!fault.empty()) fail(fault);
  return place->second;
}

}  // namespace hcipol::backends::iptables
