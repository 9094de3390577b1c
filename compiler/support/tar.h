// Reading a tar archive that `git archive` wrote.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace hcipol {

struct TarArchive {
  std::map<std::string, std::string> files;  ///< regular files by path
  std::map<std::string, std::string> links;  ///< symbolic links by path: where they point
  std::string comment;                       ///< of the archive itself; git puts the commit there
};

/// POSIX ustar with pax headers; of directories only the files are told. Other kinds of entries, or
/// damage, are nothing, with the reason in `error`.
std::optional<TarArchive> read_tar(std::string_view bytes, std::string& error);

}  // namespace hcipol
