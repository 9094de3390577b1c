// Private to report/plan: what its three forms share.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "report/plan.h"

namespace hcipol::report {

/// A row in words.
struct RowWords {
  std::string from, to, service;
  std::string rule;     ///< "hci/hyper-v.wmi", "exception CHG0041877"
  std::string place;    ///< "main.hcipol:41": the rule, what enabled it, or the new server
  std::string because;  ///< "wider source", "new exception until 2022-06-30"
  std::vector<std::string> risks;  ///< "from the Internet"
};

struct DeviceWords {
  std::string device;   ///< "iptables-lab-gw"
  std::string changes;  ///< "+2 -1", "no change", "e1, e2: +2 -1"
  bool changed = false;
};

struct Counts {
  std::size_t opens = 0;
  std::size_t closes = 0;
};

std::string_view word(flow::Effect effect);  ///< "opens", "closes"
std::string_view word(flow::Cause cause);
std::string_view word(flow::Risk risk);
/// "new", "gone", "changed", "unchanged".
std::string_view change_of(const flow::ClusterDiff& cluster);

/// "main.hcipol:79"; "" for no place.
std::string place_text(Span span, const SourceMap& sources);
RowWords words(const flow::Row& row, const flow::ClusterDiff& cluster, const Plan& plan);
/// In order of name; targets of head first, then those that are gone.
std::vector<DeviceWords> devices(const flow::ClusterDiff& cluster, const Plan& plan);

/// "service tag X of `hci/y`: +2 -0 prefixes; …": one sentence for each.
std::vector<std::string> tags(const flow::ClusterDiff& cluster);

/// "CHG0041877 until 2022-06-30, …": the exceptions of head that are active; "none".
std::string exceptions(const Plan& plan);
/// "4 hold", "3 hold, 1 waived (smb-stays-inside by CHG0041877)": those of head; "none".
std::string invariants(const Plan& plan);

Counts count(const flow::ClusterDiff& cluster);
Counts count(const flow::PolicyDiff& diff);
/// "2 opened · 1 closed"; "0 flows changed".
std::string verdict(const Counts& counts);
/// "31 rules unchanged · 4 rules added or edited without effect".
std::string rest(const flow::ClusterDiff& cluster);

}  // namespace hcipol::report
