// What a command line says.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "diagnostics/render.h"
#include "support/date.h"

namespace hcipol::driver {

enum class Color { automatic, always, never };

struct Options {
  std::string command;
  std::string path = ".";
  std::vector<std::string> paths;  ///< fmt, diff

  // Every command.
  DiagnosticFormat format = DiagnosticFormat::human;
  Color color = Color::automatic;
  bool quiet = false;

  // Commands that read a policy.
  std::optional<Date> as_of;
  std::string library_directory;
  std::string stdin_name = "<stdin>";
  std::map<std::string, std::string> variables;

  // lock
  bool upgrade = false;
  /// Compile with the library that is there, locked or not.
  bool ignore_lock = false;
  /// Read every file of the modules that are used.
  bool whole_library = false;
  // check and build
  std::vector<std::string> deny;  ///< codes of warnings or their beginnings, in upper case

  // build
  std::vector<std::string> targets;
  std::string output = "build";
  std::string file;
  bool optimise = true;
  bool verify = true;
  bool check = false;  ///< build and fmt

  // why
  std::string flow;
  std::string cluster;  ///< empty: every one

  // show
  std::string by = "rule";
  bool matrix = false;
  bool names = false;
  std::string html;  ///< the file, or "-"
  std::string svg;

  // test
  std::string run;    ///< a regular expression; "" for every test
  std::string junit;  ///< a file to write; "" for none
  bool coverage = false;

  // plan, diff (whose two policies are in `paths`)
  std::string base = "HEAD";
  bool exit_code = false;
  bool markdown = false;

  // doc
  std::string module = "std/hci/21h2";
  std::string page = "markdown";
  std::string cloud;  ///< empty: every one
  std::optional<std::string> region;

  // import
  std::string list;     ///< the file, or "-"
  std::string feature;  ///< empty: after the file
  std::string from = "servers";
  bool widen_globs = false;
  bool skip_refused = false;

  // fmt, show, why, plan, diff, graph, targets, test, explain
  bool diff = false;
  bool json = false;
  std::string graph_of = "features";
  std::string code;
};

}  // namespace hcipol::driver
