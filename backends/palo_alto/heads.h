// What the files of commands tell people, in lines that begin with `#`.
#pragma once

#include <string>

#include "backends/palo_alto/document.h"

namespace hcipol::backends::palo_alto {

/// "prod.xml" with ".remove.txt" is "prod.remove.txt".
std::string beside(const std::string& file_name, const std::string& ending);

/// A word with blanks, as the command line takes it.
std::string quoted_if(const std::string& word);

/// Whether a partial load of it is what some versions do wrong (PAN-198244).
bool may_lose_members(const Document& document);

std::string head_of_apply(const Document& document);
std::string head_of_remove(const Document& document);

/// What `curl` needs to know, and how the lock goes again.
std::string about_api();

}  // namespace hcipol::backends::palo_alto
