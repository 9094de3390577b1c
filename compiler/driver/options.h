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
  std::vector<std::string> paths;  ///< fmt

  // Every command.
  DiagnosticFormat format = DiagnosticFormat::human;
  Color color = Color::automatic;
  bool quiet = false;

  // Commands that read a policy.
  std::optional<Date> as_of;
  std::string library_directory;
  std::string stdin_name = "<stdin>";
  std::map<std::string, std::string> variables;

  // build
  std::vector<std::string> targets;
  std::string output = "build";
  std::string file;
  bool check = false;  ///< build and fmt

  // fmt, show, graph, targets, explain
  bool diff = false;
  bool json = false;
  std::string graph_of = "features";
  std::string code;
};

}  // namespace hcipol::driver
