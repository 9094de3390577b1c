// Every limit and trap that was measured of the Linux tools, with the test whose policy, or whose
// script, runs into it.
#include <gtest/gtest.h>

#include <set>

#include "tests/support/repository.h"

namespace hcipol::test::gateway {
namespace {

struct Trap {
  const char* says;
  const char* file;  ///< below tests/
  const char* test;  ///< as it stands there
};

constexpr const char* shape = "unit/backends/gateway_shape_test.cpp";
constexpr const char* here = "unit/backends/gateway_traps_test.cpp";
constexpr const char* tables = "unit/backends/iptables_test.cpp";
constexpr const char* tables_kernel = "unit/backends/iptables_semantics_test.cpp";
constexpr const char* tables_machine = "unit/backends/iptables_machine_test.cpp";
constexpr const char* tables_apply = "unit/backends/iptables_apply.sh";
constexpr const char* whole_table_apply = "unit/backends/iptables_apply_table.sh";
constexpr const char* nft_kernel = "unit/backends/nftables_semantics_test.cpp";

constexpr Trap traps[] = {
    // ---- lists, chains, jumps
    {"a long list costs a packet 35 ns a rule", shape, "(GatewayShape, ChainsOfIptablesStayShort)"},
    {"so does one of nftables", nft_kernel, "(NftablesKernel, ThePathStaysShort)"},
    {"open connections must pass", "kernel/machine_test.cpp", "\"related accept"},
    {"errors are RELATED", "kernel/machine_test.cpp", "ct state established accept"},
    {"iptables-nft takes 15 chains below a hook", shape,
     "(GatewayShape, PrefixesWithinEachOtherDoNotLieTooDeep)"},
    {"nft -c finds no circles", "unit/backends/nftables_apply.sh", "check refuses a circle"},
    {"neighbour discovery is untracked", "unit/backends/gateway_machine_traffic_test.cpp",
     "(MachineTraffic, PassesWhatThePolicyAllows)"},
    {"and on a bridge it is forwarded", tables_kernel,
     "(IptablesSemantics, NeighbourDiscoverySurvivesOnABridgeAndNowhereElse)"},
    {"REJECT has other names in IPv6, and a reset needs TCP", tables_machine,
     "(IptablesMachine, WhatItReceivesAndSendsAsWritten)"},
    {"ip6tables takes ICMP, and means protocol 1", tables,
     "(IptablesServices, IcmpBelongsToOneFamily)"},
    {"LOG says nothing in a namespace, and without a limit it floods", tables,
     "(IptablesPrint, ALoggedRuleLogsWhatItAccepts)"},
    // ---- loading
    {"what is loaded in part must be taken back", tables_apply, "and leaves what was there"},
    {"a reload must lose no packet, and no learnt address", "kernel/reload_test.cpp",
     "(KernelReload, LosesNoPacketAndNoLearntAddress)"},
    {"without --noflush others' chains are gone", whole_table_apply, "others' rules stay"},
    {"and where that is meant it is told of", whole_table_apply, "and says what will go"},
    {"a stale chain goes in the same load", tables_apply, "chains that it does not have are gone"},
    {"a chain in use cannot go", tables_apply, "what somebody else uses is not removed"},
    {"a hook in a --noflush file is there twice", tables_apply, "and FORWARD has one hook"},
    {"legacy needs a last newline; none takes CRLF or BOM", here,
     "(GatewayTrap, FilesAreLinesThatEnd)"},
    {"a busy lock is an error without -w", here, "(IptablesTrap, ABusyLockIsWaitedFor)"},
    {"both variants are asked", whole_table_apply, "rules of the other variant are warned of"},
    {"a kernel without IPv6 fails ip6tables", here, "(IptablesTrap, WithoutIpv6OnlyIpv4IsLoaded)"},
    {"at boot sets come before rules", tables_apply, "what is kept can be applied"},
    {"and both before the network", tables_apply, "that starts before the network"},
    {"delete table loses packets", nft_kernel,
     "(NftablesKernel, AnotherPolicyReplacesTheRulesAndKeepsWhatWasLearnt)"},
    // ---- limits
    {"a chain's name has 28 bytes, begins with no dash, and LOG hides the target", tables,
     "(Iptables, OptionsAreChecked)"},
    {"28 bytes with the way before it", tables_machine,
     "(IptablesMachine, LongNamesFitWithTheWayBeforeThem)"},
    {"names cut to 28 and 31 bytes must not meet", tables,
     "(Iptables, NamesThatWouldMeetAreToldApartByHash)"},
    {"comments over 255 bytes and prefixes over 63 are cut in silence", here,
     "(GatewayTrap, NoTextIsCutByTheKernel)"},
    {"nft refuses comments over 128 bytes", nft_kernel,
     "(NftablesKernel, LimitsOfCommentsPrefixesAndNamesHold)"},
    {"multiport has 15 slots, and a range takes two", tables,
     "(IptablesServices, SplitsPortsAtFifteenSlots)"},
    {"as the tools load them", here, "(GatewayTrap, PortsOfAnyNumberLoad)"},
    {"-m udp --dport asks for service names", here,
     "(IptablesTrap, UdpPortsAreMatchedByMultiport)"},
    {"a word has 1,023 bytes, a rule 248 words", here,
     "(IptablesTrap, LinesAreShortHoweverMuchARuleSays)"},
    {"host bits are masked in silence", "golden/names/E0321-host-bits.txt", "E0321"},
    {"a reversed range never matches", "golden/names/E0324-reversed-range.txt", "E0324"},
    {"protocol 0 and ICMP type 255 mean all", tables,
     "(IptablesServices, WhatMeansAnyToIptablesIsRefused)"},
    {"a newline or a quote in a comment ends the rule", tables_kernel,
     "(IptablesKernel, HostileTextStaysText)"},
    {"nft has no way to write a quote", "unit/backends/nftables_words_test.cpp",
     "(NftablesPrint, NoQuoteEndsATextAndNoDollarStartsAVariable)"},
    {"names are no words of nft, and begin with no digit", nft_kernel,
     "(NftablesKernel, NamesOfSetsAreAnyText)"},
    {"nor is the table's", nft_kernel, "(NftablesKernel, TablesOfAllAcceptedNamesLoad)"},
    // ---- sets
    {"65,536 members unless maxelem says more", tables_kernel,
     "(IptablesKernel, BigSetsAndManyPortsLoad)"},
    {"no /0 in hash:net, no zero address in hash:ip", here,
     "(GatewayTrap, SetsOfEveryAddressAndOfTheFirstAndLastLoad)"},
    {"2,000 sets in a namespace", here, "(GatewayTrap, ManySetsLoad)"},
    {"an ipset restore is not atomic, so sets are filled beside and swapped", tables,
     "(Iptables, ListsAreFilledBesideAndSwapped)"},
    {"a set that a rule names cannot go", tables_apply, "sets that it does not have are gone"},
    {"intervals conflict, and elements lie within each other", here,
     "(GatewayTrap, PrefixesWithinPrefixesLoad)"},
    {"rules cannot use another table's sets", nft_kernel,
     "(NftablesKernel, OtherTablesAreLeftAloneAndNothingIsLeftBehind)"},
    // ---- names
    {"a name of dnsmasq stands for all below it", tables,
     "(Iptables, NamesAreLearntAndTheWideningIsSaidOnce)"},
    {"names with exceptions cannot be said", tables,
     "(Iptables, NameSetsWithExceptionsAreRefused)"},
    {"only the longest line counts", tables, "(Iptables, ALongerDomainRepeatsTheSetsOfItsParents)"},
    {"a line has 1,024 bytes", tables, "(Iptables, ADomainInTooManySetsIsALimit)"},
    {"dnsmasq fills some types of sets, and from its cache none", here,
     "(GatewayTrap, LearntSetsAreSuchThatDnsmasqFillsThem)"},
    {"it takes the file, and fills the sets", "unit/backends/nftables_dnsmasq_test.cpp",
     "(NftablesNames, DnsmasqFillsTheSets)"},
    {"nft does not renew what is added again", "mutation/mutants_nftables.cpp", "lost renewal"},
    {"other names on an address pass; who asks another resolver is blocked",
     "unit/backends/nftables_test.cpp", "(Nftables, RemarksAreThoseOfIptables)"},
    {"a deny by name denies what was handed out", tables,
     "(Iptables, ADenyByNameIsOnlyAsGoodAsTheLookUps)"},
};

TEST(GatewayTraps, EachHasATest) {
  std::map<std::string, std::string> files;
  std::set<std::string> said;
  for (const Trap& trap : traps) {
    const std::string path = std::string("tests/") + trap.file;
    if (!files.contains(path)) files.merge(files_below(path.substr(0, path.rfind('/'))));
    ASSERT_TRUE(files.contains(path)) << path;
    EXPECT_NE(files.at(path).find(trap.test), std::string::npos) << trap.says << ": " << path;
    EXPECT_TRUE(said.insert(trap.says).second) << trap.says;
  }
}

/// What no file can prevent stands on the devices' pages.
TEST(GatewayTraps, WhatCannotBePreventedIsSaid) {
  for (const std::string device : {"iptables", "nftables"}) {
    const std::string path = "backends/" + device + "/README.md";
    const std::string page = files_below("backends/" + device, {"README.md"}).at(path);
    // Open connections, a client's own resolver, addresses with several names, caches.
    for (const char* words : {"conntrack -D", "resolver", "same address", "dnsmasq-cache.conf"}) {
      EXPECT_NE(page.find(words), std::string::npos) << device << ": " << words;
    }
  }
}

}  // namespace
}  // namespace hcipol::test::gateway
