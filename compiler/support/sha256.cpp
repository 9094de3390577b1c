// libcrypto does the work.
#include "support/sha256.h"

// SHA256() and EVP look their algorithm up in a provider: 12 ms for the first digest, 2 µs for each
// that follows. The functions below it are deprecated for that reason only, and do neither.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/evp.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>

namespace hcipol {

namespace {

using Digest = std::array<unsigned char, SHA256_DIGEST_LENGTH>;

Digest digest_of(std::string_view text) {
  Digest digest{};
  SHA256_CTX context;
  SHA256_Init(&context);
  SHA256_Update(&context, text.data(), text.size());
  SHA256_Final(digest.data(), &context);
  return digest;
}

}  // namespace

std::string sha256_hex(std::string_view text, std::size_t digits) {
  const Digest digest = digest_of(text);
  constexpr std::string_view letters = "0123456789abcdef";
  std::string out(std::min(digits, 2 * digest.size()), '0');
  for (std::size_t i = 0; i < out.size(); ++i) {
    const unsigned byte = digest[i / 2];
    out[i] = letters[i % 2 == 0 ? byte >> 4 : byte & 15];
  }
  return out;
}

std::string sha256_base64(std::string_view text) {
  const Digest digest = digest_of(text);
  std::array<unsigned char, 48> out{};  // and the zero that it writes
  const int size = EVP_EncodeBlock(out.data(), digest.data(), static_cast<int>(digest.size()));
  return {out.begin(), out.begin() + size};
}

}  // namespace hcipol
