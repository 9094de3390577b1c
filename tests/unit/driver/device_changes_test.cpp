// What a build says of its devices' limits and of what they keep, against the build before.
#include "driver/device_changes.h"

#include <gtest/gtest.h>

namespace hcipol::driver {
namespace {

using backends::Budget;
using backends::Made;

std::string text(const DeviceRecords& before, const DeviceRecords& now,
                 report::LimitRows rows = report::LimitRows::used) {
  return report::limits_text(limits(before, now), rows, "they are elsewhere");
}

TEST(DeviceChanges, FiguresArePrintedForNewDevicesAndForChangedOnes) {
  const DeviceRecords now{{"prod/hub", {{{"pairs", 12, 20'000}, {"groups", 0, 60}}, {}}}};
  EXPECT_EQ(text({}, now), "limits of prod/hub\n  12 of 20000 pairs\n");
  EXPECT_EQ(text(now, now), "");
  const DeviceRecords before{{"prod/hub", {{{"pairs", 9, 20'000}, {"groups", 1, 60}}, {}}}};
  EXPECT_EQ(text(before, now),
            "limits of prod/hub\n"
            "  12 of 20000 pairs, before 9\n"
            "   0 of 60 groups, before 1\n");
  EXPECT_EQ(text(now, {}), "");
  // A limit that the build before did not know, and a device that has none.
  const DeviceRecords other{{"prod/hub", {{{"pairs", 9, 20'000}}, {}}}};
  EXPECT_EQ(text(other, now), "limits of prod/hub\n  12 of 20000 pairs, before 9\n");
  EXPECT_EQ(text({}, {{"prod/gw", {{}, {}}}}), "");
}

TEST(DeviceChanges, OfAPlanOnlyTheRowsThatChangedArePrinted) {
  const DeviceRecords before{{"prod/hub", {{{"pairs", 9, 20'000}, {"groups", 2, 60}}, {}}}};
  const DeviceRecords now{{"prod/hub", {{{"pairs", 12, 20'000}, {"groups", 2, 60}}, {}}}};
  EXPECT_EQ(text(before, now),
            "limits of prod/hub\n  12 of 20000 pairs, before 9\n"
            "   2 of 60 groups\n");
  EXPECT_EQ(text(before, now, report::LimitRows::changed),
            "limits of prod/hub\n  12 of 20000 pairs, before 9\n");
}

TEST(DeviceChanges, OfManyDevicesTheFullestAreShown) {
  DeviceRecords now;
  for (int i = 0; i < 7; ++i) {
    const std::string device = "c" + std::to_string(i) + "/hub";
    now[device] = {{{"pairs", static_cast<std::uint64_t>(i == 6 ? 90 : 10 - i), 100}}, {}};
  }
  EXPECT_EQ(text({}, now),
            "limits of c6/hub\n  90 of 100 pairs\n"
            "limits of c0/hub\n  10 of 100 pairs\n"
            "limits of c1/hub\n  9 of 100 pairs\n"
            "limits of c2/hub\n  8 of 100 pairs\n"
            "limits of c3/hub\n  7 of 100 pairs\n"
            "limits of 2 more devices are less used: they are elsewhere\n");
}

TEST(DeviceChanges, WhatNoBuildMakesAnyMoreIsLeftAndWhatMovesIsNot) {
  const Made group{"group `a`", "delete a"};
  const Made other{"group `b`", "delete b"};
  const DeviceRecords before{{"lab/hub", {{}, {group}}}, {"prod/hub", {{}, {other, group}}}};
  EXPECT_EQ(left_text(before, before), "");
  // Another target makes it now.
  EXPECT_EQ(left_text(before, {{"x/hub", {{}, {group, other}}}}), "");
  EXPECT_EQ(left_text(before, {{"prod/hub", {{}, {group}}}}),
            "prod/hub no longer has the group `b`, which stays until it is removed:\n"
            "  delete b\n");
  // Once, though two devices had it.
  EXPECT_EQ(left_text(before, {{"prod/hub", {{}, {other}}}}),
            "lab/hub no longer has the group `a`, which stays until it is removed:\n"
            "  delete a\n");
}

// A firewall policy that this policy made, and whose groups it now only adds to.
TEST(DeviceChanges, WhatIsStillNeededIsNotLeft) {
  const Made policy{"firewall policy `hub`", "delete hub"};
  const Made group{"group `a`", "delete a"};
  const DeviceRecords before{{"prod/hub", {{}, {group, policy}}}};
  EXPECT_EQ(left_text(before, {{"prod/hub", {{}, {group}, {"delete hub"}}}}), "");
  EXPECT_EQ(left_text(before, {{"lab/other", {{}, {}, {"delete hub"}}}}),
            "prod/hub no longer has the group `a`, which stays until it is removed:\n"
            "  delete a\n");
}

}  // namespace
}  // namespace hcipol::driver
