// `hcipolc version`.
#include "driver/version.h"

#include <fmt/format.h>

#include "driver/commands.h"

namespace hcipol::driver {

int run_version(const Options&, Environment& environment) {
  environment.out(fmt::format("hcipolc {} (language 1)\n", version));
  return exit_fine;
}

}  // namespace hcipol::driver
