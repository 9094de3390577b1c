// Peers of flows as Windows takes them: lists of addresses, and what to do about host names.
#pragma once

#include <array>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "backends/common/unions.h"
#include "backends/windows_firewall/document.h"
#include "flow/flow.h"

namespace hcipol::backends::windows_firewall {

/// [MS-FASP] 2.2.5 bounds each list of a rule at 1,000; its appendix and newer Windows say 10,000.
/// Older servers refuse more than 1,000 ("array out of bounds").
inline constexpr std::size_t longest_list = 1000;

/// The option `names`.
enum class NameMode { report, service_tags, dynamic_keywords };

/// The option `service_tags`.
enum class TagMode { addresses, dynamic_keywords };

/// A service tag whose addresses Windows keeps apart from the rules.
struct TagKeyword {
  std::string tag;
  const AddressList* addresses = nullptr;
};

/// What becomes of the host names and service tags in a union of named sets.
struct ByName {
  std::vector<std::string> names;    ///< host names for dynamic keywords, sorted
  std::vector<std::string> tags;     ///< service tags whose addresses are among Peers::addresses
  net::AddressSet fixed;             ///< Peers::addresses without those
  std::vector<TagKeyword> keywords;  ///< service tags instead, sorted by tag
  net::AddressSet in_keywords;       ///< their addresses
  Families keyword_families = 0;     ///< of those
  net::DomainSet lost;               ///< names that no rule will match as such
  // What is lost, by the policy's names.
  std::vector<std::string> unmatched;      ///< host names (or tags) that nothing stands for here
  std::vector<std::string> widened;        ///< sentences: what stands for names instead
  std::vector<std::string> widened_by;     ///< the same as in Wider
  std::vector<std::string> missing_tags;   ///< tags that are asked for and have no addresses here
  std::vector<std::string> inexpressible;  ///< sets of all names of a pattern but some
  std::vector<std::string> excepted;       ///< sets of every name but some, as text
  bool has_tag = false;                    ///< a service tag could stand for some of `unmatched`

  bool lossless() const {
    return unmatched.empty() && widened.empty() && missing_tags.empty() && inexpressible.empty() &&
           excepted.empty();
  }
};

/// The union of some named sets, seen from Windows.
struct Peers {
  std::string name;
  std::string shown;  ///< shown_peers() of the name
  net::AddressSet addresses;
  Families families = 0;            ///< those that `addresses` has members of
  Families whole = 0;               ///< those of which it has every member
  std::unique_ptr<ByName> by_name;  ///< null where all is given by address, as it mostly is

  /// By families: filled by PeerBook::lists.
  std::array<std::vector<const AddressList*>, 4> lists;
};

/// Makes Peers and their lists once for each union that occurs.
class PeerBook {
 public:
  PeerBook(NameMode mode, TagMode tags, std::deque<AddressList>& lists)
      : mode_(mode), tag_mode_(tags), lists_(lists) {}

  /// `remote_of_outbound`: the sets are the destination of what the server sends, the only place
  /// where Windows resolves names. The reference stays valid.
  Peers& peers(const Union& sets, bool remote_of_outbound);

  /// The members of the families in lists of at most 1,000, sorted (IPv4 first).
  const std::vector<const AddressList*>& lists(Peers& peers, Families families) {
    if (peers.lists[families].empty()) make_lists(peers, families);
    return peers.lists[families];
  }

 private:
  /// What Peers are united from, all at once: one by one, each union copies those before it.
  struct Parts {
    std::vector<net::AddressRange> fixed, of_tags, in_keywords;
    std::vector<const net::PeerSet*> lost;  ///< their names are
    std::unique_ptr<ByName> by_name;
  };

  void make_lists(Peers& peers, Families families);
  void resolve(Peers& peers, const Union& sets, bool remote_of_outbound);
  static void set_names(Peers& peers, Parts& parts);
  static void set_addresses(Peers& peers, Parts& parts);
  void add(Parts& parts, const flow::NamedSet& set, bool remote_of_outbound);
  void add_names(ByName& by, Parts& parts, const flow::NamedSet& set, bool remote_of_outbound);
  void add_tag(ByName& by, Parts& parts, const flow::NamedSet& set, bool remote_of_outbound);
  /// The tag's addresses, which must not be empty.
  void add_tag_addresses(ByName& by, Parts& parts, const flow::NamedSet& set,
                         bool remote_of_outbound);
  /// `identity` is what the list is known by beside its name; its entries if empty.
  AddressList& list(std::string_view name, std::string_view identity,
                    std::vector<std::string> entries);

  NameMode mode_;
  TagMode tag_mode_;
  std::deque<AddressList>& lists_;
  std::array<ByUnion<Peers>, 2> peers_;  ///< by `remote_of_outbound`
};

/// The id of the dynamic keyword for a host name, or for "tag NAME": the same in every run, and for
/// no other group.
std::string keyword_id(std::string_view group, std::string_view name);

}  // namespace hcipol::backends::windows_firewall
