// Packets as bytes: what opens a connection, what answers it, and what comes back instead.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/packet_set.h"

namespace hcipol::test {

using Mac = std::array<std::uint8_t, 6>;
using Bytes = std::vector<std::uint8_t>;

/// The first packet of a connection between two addresses of one family.
struct Opening {
  net::Address from;
  net::Address to;
  std::uint32_t service = 0;  ///< a point of the service axis
  std::uint16_t tag = 0;      ///< source port (TCP, UDP) or identifier (ICMP): a flow's own
  std::uint32_t id = 0;       ///< in the payload, where what comes back is known by it
};

/// An Ethernet frame with the packet: a SYN, a datagram, a request, or protocol and payload.
Bytes frame_of(const Opening& opening, const Mac& from, const Mac& to);
/// The other side's answer to it, as an Ethernet frame: SYN and ACK, a datagram, a reply. None for
/// protocols in which nothing says what belongs together.
std::optional<Bytes> answer_to(const Opening& opening, const Mac& from, const Mac& to);
/// A UDP datagram with any payload.
Bytes datagram(const Opening& opening, std::string_view payload, const Mac& from, const Mac& to);

/// What a received frame is about.
struct Seen {
  enum class Kind { opening, answer, reset, unreachable };
  Kind kind = Kind::opening;
  std::uint32_t id = 0;   ///< of all but a reset
  std::uint16_t tag = 0;  ///< of a reset: the port that it is for
};
/// Nothing for frames that are none of ours, nor for what refuses an answer.
std::optional<Seen> seen_in(const std::uint8_t* frame, std::size_t size);

}  // namespace hcipol::test
