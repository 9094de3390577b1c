// Neither function knows packet sets: they are what packet sets are tested with.
#include "tests/support/compiled.h"

#include <algorithm>

#include "flow/flow.h"

namespace hcipol::test {

bool compile(const RandomPolicy& policy, driver::Compilation& compilation) {
  return compile(policy.text(), compilation);
}

bool compile(const std::string& text, driver::Compilation& compilation) {
  MemoryFileSystem files({{"main.hcipol", text}});
  driver::Environment environment;
  environment.files = &files;
  environment.today = parse_date("2022-06-01").value();
  return driver::compile(driver::Options{}, {}, environment, compilation);
}

Marks mark(const flow::Flow& flow) {
  return mark(flow::box(flow));
}

Marks mark(const net::Box& box) {
  const auto has = [](const net::PeerSet& set) {
    return [&set](const net::Endpoint& end) {
      const auto* address = std::get_if<net::Address>(&end);
      return address != nullptr ? set.addresses.contains(*address)
                                : set.names.contains(std::get<std::string>(end));
    };
  };
  const auto asks = [&box](std::uint32_t point) {
    const auto ranges = box.service.ranges();
    return std::any_of(ranges.begin(), ranges.end(), [&](const net::ServiceRange& range) {
      return range.first <= point && point <= range.last;
    });
  };
  return test::mark(has(box.from), has(box.to), asks);
}

Marks device_allows(const std::vector<flow::Flow>& flows, flow::Order order) {
  Marks allow(packets().size(), 0);
  Marks decided(packets().size(), 0);
  // From the last rule to the first, so that the first match has the last word.
  for (auto flow = flows.rbegin(); flow != flows.rend(); ++flow) {
    const Marks marks = mark(*flow);
    const std::uint8_t allows = flow->kind == policy::Rule::Kind::deny ? 0 : 1;
    for (std::size_t i = 0; i < marks.size(); ++i) {
      if (marks[i] == 0) continue;
      const bool blocked = order != flow::Order::first_match && decided[i] != 0 && allow[i] == 0;
      if (!blocked) allow[i] = allows;
      decided[i] = 1;
    }
  }
  return allow;
}

}  // namespace hcipol::test
