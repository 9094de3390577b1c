// The figures that Azure refuses to exceed, checked before it has a chance to.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "backends/azure_firewall/document.h"
#include "backends/backend.h"

namespace hcipol::backends::azure_firewall {

/// Of source and destination in network rules; an IP group counts as one.
inline constexpr std::size_t most_pairs = 20'000;
/// What people have found usable of the 2 MB that a rule collection group may have
/// (azure-docs#93880): longer groups are split.
inline constexpr std::size_t usable_group_bytes = 1'400'000;
inline constexpr std::size_t most_ip_group_entries = 5'000;
/// "Bicep functions: loadJsonContent": 1,048,576 characters.
inline constexpr std::size_t most_loaded_bytes = 1'048'576;

/// How many bytes Azure stores for a rule, within a few per cent: compact JSON with property names
/// and whole resource ids.
std::size_t stored_bytes(const Rule& rule);
std::size_t stored_bytes(const RuleCollection& collection);

/// How much of each limit a document uses. Figures: azure-docs, includes/firewall-limits.md
/// (2023-10-10) and azure-resource-manager/templates/best-practices.md (2022-05-26).
class Budgets {
 public:
  explicit Budgets(const Document& document);
  void add_files(const std::vector<Artefact>& artefacts);

  /// False if Azure would refuse it.
  bool within() const;
  /// E0613 with figures for every limit that is exceeded, and a note for those that are said to
  /// hurt only.
  void report(EmitContext& context) const;
  std::vector<Budget> take();

 private:
  struct Row {
    Budget budget;
    std::string holder;   ///< what exceeds the limit
    std::string figures;  ///< how it does
    std::string note;     ///< of a limit that only hurts; else empty
    std::string help;
  };

  void add(std::string_view limit, std::size_t used, std::size_t allowed, std::string holder);
  void count_rules(const Document& document);
  void count_objects(const Document& document);

  Format format_;
  std::vector<Row> rows_;
};

}  // namespace hcipol::backends::azure_firewall
