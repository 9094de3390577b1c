// An exception and not abort(): a command must be able to remove its temporary files first.
#include "support/bug.h"

#include <string>

namespace hcipol {

void bug(std::string_view what) {
  throw Bug(std::string(what));
}

}  // namespace hcipol
