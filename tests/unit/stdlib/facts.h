// The requirements as data (../shared/facts): every row of the four files, as flows of a release,
// a cloud and a region.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "library.h"
#include "net/packet_set.h"

namespace hcipol::test {

/// One way that a row lets one peer speak to another.
struct FactFlow {
  std::string from;  ///< a role of the library
  std::string to;    ///< a role of the library or, if `is_host`, a host
  bool is_host = false;
  net::ServiceSet service;
};

/// One row.
struct Fact {
  std::string id;       ///< that of the row; "regional/24H2/westeurope/crl/ocsp.example:80" else
  std::string module;   ///< of the facts
  std::string feature;  ///< of the library
  std::set<std::string, std::less<>> releases;  ///< "21h2"
  std::set<std::string, std::less<>> clouds;
  std::set<std::string, std::less<>> regions;  ///< empty: all of them
  /// What a regional list says: whether the Arc gateway carries it. Nothing in other documents.
  std::optional<bool> carried;
  bool deployment_only = false;        ///< needed only while the cluster is deployed
  bool http_printed_with_443 = false;  ///< as the document has it (E01)
  std::vector<FactFlow> flows;
};

struct Facts {
  std::vector<Fact> rows;
  std::map<std::string, std::size_t> rows_of_file;
  /// Region → the short code of its hybrid identity service: "westeurope" → "weu".
  std::map<std::string, std::string, std::less<>> his_regions;
  /// Microsoft's list of what the Arc gateway reaches: pattern and port.
  std::vector<std::pair<net::DomainPattern, std::uint16_t>> gateway_reaches;
};

/// Whether the files are there; the tests that need them are skipped if not.
bool facts_are_here();
std::filesystem::path facts_folder();

/// Read once. Anything in a row that the reader does not know is a failure of the test.
const Facts& facts();

/// What the tests give the library's parameters that stand in names: "<key-vault-name>" →
/// "contosovault".
const std::map<std::string_view, std::string_view>& values_of_holes();

/// A host with its holes filled: "<region>.login.microsoft.com" → "westeurope.login.microsoft.com".
std::string filled(std::string host, const Context& context);

/// Every release, cloud and region of which the facts have a list, with and without the Arc gateway
/// where there is one.
std::vector<Context> contexts();

}  // namespace hcipol::test
