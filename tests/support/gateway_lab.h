// A gateway of the kernel's own between two networks, on which rules are loaded and tried with
// packets. Nothing of it touches the machine's network.
#pragma once

#include <sys/socket.h>
#include <sys/types.h>
#include <array>
#include <cerrno>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "net/address_set.h"
#include "tests/support/frames.h"

namespace hcipol::test {

/// What becomes of the first packet of a connection, sent from before the gateway to behind it.
enum class Fate {
  passed,       ///< it arrived, and so did the answer to it
  one_way,      ///< it arrived, and the answer did not
  reset,        ///< a TCP reset came back
  unreachable,  ///< an ICMP error came back
  silent,       ///< nothing came back
};
std::string to_string(Fate fate);

/// Of the cable before the gateway: its far end, and the gateway's.
inline constexpr Mac before_mac{2, 0, 0, 0, 1, 2}, left_mac{2, 0, 0, 0, 1, 1};

/// Three network namespaces without names: before, on, and behind the gateway. They end with the
/// process, however it ends. The thread that makes the lab is the one that uses it.
class GatewayLab {
 public:
  /// Why there can be none, as a sentence without its full stop; "" if there can. `programs` are
  /// what is called, along PATH and sbin.
  static std::string missing(const std::vector<std::string>& programs);

  GatewayLab();
  ~GatewayLab();
  GatewayLab(const GatewayLab&) = delete;
  GatewayLab& operator=(const GatewayLab&) = delete;

  /// Runs a script on the gateway; what it prints, with its errors, and its status.
  std::pair<int, std::string> run(const std::string& script) const;
  /// Starts a program on the gateway, which ends with the lab or in stop().
  void start(const std::vector<std::string>& words);
  /// The exit code of the program that was started last, once it has ended.
  std::optional<int> ended();
  void stop();

  /// Asks the gateway's port 53, from before the gateway, for a name's addresses. False if the
  /// answer to one of both questions did not come within `seconds`.
  bool ask(const std::string& name, double seconds = 0.2);

  struct Probe {
    net::Address from;
    net::Address to;
    std::uint32_t service = 0;  ///< a point of the service axis

    friend auto operator<=>(const Probe&, const Probe&) = default;
  };
  /// Whether a probe can be sent as the first packet of a connection: between unicast addresses
  /// that no host has to itself, and of a kind that connection tracking takes for a first packet.
  static bool can_send(const Probe& probe);
  /// What becomes of each, in this order. All connections of before are forgotten.
  std::vector<Fate> send(std::span<const Probe> probes);

  /// From now on, counts the UDP and TCP of send() at every place between sender and receiver. To
  /// be called once.
  void watch();
  /// What was counted since: a line for each place, which says what has vanished before it, and one
  /// for each of the kernel's counters of drops that grew.
  std::vector<std::string> watched() const;
  /// Frames for which the lab's own sockets had no room since this was last asked. They arrived.
  std::uint64_t overflowed();

  /// Makes these the gateway's own addresses, beside those that it always has, instead of what was
  /// said before: what is for them ends there.
  void own(const net::AddressSet& addresses);
  /// As send(), with the gateway as a machine: one end of each probe is its own, or both. It
  /// receives what comes from before, and what it sends goes there, or to itself.
  std::vector<Fate> send_own(std::span<const Probe> probes);

  /// Seconds for each of `packets` packets, sent from the probes in turn as fast as they go. None
  /// of them is answered, so each is a connection's first.
  double flood(std::span<const Probe> probes, unsigned packets);

 private:
  enum Side { before, gateway, behind };

  static std::pair<int, std::string> shell(const std::string& script);
  [[noreturn]] static void fail(const std::string& what);
  void enter(Side side) const;
  void leave() const;
  void build();
  void open_socket(Side side, const char* interface);
  void forget() const;
  std::map<std::string, std::uint64_t> kernel_counts() const;
  void put(Side side, const Bytes& frame) const;
  std::uint16_t next_tag();
  /// Takes what arrived; `at` is told of each frame.
  template <class At>
  void take(Side side, const At& at);
  /// Waits until the gateway has done with all that was put before.
  template <class At>
  void settle(Side side, const At& at);
  using SendSome = void (GatewayLab::*)(std::span<const Probe> probes, std::span<Fate> fates);
  std::vector<Fate> send(std::span<const Probe> probes, SendSome some);
  void send_some(std::span<const Probe> probes, std::span<Fate> fates);
  // ---- of a machine
  void open_raw();
  void receive_some(std::span<const Probe> probes, std::span<Fate> fates);
  void emit_some(std::span<const Probe> probes, std::span<Fate> fates);
  void emit_to_itself(std::span<const Probe> probes, std::span<Fate> fates);
  void emit(const Bytes& frame) const;
  template <class At>
  void settle_own(const At& at);
  template <class At>
  void take_own(const At& at);

  /// Of openings, and of answers to them.
  struct Watched {
    std::array<std::uint64_t, 2> sent{}, received{};
    std::map<std::string, std::uint64_t> kernel;
  };

  int home_ = -1;
  std::map<Side, int> places_;
  std::map<Side, int> sockets_;
  /// What has passed a machine's filter, of one protocol in one family.
  struct Raw {
    int fd = -1;
    net::Family family = net::Family::ipv4;
    std::uint8_t protocol = 0;
  };
  std::vector<Raw> raw_;
  std::map<net::Family, int> senders_;
  net::AddressSet own_;
  std::vector<pid_t> running_;
  std::vector<std::uint8_t> buffer_;
  std::uint16_t tag_ = 20000;
  std::uint32_t id_ = 0;
  Watched watched_;
};

template <class At>
void GatewayLab::take(Side side, const At& at) {
  for (;;) {
    const ssize_t size = recv(sockets_.at(side), buffer_.data(), buffer_.size(), 0);
    if (size < 0 && errno != EAGAIN) fail("cannot receive");
    if (size < 0) return;
    at(buffer_.data(), static_cast<std::size_t>(size));
  }
}

}  // namespace hcipol::test
