// Checksums are right throughout: connection tracking calls a packet with a wrong one invalid.
#include "tests/support/frames.h"

#include <algorithm>

namespace hcipol::test {

namespace {

using net::Address;
using net::Family;

constexpr std::size_t ethernet = 14;
constexpr std::array<std::uint8_t, 4> asks{'H', 'C', 'I', '?'}, answers{'H', 'C', 'I', '!'};
constexpr std::uint8_t fin = 1, syn = 2, reset = 4, ack = 16;

void put8(Bytes& out, unsigned value) {
  out.push_back(static_cast<std::uint8_t>(value));
}
void put16(Bytes& out, unsigned value) {
  put8(out, value >> 8);
  put8(out, value);
}
void put32(Bytes& out, std::uint32_t value) {
  put16(out, value >> 16);
  put16(out, value & 65535);
}
void put(Bytes& out, const Bytes& more) {
  out.insert(out.end(), more.begin(), more.end());
}

void put(Bytes& out, const Address& address) {
  if (address.family == Family::ipv4) return put32(out, static_cast<std::uint32_t>(address.low));
  for (const std::uint64_t half : {address.high, address.low}) {
    put32(out, static_cast<std::uint32_t>(half >> 32));
    put32(out, static_cast<std::uint32_t>(half));
  }
}

std::uint16_t checksum(const Bytes& bytes) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    sum += static_cast<std::uint32_t>(bytes[i]) << (i % 2 == 0 ? 8 : 0);
  }
  while (sum >> 16 != 0) sum = (sum & 65535) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

/// The body with its checksum, which stands `at` it.
Bytes summed(Bytes body, std::size_t at, const Opening& opening, unsigned protocol) {
  Bytes all;
  if (protocol != 1) {
    put(all, opening.from);
    put(all, opening.to);
    put32(all, static_cast<std::uint32_t>(body.size()));
    put32(all, protocol);
  }
  put(all, body);
  const std::uint16_t sum = checksum(all);
  body[at] = static_cast<std::uint8_t>(sum >> 8);
  body[at + 1] = static_cast<std::uint8_t>(sum);
  return body;
}

Bytes payload(const std::array<std::uint8_t, 4>& word, std::uint32_t id) {
  Bytes out(word.begin(), word.end());
  put32(out, id);
  return out;
}

Bytes framed(const Opening& opening, unsigned protocol, const Bytes& body, const Mac& from,
             const Mac& to) {
  Bytes out(to.begin(), to.end());
  out.insert(out.end(), from.begin(), from.end());
  if (opening.from.family == Family::ipv6) {
    put16(out, 0x86dd);
    put32(out, 0x60000000);
    put16(out, static_cast<unsigned>(body.size()));
    put8(out, protocol);
    put8(out, 64);
    put(out, opening.from);
    put(out, opening.to);
  } else {
    put16(out, 0x0800);
    Bytes head;
    put16(head, 0x4500);
    put16(head, static_cast<unsigned>(20 + body.size()));
    put32(head, 0);
    put8(head, 64);
    put8(head, protocol);
    put16(head, 0);
    put(head, opening.from);
    put(head, opening.to);
    const std::uint16_t sum = checksum(head);
    head[10] = static_cast<std::uint8_t>(sum >> 8);
    head[11] = static_cast<std::uint8_t>(sum);
    put(out, head);
  }
  put(out, body);
  return out;
}

/// `flags` and `acknowledged` of a TCP segment.
Bytes tcp(const Opening& o, unsigned source, unsigned destination, unsigned flags,
          std::uint32_t acknowledged, const Bytes& data) {
  Bytes body;
  put16(body, source);
  put16(body, destination);
  put32(body, 1000);
  put32(body, acknowledged);
  put8(body, 5U << 4);
  put8(body, flags);
  put16(body, 65535);
  put32(body, 0);
  put(body, data);
  return summed(std::move(body), 16, o, 6);
}

Bytes udp(const Opening& o, unsigned source, unsigned destination, const Bytes& data) {
  Bytes body;
  put16(body, source);
  put16(body, destination);
  put16(body, static_cast<unsigned>(8 + data.size()));
  put16(body, 0);
  put(body, data);
  return summed(std::move(body), 6, o, 17);
}

Bytes icmp(const Opening& o, unsigned type_and_code, unsigned protocol, const Bytes& data) {
  Bytes body;
  put16(body, type_and_code);
  put16(body, 0);
  put16(body, o.tag);
  put16(body, 1);
  put(body, data);
  return summed(std::move(body), 2, o, protocol);
}

std::optional<std::uint32_t> id_after(const std::uint8_t* from, const std::uint8_t* end,
                                      const std::array<std::uint8_t, 4>& word) {
  const auto* at = std::search(from, end, word.begin(), word.end());
  if (end - at < 8) return std::nullopt;
  std::uint32_t id = 0;
  for (int i = 4; i < 8; ++i) id = id << 8 | at[i];
  return id;
}

}  // namespace

Bytes frame_of(const Opening& o, const Mac& from, const Mac& to) {
  const unsigned protocol = o.service >> 16, detail = o.service & 65535;
  const Bytes data = payload(asks, o.id);
  switch (protocol) {
    case 6: return framed(o, protocol, tcp(o, o.tag, detail, syn, 0, data), from, to);
    case 17: return framed(o, protocol, udp(o, o.tag, detail, data), from, to);
    case 1:
    case 58: return framed(o, protocol, icmp(o, detail, protocol, data), from, to);
    default: break;
  }
  Bytes body;
  put32(body, 0x0800);  // for GRE: no options, IPv4 inside
  put(body, data);
  return framed(o, protocol, body, from, to);
}

std::optional<Bytes> answer_to(const Opening& opening, const Mac& from, const Mac& to) {
  const unsigned protocol = opening.service >> 16, detail = opening.service & 65535;
  Opening back = opening;
  std::swap(back.from, back.to);
  const Bytes data = payload(answers, opening.id);
  switch (protocol) {
    case 6:
      return framed(back, protocol, tcp(back, detail, opening.tag, syn | ack, 1001, data), from,
                    to);
    case 17: return framed(back, protocol, udp(back, detail, opening.tag, data), from, to);
    case 1:
      if (detail >> 8 != 8) return std::nullopt;
      return framed(back, protocol, icmp(back, detail & 255, protocol, data), from, to);
    case 58:
      if (detail >> 8 != 128) return std::nullopt;
      return framed(back, protocol, icmp(back, 129 << 8 | (detail & 255), protocol, data), from,
                    to);
    default: return std::nullopt;
  }
}

Bytes datagram(const Opening& o, std::string_view text, const Mac& from, const Mac& to) {
  return framed(o, 17, udp(o, o.tag, o.service & 65535, Bytes(text.begin(), text.end())), from, to);
}

std::optional<Seen> seen_in(const std::uint8_t* frame, std::size_t size) {
  if (size < ethernet + 28) return std::nullopt;
  const bool v6 = frame[12] == 0x86 && frame[13] == 0xdd;
  if (!v6 && !(frame[12] == 8 && frame[13] == 0)) return std::nullopt;
  if (v6 && size < ethernet + 48) return std::nullopt;
  const std::uint8_t* packet = frame + ethernet;
  const std::uint8_t* end = frame + size;
  const unsigned protocol = v6 ? packet[6] : packet[9];
  const std::uint8_t* body = packet + (v6 ? 40 : 20);
  if (protocol == 6 && end - body >= 20 && (body[13] & (reset | fin)) == reset) {
    return Seen{Seen::Kind::reset, 0, static_cast<std::uint16_t>(body[2] << 8 | body[3])};
  }
  // An error quotes the packet that it is about.
  const bool error = (protocol == 1 && body[0] == 3) || (protocol == 58 && body[0] == 1);
  const bool quotes = error && body + (v6 ? 48 : 28) < end && body[8] >> 4 == (v6 ? 6 : 4);
  if (const auto id = id_after(body, end, answers)) {
    if (quotes) return std::nullopt;
    return Seen{Seen::Kind::answer, *id, 0};
  }
  const auto id = id_after(body, end, asks);
  if (!id) return std::nullopt;
  return Seen{quotes ? Seen::Kind::unreachable : Seen::Kind::opening, *id, 0};
}

}  // namespace hcipol::test
