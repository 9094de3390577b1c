/**
 * @file The .hcipol grammar.
 *
 * Small grammar, big schema: only five shapes exist (attribute, block, rule, check, expression). Which
 * blocks and attributes are legal where is the compiler's business, because the compiler can say *why*.
 *
 * Newlines are whitespace: an item starts with a bare word and a label is a string, so LR(1) always
 * knows where an expression ends.
 */

// Literals are lenient on purpose: 10.0.0.300, tpc/70000, 30days and 2022-9-31 are tokens, so that the
// compiler can say "an octet is at most 255" instead of "syntax error".
const V4 = /[0-9]+(\.[0-9]+)+/;
const V6 = /[0-9a-fA-F]*:[0-9a-fA-F]*(:[0-9a-fA-F]*)+(\.[0-9]+)*/;
const WORD = /[A-Za-z0-9_]+(-+[A-Za-z0-9_]+)*/;

module.exports = grammar({
  name: 'hcipol',

  word: $ => $.identifier,
  extras: $ => [/\s/, $.comment],
  supertypes: $ => [$._item, $._expression, $._literal],

  rules: {
    source_file: $ => repeat($._item),

    // ---- items ------------------------------------------------------------
    _item: $ => choice($.attribute, $.block, $.rule, $.check),

    attribute: $ => seq(field('name', $.identifier), '=', field('value', $._expression)),

    // `locals { … }`, `use "std/hci/21h2" as hci`, `enable "aks"`, `cluster "prod" { … }`
    block: $ => choice(
      seq(field('kind', $.identifier), field('body', $.body)),
      seq(field('kind', $.identifier),
          repeat1(field('label', $.string)),
          optional(seq('as', field('alias', $.identifier))),
          optional(field('body', $.body)))),

    body: $ => seq('{', repeat($._item), '}'),

    // allow "cluster-service" management -> servers on udp/3343
    rule: $ => seq(
      field('action', choice('allow', 'deny')),
      field('name', $.string),
      field('flow', $.flow),
      optional(field('body', $.body))),

    // expect deny internet -> servers on tcp/445
    check: $ => seq(
      field('verb', choice('expect', 'never', 'always')),
      field('action', choice('allow', 'deny')),
      field('flow', $.flow),
      optional(field('body', $.body))),

    // ---- expressions, loosest first ---------------------------------------
    _expression: $ => choice(
      $.flow, $.conditional, $.binary, $.unary,
      $.reference, $.member, $.index, $.call, $.parenthesized,
      $.list, $.object, $.for_list, $.for_object,
      $._literal),

    flow: $ => prec.right(1, seq(
      field('from', $._expression),
      field('arrow', choice('->', '<->')),
      field('to', $._expression),
      optional(seq('on', field('service', $._expression))))),

    conditional: $ => prec.right(2, seq(
      field('test', $._expression),
      '?', field('then', $._expression),
      ':', field('else', $._expression))),

    binary: $ => choice(...[
      ['||', 3], ['&&', 4],
      ['==', 5], ['!=', 5], ['<', 6], ['<=', 6], ['>', 6], ['>=', 6], ['in', 6],
      ['except', 7],
    ].map(([op, level]) => prec.left(level, seq(
      field('left', $._expression), field('operator', op), field('right', $._expression))))),

    unary: $ => prec(8, seq(field('operator', '!'), field('operand', $._expression))),

    reference: $ => $.identifier,
    member: $ => prec(10, seq(field('of', $._expression), '.', field('name', $.identifier))),
    index: $ => prec(10, seq(field('of', $._expression), '[', field('key', $._expression), ']')),
    call: $ => prec(11, seq(field('function', $.identifier), field('arguments', $.arguments))),
    arguments: $ => seq('(', optional(seq(commaSep1($._expression), optional(','))), ')'),
    parenthesized: $ => seq('(', $._expression, ')'),

    list: $ => seq('[', optional(seq(commaSep1($._expression), optional(','))), ']'),
    object: $ => seq('{', repeat(seq($.entry, optional(','))), '}'),
    entry: $ => seq(
      field('key', choice($.identifier, $.string)), '=', field('value', $._expression)),

    for_list: $ => seq(
      '[', $.for_clause, field('value', $._expression), optional($.if_clause), ']'),
    for_object: $ => seq(
      '{', $.for_clause, field('key', $._expression), '=>', field('value', $._expression),
      optional($.if_clause), '}'),
    for_clause: $ => seq(
      'for', field('first', $.identifier), optional(seq(',', field('second', $.identifier))),
      'in', field('in', $._expression), ':'),
    if_clause: $ => seq('if', field('test', $._expression)),

    // ---- literals ---------------------------------------------------------
    _literal: $ => choice($.string, $.text, $.boolean, $.null, $.number,
                          $.address, $.address_range, $.service, $.date, $.duration),

    boolean: _ => choice('true', 'false'),
    null: _ => 'null',
    number: _ => /[0-9]+/,
    address: _ => token(choice(V4, seq(V4, /\/[0-9]+/), V6, seq(V6, /\/[0-9]+/))),
    address_range: _ => token(choice(seq(V4, '-', V4), seq(V6, '-', V6))),
    service: _ => token(seq(/[A-Za-z][A-Za-z0-9]*/, '/', WORD)),
    date: _ => token(prec(1, /[0-9]+-[0-9]+-[0-9]+/)),
    duration: _ => /[0-9]+[A-Za-z][A-Za-z0-9]*/,

    // "…": one line. What an escape means is decided when the tree is built.
    string: $ => seq(
      '"',
      repeat(choice($.string_content, $._dollar, $.escape, $.interpolation)),
      token.immediate('"')),
    string_content: _ => token.immediate(prec(1, /[^"\\$\n]+/)),
    _dollar: _ => token.immediate('$'),
    escape: _ => token.immediate(prec(1, /\\([^\n]|u\{[^}"\n]*\})/)),
    interpolation: $ => seq(token.immediate(prec(1, '${')), $._expression, '}'),

    // """…""": several lines, without the indentation of the closing quotes.
    text: $ => seq(
      '"""',
      repeat(choice($.text_content, $._quote, $._dollar, $.escape, $.interpolation)),
      token.immediate('"""')),
    text_content: _ => token.immediate(prec(1, /[^"\\$]+/)),
    _quote: _ => token.immediate('"'),

    // A hyphen stands between letters, so that `a->b` is a flow and not the name `a-`.
    identifier: _ => /[A-Za-z_][A-Za-z0-9_]*(-+[A-Za-z0-9_]+)*/,
    comment: _ => /#[^\r\n]*/,
  },
});

function commaSep1(rule) { return seq(rule, repeat(seq(',', rule))); }
