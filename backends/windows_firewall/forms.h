// What the rules of several servers have in common, made once: the servers of a cluster have much
// the same rules.
#pragma once

#include <string>
#include <vector>

#include "backends/windows_firewall/document.h"

namespace hcipol::backends::windows_firewall {

/// Makes the forms of a document's rules.
class Forms {
 public:
  explicit Forms(Document& document) : document_(document) {}

  /// Makes room for forms that are to come.
  void reserve(std::size_t forms) {
    document_.forms.reserve(forms);
    document_.texts.reserve(forms);
  }

  /// `keyword_ids` are those of the shape's peers, by name or by tag as the shape says. The
  /// reference stays valid.
  const Form& of(const Shape& shape, std::vector<std::string> keyword_ids);

  /// Makes `out` the content of a rule, for the hash that ends its name.
  static void content(std::string& out, std::string_view id, const Form& form,
                      const AddressList& local);

 private:
  const Texts& texts(const policy::Rule& rule);
  void set_content(Form& form);

  Document& document_;
  std::string content_;  ///< of the form at hand
};

}  // namespace hcipol::backends::windows_firewall
