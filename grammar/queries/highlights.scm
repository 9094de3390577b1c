; Highlighting for editors that read tree-sitter queries.

(comment) @comment

(block kind: (identifier) @keyword)
(rule action: _ @keyword)
(check verb: _ @keyword)
(check action: _ @keyword)
["as" "on" "in" "for" "if" "except"] @keyword

["->" "<->" "=" "==" "!=" "<" "<=" ">" ">=" "&&" "||" "!" "?" ":" "=>"] @operator
["{" "}" "[" "]" "(" ")"] @punctuation.bracket
["," "."] @punctuation.delimiter

(block label: (string) @type)
(block alias: (identifier) @namespace)
(rule name: (string) @function)
(attribute name: (identifier) @property)
(entry key: (identifier) @property)
(member name: (identifier) @property)
(call function: (identifier) @function.call)
(for_clause first: (identifier) @variable.parameter)
(for_clause second: (identifier) @variable.parameter)
(reference (identifier) @variable)

[(address) (address_range) (service) (date) (duration) (number)] @number
[(boolean) (null)] @constant.builtin
[(string) (text)] @string
(escape) @string.escape
(interpolation "${" @punctuation.special "}" @punctuation.special)
