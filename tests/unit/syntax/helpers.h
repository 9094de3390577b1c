// Parsing a text in a test, and a policy that uses everything once.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <vector>

#include "diagnostics/reporter.h"
#include "support/source.h"
#include "syntax/dump.h"
#include "syntax/parser.h"

namespace hcipol::syntax {

using Errors = std::vector<std::string>;

struct Parsed {
  explicit Parsed(std::string text) : id(sources.add("test.hcipol", std::move(text))) {
    file = parse(id, sources, reporter);
  }

  /// "E0101 2:13" for each diagnostic, in order.
  Errors errors() const {
    Errors out;
    for (const Diagnostic& diagnostic : reporter.sorted()) {
      const LineColumn at = sources.line_column(id, diagnostic.span.begin);
      out.push_back(fmt::format("{} {}:{}", entry(diagnostic.id).code, at.line, at.column));
    }
    return out;
  }
  std::string tree() const { return dump(file); }

  SourceMap sources;
  Reporter reporter;
  FileId id;
  File file;
};

inline constexpr std::string_view everything = R"(# A policy with every form of the language.

use "std/hci/21h2" as hci
use "./contoso" as contoso {
  scrapers = [10.0.8.20, 10.0.8.21]
}

locals {
  by_site = { for s in cluster.sites : s.name => [for n in s.nodes : n.address] }
  v6_only = [for i, n in servers : n.address if overlaps(n.address, fd00::/8)]
  picked  = cluster.stretched && !var.x ? fd00:10:2::/64 : ::1
  range   = 10.0.0.10-10.0.0.20
  probe   = management -> servers on tcp/135
  cut     = 10.0.0.0/8 except [10.9.0.0/16, var.more[0].cidr]
  note = """
    two lines, "quoted", ${length(local.cut)} items
    cost: $5
    """
  soon = 30d
  end  = 2022-09-30
  ok   = "tcp" in ["tcp", "udp"] || null == var.y
}

cluster "prod" {
  cloud = "public"

  site "east" {
    node "e1" { address = [10.1.0.11, fd00:10:1::11] }
    node "e2" { address = [10.1.0.12, fd00:10:1::12] }
  }

  role "management" { members = 10.0.5.0/28 }
  role "wac"        { members = 10.0.5.10 }

  # Storage Replica switches itself on.
  enable "registration"
  enable "windows-admin-center" { https_only = true }
  enable "cloud-witness"        { account = var.witness_account }
  enable "aks"
}

feature "backup" {
  title = "Veeam agents on every server"
  fqdn = {
    public = "${param.account}.blob.core.windows.net" # the document spells it so
    usgov  = "\u{e9}\n"
  }

  allow "veeam-control" 10.0.7.0/27 -> servers on tcp/6160
  deny  "veeam-data"    10.0.7.0/27 <-> servers on tcp/2500-3300 {
    note = "One port per running job."
  }
  allow "cluster-join"  management -> servers on tcp/3343 { when = param.joining }
}

test "t" {
  given = { "a" = 1, b = 2 }

  expect allow 10.0.5.3 -> 10.1.0.11 on [tcp/445, icmp]
  expect deny  10.77.1.1 -> 10.1.0.11 on tcp/445
  never  allow any except [servers, wac] -> servers on any
}
)";

}  // namespace hcipol::syntax
