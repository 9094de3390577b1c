// In the order of the bytes, so that a script cut off behind its name is told from another one.
#include "backends/common/gateway/read_script.h"

#include <algorithm>
#include <vector>

#include "backends/common/read_text.h"

namespace hcipol::backends::gateway {

std::string files_line(std::span<const Artefact> artefacts) {
  std::vector<std::string_view> names;
  for (const Artefact& artefact : artefacts) {
    if (artefact.path != "apply.sh") names.push_back(artefact.path);
  }
  std::sort(names.begin(), names.end());
  std::string out = "files='";
  for (const std::string_view name : names) {
    if (name != names.front()) out += ' ';
    out += name;
  }
  return out + "'\n";
}

void check_script(const Artefact& script, std::string_view base, std::string_view files,
                  std::string_view fixed) {
  std::string_view text = script.text;
  std::size_t number = 0;
  const auto line = [&](std::string_view begin, std::string_view what) {
    ++number;
    const std::size_t end = text.find('\n');
    const std::string_view found = text.substr(0, end);
    if (end == std::string_view::npos || !found.starts_with(begin)) {
      throw Unreadable(script.path, number, what);
    }
    text.remove_prefix(end + 1);
    return found.substr(begin.size());
  };
  if (!line("#!/bin/sh", "it does not begin as a script does").empty()) {
    throw Unreadable(script.path, number, "another shell than sh");
  }
  line("# ", "its heading is missing");
  if (line("base=", "the name of what it loads is missing") != "'" + std::string(base) + "'") {
    throw Unreadable(script.path, number, "it loads something of another name");
  }
  const std::string_view wanted = files.substr(0, files.size() - 1);
  if (!line(wanted, "other files than it names are beside it").empty()) {
    throw Unreadable(script.path, number, "other files than it names are beside it");
  }
  if (!line("", "it ends too early").empty()) {
    throw Unreadable(script.path, number, "something between its name and its fixed part");
  }
  if (text != fixed) throw Unreadable(script.path, 0, "its fixed part is not what it was");
}

}  // namespace hcipol::backends::gateway
