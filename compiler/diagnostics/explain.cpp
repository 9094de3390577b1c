// The pages are compiled in, so that an answer needs no file beside the binary.
#include "diagnostics/explain.h"

#include <string>

#include "explain_pages.h"

namespace hcipol {

std::optional<std::string_view> explain(std::string_view code) {
  std::string wanted(code);
  for (char& c : wanted) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  for (const EmbeddedFile& page : explain_pages()) {
    if (page.path == wanted + ".md") return page.text;
  }
  return std::nullopt;
}

}  // namespace hcipol
