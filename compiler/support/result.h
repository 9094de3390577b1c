// A value, or the knowledge that what went wrong has already been reported.
#pragma once

#include <optional>
#include <utility>

namespace hcipol {

/// The failure half of a Result: the Reporter already has the diagnostics.
struct Reported {};
inline constexpr Reported reported{};

/// Like std::expected<T, Reported>, which g++ 12 does not have in C++20.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}  // NOLINT: implicit on purpose
  Result(Reported) {}                            // NOLINT

  explicit operator bool() const { return value_.has_value(); }
  T& operator*() & { return *value_; }
  const T& operator*() const& { return *value_; }
  T&& operator*() && { return std::move(*value_); }
  T* operator->() { return &*value_; }
  const T* operator->() const { return &*value_; }

 private:
  std::optional<T> value_;
};

}  // namespace hcipol
