// A hash table from 64-bit keys to 32-bit values that only grows: small and fast, no iteration.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace hcipol::net {

/// Open addressing with linear probing. The value `absent` cannot be stored.
class IdTable {
 public:
  static constexpr std::uint32_t absent = 0xffff'ffff;

  IdTable() = default;
  /// With room for so many keys.
  explicit IdTable(std::size_t keys) : slots_(std::bit_ceil(keys * 3 / 2 + 2)) {}

  /// The value of `key`; `absent` if there is none.
  std::uint32_t find(std::uint64_t key) const {
    if (slots_.empty()) return absent;
    return slots_[place(key)].value;
  }

  /// The key must be new.
  void add(std::uint64_t key, std::uint32_t value) { find_or_add(key, value); }

  /// The value of `key`, which is `fresh` if there was none.
  std::uint32_t find_or_add(std::uint64_t key, std::uint32_t fresh) {
    if ((used_ + 1) * 3 > slots_.size() * 2) grow();
    Slot& slot = slots_[place(key)];
    if (slot.value == absent) {
      slot = {key, fresh};
      ++used_;
    }
    return slot.value;
  }

 private:
  struct Slot {
    std::uint64_t key = 0;
    std::uint32_t value = absent;
  };

  std::size_t place(std::uint64_t key) const {
    const std::size_t mask = slots_.size() - 1;
    std::uint64_t hash = key * 0x9e37'79b9'7f4a'7c15;
    hash ^= hash >> 32;
    std::size_t at = static_cast<std::size_t>(hash) & mask;
    while (slots_[at].value != absent && slots_[at].key != key) at = (at + 1) & mask;
    return at;
  }

  void grow() {
    std::vector<Slot> old(slots_.empty() ? 64 : slots_.size() * 2);
    old.swap(slots_);
    for (const Slot& slot : old) {
      if (slot.value != absent) slots_[place(slot.key)] = slot;
    }
  }

  std::vector<Slot> slots_;
  std::size_t used_ = 0;
};

}  // namespace hcipol::net
