// What the rules of several servers have in common, made once: the servers of a cluster have much
// the same rules.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "backends/windows_firewall/document.h"
#include "flow/flow.h"

namespace hcipol::backends::windows_firewall {

/// Makes the forms of a document's rules, and finds them again for the servers that follow.
class Forms {
 public:
  /// A flow of which a form was made, and its services.
  struct Origin {
    const flow::Flow* flow = nullptr;
    const std::vector<Match>* matches = nullptr;
  };

  explicit Forms(Document& document) : document_(document) {}

  /// Makes room for forms that are to come.
  void reserve(std::size_t forms);
  /// The rules of another server follow.
  void start_script();

  /// `keyword_ids` are those of the shape's peers, by name or by tag as the shape says. The
  /// reference stays valid.
  const Form& of(const Shape& shape, const Origin& origin,
                 std::span<const std::string> keyword_ids);

  /// The form that was made of a server's flow before, if it is the one that is likely to be asked
  /// for next: servers have their flows in one order. Null otherwise.
  const Form* next_like(const flow::Flow& flow, bool inbound) const;
  const Origin& origin(const Form& form) const { return made_[form.number].origin; }

  /// Makes `out` the content of a rule, for the hash that ends its name.
  void content(std::string& out, std::string_view id, const Form& form,
               const AddressList& local) const;

 private:
  struct ShapeHash {
    std::size_t operator()(const Shape& shape) const;
  };
  /// What it takes to find and to name a form's rules.
  struct Made {
    Origin origin;
    // In contents_: what precedes the hash of the server's own addresses, and what follows it.
    std::size_t begin = 0, middle = 0, end = 0;
  };

  const Form* known(const Shape& shape);
  const Texts& texts(const policy::Rule& rule);
  void add_content(const Form& form, Made& made);

  Document& document_;
  std::vector<Made> made_;  ///< by number of the form
  std::string contents_;    ///< of all forms
  std::size_t before_ = 0;  ///< the forms of the scripts before this one
  std::size_t next_ = 0;    ///< the form after the one that was asked for last, if one of those
  std::unordered_map<Shape, std::size_t, ShapeHash> index_;  ///< of the first `indexed_`
  std::size_t indexed_ = 0;
};

}  // namespace hcipol::backends::windows_firewall
