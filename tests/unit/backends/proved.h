// Whatever a test has a backend emit is also read back, so that the tests' other readers, written
// apart, and the product's have the same cases.
#pragma once

#include <gtest/gtest.h>

#include "backends/common/proof.h"

namespace hcipol::test {

inline void expect_proved(const backends::Backend& backend, const flow::DevicePolicy& device,
                          const backends::Emission& emission, const Reporter& reporter) {
  if (reporter.has_errors()) return;
  const auto found = backends::difference(backend, device, emission);
  EXPECT_FALSE(found) << found.value_or("");
}

}  // namespace hcipol::test
