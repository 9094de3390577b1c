// Impossible states: the one way in which hcipolc gives up on itself.
#pragma once

#include <stdexcept>
#include <string_view>

namespace hcipol {

/// Thrown by bug(); main() turns it into a report and exit code 70.
struct Bug : std::logic_error {
  using std::logic_error::logic_error;
};

/// For states that no input can reach. User mistakes go to the Reporter instead.
[[noreturn]] void bug(std::string_view what);

}  // namespace hcipol
