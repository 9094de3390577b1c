// The table of what the library opens otherwise than the facts say, deviations.json, with a reason
// for each entry.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "facts.h"

namespace hcipol::test {

/// Rows that are open in a release although the facts do not list them there ("opened"), or are not
/// open although they do ("closed").
struct RowDeviation {
  /// The last two are about clusters with the Arc gateway only.
  enum class Kind { opened, closed, open_past_gateway, closed_by_gateway };

  Kind kind = Kind::opened;
  /// Patterns of row ids, `*` for any text.
  std::vector<std::string> rows;
  std::string listed_in;  ///< only rows that the facts list in this release; "" for any
  std::set<std::string, std::less<>> releases;
  /// Empty: the clouds of each row. "opened" opens a row in these, whether or not they are its own.
  std::set<std::string, std::less<>> clouds;
  std::string reason;

  bool opens() const { return kind == Kind::opened || kind == Kind::open_past_gateway; }
  bool is_about_gateway() const {
    return kind == Kind::open_past_gateway || kind == Kind::closed_by_gateway;
  }
  bool is_in(const Context& context) const;
  bool names(const Fact& fact) const;
};

/// A flow of the library that is in no row.
struct Addition {
  std::string feature;
  FactFlow flow;
  std::set<std::string, std::less<>> releases;  ///< empty: all
  std::set<std::string, std::less<>> clouds;    ///< empty: all
  std::set<std::string, std::less<>> regions;   ///< empty: all
  std::string reason;

  bool is_in(const Context& context) const;
};

/// A host that the language cannot say, and what the library says in its place.
struct Spelling {
  std::string host;
  std::string written;
  std::string reason;
};

struct Deviations {
  std::vector<RowDeviation> rows;
  std::vector<Addition> additions;
  std::vector<Spelling> spellings;
};

/// Read once; a key that is not known, or an entry without a reason, is a failure of the test.
const Deviations& deviations();

/// A fact's flow in a context, with its holes filled and its spelling changed.
net::Box box_of(const FactFlow& flow, const Context& context);

}  // namespace hcipol::test
