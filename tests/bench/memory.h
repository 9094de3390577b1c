// How much memory a stage takes beyond what it was given.
#pragma once

#include <malloc.h>

#include <fstream>
#include <string>

namespace hcipol::bench {

/// Resident memory of this process from here on; Linux only (elsewhere everything is 0).
class Memory {
 public:
  Memory() {
    malloc_trim(0);                               // what earlier stages gave back
    std::ofstream("/proc/self/clear_refs") << 5;  // the peak begins anew
    before_ = mebibytes("VmRSS:");
  }

  /// MiB that were in use when this was made: the inputs.
  double before() const { return before_; }
  /// MiB at most since then, above before().
  double added() const { return mebibytes("VmHWM:") - before_; }

 private:
  static double mebibytes(const std::string& wanted) {
    std::ifstream status("/proc/self/status");
    std::string name;
    double kibibytes = 0;
    while (status >> name) {
      if (name == wanted && status >> kibibytes) return kibibytes / 1024;
    }
    return 0;
  }

  double before_ = 0;
};

}  // namespace hcipol::bench
