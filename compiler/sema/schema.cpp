// The table of design: adding a block or an attribute adds a row here and its reader elsewhere.
#include "sema/schema.h"

#include <array>

namespace hcipol::sema {

namespace {

using Names = std::span<const std::string_view>;
using Attributes = std::span<const AttributeSpec>;

template <std::size_t N>
using NameArray = std::array<std::string_view, N>;
template <std::size_t N>
using AttributeArray = std::array<AttributeSpec, N>;

constexpr NameArray<1> in_file{"file"};
constexpr NameArray<1> in_test_file{"test file"};
constexpr NameArray<2> in_any_file{"file", "test file"};
constexpr NameArray<1> in_feature{"feature"};
constexpr NameArray<1> in_cluster{"cluster"};
constexpr NameArray<2> in_file_or_feature{"file", "feature"};
constexpr NameArray<2> in_file_or_cluster{"file", "cluster"};
constexpr NameArray<2> in_site_or_cluster{"site", "cluster"};
constexpr NameArray<2> in_declarations{"variable", "param"};

constexpr AttributeArray<2> policy_attributes{{{"language"}, {"owner"}}};
constexpr AttributeArray<2> package_attributes{{{"revision", true}, {"source"}}};
constexpr AttributeArray<1> extend_attributes{{{"without"}}};
constexpr AttributeArray<3> variable_attributes{{{"type", true}, {"default"}, {"description"}}};
constexpr AttributeArray<2> validation_attributes{{{"condition", true}, {"message", true}}};
constexpr AttributeArray<2> output_attributes{{{"value", true}, {"description"}}};
constexpr AttributeArray<1> data_attributes{{{"file", true}}};
constexpr AttributeArray<2> role_attributes{{{"title"}, {"members"}}};
constexpr AttributeArray<6> endpoint_attributes{
    {{"title"}, {"fqdn"}, {"tag"}, {"tag_basis"}, {"address"}, {"errata"}}};
constexpr AttributeArray<9> feature_attributes{{{"title"},
                                                {"tier"},
                                                {"source"},
                                                {"source_date"},
                                                {"errata"},
                                                {"requires"},
                                                {"conflicts"},
                                                {"auto"},
                                                {"when"}}};
constexpr AttributeArray<2> cluster_attributes{{{"cloud"}, {"region"}}};
constexpr AttributeArray<1> site_attributes{{{"address"}}};
constexpr AttributeArray<1> node_attributes{{{"address", true}}};
constexpr AttributeArray<3> proxy_attributes{{{"address", true}, {"service", true}, {"bypass"}}};
constexpr AttributeArray<3> waive_attributes{{{"at", true}, {"reason", true}, {"expires"}}};
constexpr AttributeArray<2> invariant_attributes{{{"why"}, {"clusters"}}};
constexpr AttributeArray<4> exception_attributes{
    {{"reason", true}, {"owner", true}, {"expires", true}, {"waives"}}};
constexpr AttributeArray<4> test_attributes{{{"cluster"}, {"as_of"}, {"given"}, {"fails_with"}}};
constexpr AttributeArray<1> target_attributes{{{"sees"}}};
constexpr AttributeArray<5> attributes_of_rules{
    {{"when"}, {"title"}, {"note"}, {"source"}, {"log"}}};

constexpr NameArray<2> invariant_checks{"never", "always"};
constexpr NameArray<1> test_checks{"expect"};

constexpr std::string_view one_name = "one name in quotes";

constexpr std::array rows{
    BlockSpec{"policy", in_file, policy_attributes, false, 1, 1, one_name},
    BlockSpec{"package", in_file, package_attributes, false, 1, 1,
              "the path of the module in quotes", false},
    BlockSpec{"use", in_file, {}, true, 1, 1, "the path of a module in quotes", false, true, false},
    BlockSpec{"extend", in_file, extend_attributes, true, 1, 1, "the path of a module in quotes",
              false, false, false},
    BlockSpec{"variable", in_file, variable_attributes, false, 1, 1, one_name},
    BlockSpec{"validation", in_declarations, validation_attributes, false, 0, 0, "no label"},
    BlockSpec{"locals", in_file, {}, true, 0, 0, "no label"},
    BlockSpec{"output", in_file, output_attributes, false, 1, 1, one_name},
    BlockSpec{"data", in_file, data_attributes, false, 2, 2, "a kind and a name in quotes", false},
    BlockSpec{"role", in_file_or_cluster, role_attributes, false, 1, 1, one_name},
    BlockSpec{"endpoint", in_file_or_feature, endpoint_attributes, false, 1, 1, one_name},
    BlockSpec{"feature", in_file, feature_attributes, false, 1, 1, one_name, true, false, true,
              true},
    BlockSpec{"param", in_feature, variable_attributes, false, 1, 1, one_name},
    BlockSpec{"cluster", in_any_file, cluster_attributes, false, 1, 1, one_name},
    BlockSpec{"site", in_cluster, site_attributes, false, 1, 1, one_name},
    BlockSpec{"node", in_site_or_cluster, node_attributes, false, 1, 1, one_name},
    BlockSpec{"proxy", in_cluster, proxy_attributes, false, 1, 1, one_name},
    BlockSpec{"enable",
              in_cluster,
              {},
              true,
              1,
              1,
              "the name of a feature in quotes",
              false,
              false,
              false},
    BlockSpec{"invariant", in_file, invariant_attributes, false, 1, 1, one_name, true, false, true,
              false, invariant_checks},
    BlockSpec{"exception", in_file, exception_attributes, false, 1, 1, one_name, true, false, true,
              true},
    BlockSpec{"waive", in_file, waive_attributes, false, 1, 1, "the code of a lint in quotes",
              false},
    BlockSpec{"test", in_test_file, test_attributes, false, 1, 1, "a sentence in quotes", false,
              false, true, false, test_checks},
    BlockSpec{"target", in_file, target_attributes, true, 1, 2,
              "the name of a backend and, if wanted, of an instance, in quotes", false, false,
              false},
};

}  // namespace

std::span<const BlockSpec> schema() {
  return rows;
}

const BlockSpec* find_block(std::string_view kind) {
  for (const BlockSpec& row : rows) {
    if (row.kind == kind) return &row;
  }
  return nullptr;
}

std::span<const AttributeSpec> rule_attributes() {
  return attributes_of_rules;
}

}  // namespace hcipol::sema
