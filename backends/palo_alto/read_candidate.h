// A candidate configuration, as far as `move` and `delete` commands change it.
#pragma once

#include <cstddef>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "backends/palo_alto/read_xml.h"

namespace hcipol::backends::palo_alto {

/// The entries of a section by their names.
class EntryNames {
 public:
  EntryNames() = default;
  explicit EntryNames(pugi::xml_node section);

  std::size_t size() const { return names_.size(); }
  /// The number of an entry in the section, or size(). Quick for the `expected` one.
  std::size_t find(std::string_view name, std::size_t expected);

 private:
  std::vector<std::string_view> names_;
  std::unordered_map<std::string_view, std::size_t> places_;  ///< once it has been needed
};

/// Rules of others, and below them ours, in another order than in the file: whatever an older load
/// has left behind, the commands must put each where it belongs.
class RulebaseInUse {
 public:
  /// `rules` are ours, in their order; `before` is the rule that they go before, or "" for the top.
  RulebaseInUse(pugi::xml_node rules, std::string_view before);
  RulebaseInUse(const RulebaseInUse&) = delete;
  RulebaseInUse& operator=(const RulebaseInUse&) = delete;

  bool is(pugi::xml_node rules) const { return rules_ == rules; }
  /// To the top if `before` is empty. False for what is none of ours or has been moved, and for a
  /// place that is not there.
  bool move(std::string_view name, std::string_view before);
  /// Whether ours stand where they should: together, in their order, with none of others between.
  bool in_place() const;

 private:
  /// One of ours by its number in the file, or one of others.
  using Place = std::size_t;

  void put_before(Place rule, Place other);

  pugi::xml_node rules_;
  std::string_view before_;
  EntryNames ours_;
  std::vector<bool> moved_;
  std::vector<Place> next_, previous_;  ///< a ring of ours, and of others between its two ends
  Place first_of_others_ = 0, target_ = 0, last_of_others_ = 0, end_ = 0;
  Place expected_ = 0;
};

/// Entries that a way of removing has named, from the last section to the first.
class RemovedEntries {
 public:
  /// `sections` must live as long.
  explicit RemovedEntries(const std::vector<pugi::xml_node>& sections)
      : sections_(sections), at_(sections.size()) {}

  /// False for what is not there, has been removed, or is still in use.
  bool remove(pugi::xml_node section, std::string_view name);
  bool all() const { return at_ == 0 && left_ == 0; }

 private:
  const std::vector<pugi::xml_node>& sections_;
  std::size_t at_;
  EntryNames entries_;  ///< of the section `at_`
  std::vector<bool> removed_;
  std::size_t left_ = 0;
  std::size_t expected_ = 0;
};

}  // namespace hcipol::backends::palo_alto
