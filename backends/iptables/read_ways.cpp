// How packets come to the chains of a file: through hooks that its head tells of, or because the
// whole table is its own.
#include <algorithm>

#include "backends/common/read_text.h"
#include "backends/iptables/read_rules.h"

namespace hcipol::backends::iptables {

using ReadAct = ReadRule::Act;

// "#   iptables -w 10 -C FORWARD -j NAME || iptables -w 10 -I FORWARD 1 -j NAME"
void RuleFile::hook(std::string_view comment) {
  constexpr std::string_view check = " -C ";
  const std::size_t at = comment.find(check);
  const std::string_view command =
      family_ == net::Family::ipv4 ? "#   iptables -w 10" : "#   ip6tables -w 10";
  if (at == std::string_view::npos) {
    if (comment.find(" -I ") != std::string_view::npos) fail("half of a hook");
    return;
  }
  if (comment.substr(0, at) != command) fail("the hook is for another tool");
  std::vector<std::string_view> words;
  split_words(comment.substr(at + 1), words);
  // -C BUILT_IN -j NAME || TOOL -w 10 -I BUILT_IN 1 -j NAME
  const std::string_view tool = command.substr(4, command.find(' ', 4) - 4);
  const bool known = words.size() == 13 && words[2] == "-j" && words[4] == "||" &&
                     words[5] == tool && words[6] == "-w" && words[7] == "10" && words[8] == "-I" &&
                     words[10] == "1" && words[11] == "-j";
  if (!known) fail("half of a hook");
  if (words[1] != words[9] || words[3] != words[12]) fail("a hook of two chains");
  if (words[1] != "INPUT" && words[1] != "OUTPUT" && words[1] != "FORWARD") {
    fail("a hook in " + quoted(words[1]));
  }
  for (const auto& [built_in, chain] : hooks_) {
    if (built_in == words[1]) fail("two hooks");
  }
  hooks_.emplace_back(words[1], words[3]);
}

/// A restore that does not flush would leave others' rules in it, and their policy would go.
void RuleFile::declare_built_in(std::string_view name, std::string_view policy) {
  if (policy != " ACCEPT [0:0]" && policy != " DROP [0:0]") fail("a policy of " + quoted(name));
  owns_table_ = true;
  policies_.emplace_back(name, policy.substr(1, policy.find(' ', 1) - 1));
}

void RuleFile::finish() {
  if (part_ != Part::done) fail("no COMMIT");
  if (owns_table_) {
    find_ways_of_table();
  } else {
    for (const auto& [built_in, name] : hooks_) ways_.push_back({built_in, chain(name), false});
  }
  if (ways_.empty()) fail("no word on the hook");
  check_reached();
}

/// A gateway's own traffic passes, and a machine forwards nothing: what the policy does not speak
/// of has no rules.
void RuleFile::find_ways_of_table() {
  if (!hooks_.empty()) fail("a whole table is hooked in nowhere");
  if (policies_.size() != 3) fail("not all of the table's chains");
  const bool forwards = !chains_[chain("FORWARD")].lines.empty();
  for (const auto& [name, policy] : policies_) {
    const std::uint32_t place = chain(name);
    const bool ours = (name == "FORWARD") == forwards;
    if (ours == chains_[place].lines.empty()) fail("rules in the wrong chain: " + quoted(name));
    if ((policy == "DROP") != (ours || !forwards)) fail("the wrong policy of " + quoted(name));
    if (ours) ways_.push_back({name, place, true});
  }
}

void RuleFile::check_reached() const {
  std::vector<bool> reached(chains_.size());
  for (const ReadWay& way : ways_) reached[way.first] = true;
  for (const auto& [name, policy] : policies_) reached[chain(name)] = true;
  for (const ReadChain& chain : chains_) {
    for (const ReadLine& line : chain.lines) {
      if (line.rule.act == ReadAct::jump || line.rule.act == ReadAct::go)
        reached[line.rule.list] = true;
    }
  }
  const auto lost = std::find(reached.begin(), reached.end(), false);
  if (lost != reached.end()) {
    fail("nothing leads to " +
         quoted(chains_[static_cast<std::size_t>(lost - reached.begin())].name));
  }
}

}  // namespace hcipol::backends::iptables
