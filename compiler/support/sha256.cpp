// libcrypto does the work.
#include "support/sha256.h"

// SHA256() and EVP look their algorithm up in a provider: 12 ms for the first digest, 2 µs for each
// that follows. The functions below it are deprecated for that reason only, and do neither.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/evp.h>
#include <openssl/sha.h>

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

std::string sha256_hex(std::string_view text) {
  const Digest digest = digest_of(text);
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  out.reserve(2 * digest.size());
  for (const unsigned char byte : digest) {
    out += digits[byte >> 4];
    out += digits[byte & 15];
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
