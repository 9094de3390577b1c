// Few of each kind of peer, so that rules meet and lie within each other.
#include "tests/support/many_rules.h"

#include <fmt/format.h>

namespace hcipol::test {

namespace {

class Writer {
 public:
  explicit Writer(std::mt19937& random) : random_(random) {}

  std::string rule(unsigned i, const char* verb) {
    const bool inwards = pick(3) == 0;
    const std::string own = pick(3) == 0 ? peer() : pick(9) == 0 ? "node.n1" : "servers";
    const std::string other = peer();
    return fmt::format("  {} \"r{}\" {} -> {} on {}{}\n", verb, i, inwards ? other : own,
                       inwards ? own : other, service(), pick(9) == 0 ? " { log = true }" : "");
  }

 private:
  unsigned pick(unsigned n) { return static_cast<unsigned>(random_() % n); }

  std::string peer() {
    const unsigned n = pick(90);
    switch (pick(9)) {
      case 0: return pick(4) == 0 ? "any" : fmt::format("10.{}.0.0/16", n % 4);
      case 1: return fmt::format("10.1.{}.0/24", n);
      case 2: return fmt::format("10.2.{}.0/26", n / 4);
      case 3: return fmt::format("fd01::{:x}", n * 700);
      case 4: return fmt::format("stretched-{}", n);
      case 5: return fmt::format("near-{}", n);
      case 6: return fmt::format("far-{}", n);
      default: return fmt::format("\"h{}.example.com\"", n);
    }
  }

  std::string service() {
    const unsigned port = 1 + pick(300);
    switch (pick(12)) {
      case 0: return fmt::format("tcp/{}-{}", port, port + pick(80));
      case 1:
        return fmt::format("[tcp/{}, udp/{}, tcp/{}-{}]", port, port + 9, port + 20, port + 29);
      case 2: return fmt::format("ip/{}", 90 + pick(30));
      case 3: return fmt::format("[icmp/{0}, icmpv6/{0}]", pick(20));
      case 4: return pick(9) == 0 ? "any" : pick(2) == 0 ? "udp/any" : "icmp";
      case 5: {
        std::string out;
        for (unsigned i = 0; i < 40; ++i)
          out += fmt::format("{}tcp/{}", i == 0 ? "" : ", ", port + 3 * i);
        return "[" + out + "]";
      }
      default: return fmt::format("{}/{}", pick(4) == 0 ? "udp" : "tcp", port);
    }
  }

  std::mt19937& random_;
};

}  // namespace

std::string many_rules(std::mt19937& random, unsigned rules) {
  Writer writer(random);
  std::string out;
  for (unsigned n = 0; n < 90; ++n) {
    out += fmt::format(
        "role \"stretched-{0}\" {{ members = [10.1.{0}.{0}, 172.16.{0}.1, fd02:0:{0}::1] }}\n"
        "role \"near-{0}\" {{ members = [10.3.0.{1}, 10.3.0.{2}] }}\n"
        "role \"far-{0}\" {{ members = [2001:db8:{0}::1, fd77:{0}::1",
        n, n + 1, n + 100);
    for (unsigned far = 20; far < 220; far += 18) out += fmt::format(", {}.0.0.{}", far, n);
    out += "] }\n";
  }
  out +=
      "cluster \"c\" {\n  node \"n1\" { address = [10.0.0.1, fd00::1] }\n"
      "  node \"n2\" { address = [10.0.0.3, fd00::3] }\n  enable \"x\"\n}\n\nfeature \"x\" {\n";
  std::string exceptions;
  for (unsigned i = 0; i < rules; ++i) {
    switch (random() % 8) {
      case 0: out += writer.rule(i, "deny"); break;
      case 1: exceptions += writer.rule(i, "allow"); break;
      default: out += writer.rule(i, "allow");
    }
  }
  out += "}\n";
  if (exceptions.empty()) return out;
  return out +
         "\nexception \"e\" {\n  reason  = \"r\"\n  owner   = \"o\"\n  expires = 2030-01-01\n" +
         exceptions + "}\n";
}

}  // namespace hcipol::test
