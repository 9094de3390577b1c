#!/bin/sh
# hcipolc: loads, undoes and compares the files beside it for cluster prod. Generated; changes are lost.
base='HCI-prod'
hooks='FORWARD:HCI-prod'
table=shared
files='ipset rules.v4 rules.v6'

# What apply.sh does, the same for every cluster. `base` is what our chains and sets are called after, `hooks` says
# which built-in chains jump to which of them, `table` whether the whole filter table is ours or shared, and `files`
# what belongs beside this.
kind=iptables
before=${HCIPOLC_ROOT:-}/var/lib/hcipolc/$base
without_before=
remove_option=
[ "$table" = shared ] || remove_option=--without-before

families() {
  echo 4
  # A kernel without IPv6 has nothing to filter in it.
  [ ! -e /proc/net/if_inet6 ] || echo 6
}
tool() { [ "$1" = 4 ] && echo iptables || echo ip6tables; }
need_own_tools() {
  for f in $(families); do for part in "" -save -restore; do need "$(tool "$f")$part" iptables; done; done
  ! has ipset || need ipset ipset
}
nft_holds_rules() { case $(iptables -V) in *nf_tables*) ;; *) false ;; esac; }

# ---- states: STATE.4 and STATE.6 in $work are filter tables as iptables-save writes them, STATE.sets are sets of ours
# as ipset does. `old` is what was there, `now` what is, `wanted` what the kernel makes of our files alone: in its tools'
# own words, whatever their version.

# read_table FAMILY FILE. The nft variant says nothing of a table that nobody has used, and as little of one with a rule of
# nft itself, which it cannot show: what cannot be read is not empty.
read_table() {
  into "$2" "$(tool "$1")-save" -t filter || return 1
  grep -q '^:INPUT ' "$2" || "$(tool "$1")" -S >/dev/null || return 1
  grep -q '^:INPUT ' "$2" ||
    into "$2" printf '*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n'
}
# our_sets FILE: of what ipset saved.
our_sets() { awk -v base="$base" '($1 == "create" || $1 == "add") && index($2, base ".") == 1' "$1"; }
# Without the tool there can be none.
read_sets() {
  if command -v ipset >/dev/null; then
    into "$work/sets" ipset save && into "$1" our_sets "$work/sets"
  else
    into "$1" true
  fi
}
read_state() {
  for f in $(families); do
    why="the rules of IPv$f"
    read_table "$f" "$work/$1.$f" || return 1
  done
  clusters=" $(sed -nE 's/^:([^.]*)\.([io]\.)?(ours|others) .*/\1/p' "$work/$1".[46] | sort -u | tr '\n' ' ')"
  why="the sets"
  read_sets "$work/$1.sets"
}

# In a namespace of their own, which changes nothing here.
want_sets() {
  why="ipset is not taken"
  if has ipset; then
    into "$work/sets" unshare -n sh -c 'ipset restore <ipset && ipset save' && into "$work/wanted.sets" our_sets "$work/sets"
  else
    into "$work/wanted.sets" true
  fi
}
want_table() {
  why="rules.v$1 is not taken"
  steps="$(tool "$1")-restore -w 10 <rules.v$1"
  ! has ipset || steps="ipset restore <ipset && $steps"
  # The files have the hooks only where the whole table is theirs.
  [ "$table" = own ] || for h in $hooks; do steps="$steps && $(tool "$1") -w 10 -A ${h%%:*} -j ${h#*:}"; done
  into "$work/wanted.$1" unshare -n sh -c "$steps && $(tool "$1")-save -t filter" && loaded "$work/wanted.$1"
}
want_all() {
  want_sets || return 1
  for f in $(families); do want_table "$f" || return 1; done
}

# What every look at a table begins with. Hooks of other clusters are known by the chains that they
# lead to, in either family.
table_words='
  function ours(name) { return whole || name == base || index(name, base ".") == 1 }
  function built_in(name) { return name == "INPUT" || name == "FORWARD" || name == "OUTPUT" }
  function jump() { return NF == 4 && built_in($2) && $3 == "-j" }
  function our_hook() { return jump() && ($4 == base || $4 == base ".in" || $4 == base ".out") }
  function cluster(name) { sub(/\.(in|out)$/, "", name); return name }
  function is_cluster(name) { return index(clusters, " " cluster(name) " ") }'
look_at() {
  program=$1
  shift
  awk -v base="$base" -v clusters="$clusters" -v whole="$([ "$table" = shared ] || echo 1)" "$table_words $program" "$@"
}
# loaded FILE: whether it has a chain of ours.
loaded() {
  awk -v base="$base" '/^:/ { name = substr($1, 2); if (name == base || index(name, base ".") == 1) found = 1 }
    END { exit !found }' "$1"
}
# view FILE: what of it is ours, chain by chain; the order of chains means nothing.
view() {
  look_at '
    /^:/ && ours(substr($1, 2)) { print (built_in(substr($1, 2)) ? "-P " substr($1, 2) " " $2 : "-N " substr($1, 2)) }
    /^-A / && (ours($2) || our_hook())' "$1" | sort -s -k2,2
}
same_table() {
  into "$work/view.1" view "$1" && into "$work/view.2" view "$2" && cmp -s "$work/view.1" "$work/view.2"
}
# misplaced FILE: hooks of other clusters that are asked in another order than that of their names. In which order they
# came, at this boot or that, must not decide which policy is asked first of what passes between two clusters.
misplaced() {
  [ "$table" = shared ] || return 0
  look_at '
    /^-A / && our_hook() { mine[$2] = $4; next }
    /^-A / && jump() && is_cluster($4) {
      if (!($2 in mine) && cluster($4) > base) wrong[++n] = $2 " asks " $4 " before "
      if ($2 in mine && cluster($4) < base) wrong[++n] = $2 " asks " $4 " behind "
    }
    END { for (i = 1; i <= n; i++) { split(wrong[i], w, " "); if (w[1] in mine) print wrong[i] mine[w[1]] } }' "$1"
}

# transaction FROM TO PLACE: what iptables-restore makes the second of the first by, as far as it is ours, in one step.
# Chains that stay as they are are not named, and keep their counters. A hook that is missing comes where it was in the
# second with PLACE `there`, else first, but for those of other clusters, which are in the order of their names.
transaction() {
  look_at '
    FNR == 1 { file++ }
    /^:/ {
      chain = substr($1, 2)
      if (ours(chain)) { policy[file, chain] = $2; if (!(chain in known)) { known[chain]; all[++n] = chain } }
    }
    /^-A / && ours($2) { rules[file, $2] = rules[file, $2] $0 "\n"; next }
    /^-A / && built_in($2) {
      count[file, $2]++
      if (our_hook()) { hook[file, $2] = hook[file, $2] " " $4; at[file, $2] = count[file, $2] }
      else if (file == 1) { other[$2, ++others[$2]] = jump() ? $4 : "" }
    }
    # The place among the rules that are not ours of the hook NAME.
    function place(chain, name,   i, last) {
      last = 0
      for (i = 1; i <= others[chain]; i++)
        if (is_cluster(other[chain, i])) { if (cluster(other[chain, i]) > base) return i; last = i }
      return last + 1
    }
    function hooks(chain,   names, k, i, put) {
      if (where == "there") { put = at[2, chain]; if (put > others[chain] + 1) put = others[chain] + 1 }
      else put = place(chain)
      if (hook[1, chain] == hook[2, chain] && (hook[2, chain] == "" || where == "there" || !(chain in moved))) return
      k = split(hook[1, chain], names, " ")
      for (i = 1; i <= k; i++) print "-D " chain " -j " names[i]
      if (split(hook[2, chain], names, " ")) print "-I " chain " " put " -j " names[1]
    }
    END {
      m = split(misplaced, word, " ")
      for (i = 1; i <= m; i++) moved[word[i]]
      print "*filter"
      for (i = 1; i <= n; i++) {
        c = all[i]
        gone[c] = !((2, c) in policy)
        change[c] = gone[c] || policy[1, c] != policy[2, c] || rules[1, c] != rules[2, c]
        if (change[c]) print ":" c " " (gone[c] ? "-" : policy[2, c]) " [0:0]"
        if (change[c] && built_in(c)) flushed = flushed "-F " c "\n"
      }
      printf "%s", flushed
      for (i = 1; i <= n; i++) if (change[all[i]] && !gone[all[i]]) printf "%s", rules[2, all[i]]
      if (!whole) { hooks("INPUT"); hooks("FORWARD"); hooks("OUTPUT") }
      for (i = 1; i <= n; i++) if (gone[all[i]]) print "-X " all[i]
      print "COMMIT"
    }' where="$3" misplaced="$(misplaced "$1" | cut -d ' ' -f 1)" "$1" "$2"
}
put_table() { # FAMILY FROM TO PLACE
  into "$work/put" transaction "$2" "$3" "$4" && "$(tool "$1")-restore" -w 10 --noflush <"$work/put"
}

# ---- sets

# How a set was made, but for what its size and chance decide; and, with `members`, what is in it. Sets that dnsmasq fills
# have a timeout, and what it learnt is nothing to compare.
set_words='
  function options(line) { gsub(/ (hashsize|bucketsize|initval) [^ ]*/, "", line); return line }
  function learns(line) { return line ~ / timeout / }'
# view_sets FILE
view_sets() {
  awk "$set_words"'
    $1 == "create" { if (learns($0)) learnt[$2]; print options($0) }
    $1 == "add" && !($2 in learnt) { print $2, $3 }' "$1" | sort
}
same_sets() {
  into "$work/view.1" view_sets "$1" && into "$work/view.2" view_sets "$2" && cmp -s "$work/view.1" "$work/view.2"
}
# fill FROM TO: what ipset makes the second of the first by, but for sets that the second has not. Each set that is there
# is filled beside itself and swapped; what dnsmasq learnt stays.
fill() {
  awk "$set_words"'
    FNR == 1 { file = FILENAME == ARGV[2] ? 2 : 1 }
    $1 == "create" { made[file, $2] = $0; if (file == 2) all[++n] = $2; next }
    $1 == "add" { what[file, $2, ++size[file, $2]] = $0; there[file, $2, $3] }
    function put(name, copy, file,   line, i) {
      line = made[2, name]
      sub("^create " name, "create " copy, line)
      print line
      for (i = 1; i <= size[file, name]; i++) {
        line = what[file, name, i]
        sub("^add " name, "add " copy, line)
        if (file == 1) sub(/ timeout .*/, "", line)
        print line
      }
    }
    function same(name,   word, i) {
      if (options(made[1, name]) != options(made[2, name])) return 0
      if (learns(made[2, name])) return 1
      if (size[1, name] != size[2, name]) return 0
      for (i = 1; i <= size[2, name]; i++) {
        split(what[2, name, i], word, " ")
        if (!((1, name, word[3]) in there)) return 0
      }
      return 1
    }
    END {
      for (i = 1; i <= n; i++) {
        name = all[i]
        if (!((1, name) in made)) { put(name, name, 2); continue }
        if (same(name)) continue
        put(name, name "-n", learns(made[1, name]) && learns(made[2, name]) ? 1 : 2)
        print "swap " name "-n " name "\ndestroy " name "-n"
      }
    }' "$1" "$2"
}
put_sets() { # FROM TO
  # Nothing to do needs no tool.
  into "$work/put" fill "$1" "$2" && { [ ! -s "$work/put" ] || ipset restore <"$work/put"; }
}
# drop_sets FILE: those of ours that it does not have, each; an old copy that a load left among them.
drop_sets() {
  read_sets "$work/now.sets" || return 1
  dropped=0
  for name in $(awk '$1 == "create" { if (FILENAME == ARGV[1]) stays[$2]; else if (!($2 in stays)) print $2 }' \
    "$1" "$work/now.sets"); do
    ipset destroy "$name" || dropped=1
  done
  return "$dropped"
}

# ---- what the commands do

# other_variant: what the variant that is not asked here has. Both are asked for every packet.
other_variant() {
  case $(iptables -V) in *legacy*) other=nft ;; *) other=legacy ;; esac
  elsewhere=
  : >"$work/others"
  for f in $(families); do
    t=$(tool "$f")-$other-save
    ! command -v "$t" >/dev/null || "$t" 2>/dev/null >>"$work/others"
  done
  ! loaded "$work/others" || elsewhere="iptables-$other has chains of $base as well, from before the variant was changed"
  [ -z "$elsewhere" ] || say "warning: $elsewhere"
  ! grep -Eq '^-A |^:[^ ]+ DROP ' "$work/others" ||
    say "warning: iptables-$other has rules as well, and both variants are asked for every packet"
}
# Tables of nft itself (firewalld's, a policy's for nftables) are asked as well, whatever is accepted here; and chains of
# nft itself in a table that is called as one of iptables'.
other_tables() {
  command -v nft >/dev/null || return 0
  nft list chains 2>/dev/null | awk -v hooks="$hooks" '
    /^table/ { t = $2 " " $3; next }
    /^\tchain/ { c = $2 }
    t ~ /^(ip|ip6) (filter|mangle|nat|raw|security)$/ && c ~ /^[A-Z]+$/ { next }
    / hook / && t ~ /^(ip|ip6|inet) / {
      for (i = 1; i < NF; i++) if ($i == "hook" && index(hooks, toupper($(i + 1)) ":")) print t ": " c
    }' | while read -r line; do
    say "note: nft's table $line is asked as well: what it drops stays dropped, whatever is accepted here"
  done
}

take_stock() {
  other_variant
  # A copy that a load left is nothing to come back to.
  read_sets "$work/old.sets" || return 1
  awk '$1 == "create" && $2 !~ /-n$/' "$work/old.sets" >"$work/no.copies" && drop_sets "$work/no.copies" || return 1
  read_state old || return 1
  room_for_ours
  [ "$table" = shared ] || others_go
}
# Of a table that is one cluster's as a whole there is nothing left for another.
room_for_ours() {
  for b in "${before%/*}"/*; do
    case $table:$b in "own:$before" | *.new) continue ;; esac
    [ ! -e "$b" ] || die "the whole filter table is ${b##*/}'s: remove that first"
  done
  [ "$table" = own ] || return 0
  for c in $clusters; do
    [ "$c" = "$base" ] || die "the whole filter table would be $base's, and $c has chains in it: remove that first"
  done
}
is_loaded() { for f in $(families); do loaded "$work/old.$f" || return 1; done; }
# The rule does nothing but ask.
watch_rule='FORWARD -m conntrack --ctstate NEW -m comment --comment hcipolc-watch'
watch() { for f in $(families); do "$(tool "$f")" -w 10 -A $watch_rule || return 1; done; }
unwatch() { for f in $(families); do "$(tool "$f")" -w 10 -D $watch_rule 2>/dev/null; done; }
# In which order? Sets, the rules that name them, and what fills them.
load_rules() {
  want_sets && put_sets "$work/old.sets" "$work/wanted.sets" || fail "ipset does not take its file"
  for f in $(families); do
    want_table "$f" && load_table "$f" || fail "$(tool "$f") does not take rules.v$f"
  done
  load_names
}
load_table() {
  same_table "$work/old.$1" "$work/wanted.$1" && [ -z "$(misplaced "$work/old.$1")" ] ||
    put_table "$1" "$work/old.$1" "$work/wanted.$1" first
}
# Whether the kernel has them now; sets that nothing names any more are still there.
verify_rules() {
  read_state now && into "$work/put" fill "$work/now.sets" "$work/wanted.sets" && [ ! -s "$work/put" ] || return 1
  for f in $(families); do
    same_table "$work/wanted.$f" "$work/now.$f" && [ -z "$(misplaced "$work/now.$f")" ] || return 1
  done
}
# Rules, then the sets that only the new ones name.
take_back_rules() {
  read_state now || return 1
  bad_rules=0
  put_sets "$work/now.sets" "$work/old.sets" || bad_rules=1
  for f in $(families); do
    same_table "$work/now.$f" "$work/old.$f" || put_table "$f" "$work/now.$f" "$work/old.$f" there || bad_rules=1
  done
  drop_sets "$work/old.sets" || bad_rules=1
  read_state now && same_sets "$work/now.sets" "$work/old.sets" || bad_rules=1
  for f in $(families); do same_table "$work/now.$f" "$work/old.$f" || bad_rules=1; done
  [ "$bad_rules" != 0 ] || [ -z "$made_before" ] || rm -rf "$before"
  return "$bad_rules"
}
settle_rules() {
  # Not before: the rules that were there name them.
  drop_sets "$work/wanted.sets" || broken "a set that no file has is still used by somebody else's rule"
}

check_rules() {
  other_variant
  other_tables
  want_all || die "$why"
  read_state old || die "cannot read $why"
  room_for_ours
  [ "$table" = shared ] || others_go
}
# What others saved while ours were loaded names sets that are not there yet when they load it.
warn_of_saved() {
  for b in "$root"/etc/iptables/rules.v[46] "$root"/etc/sysconfig/ip*tables; do
    ! grep -qs -e "--match-set $base\." "$b" ||
      say "warning: $b was saved while rules of $base were loaded: at boot their sets are not there, and all of it fails;" \
        "this takes them out: sed -i -E '/[: ]$base([. ]|\$)/d' $b"
  done
}

# difference A B: of what was compared last.
difference() { diff -U0 "$work/view.1" "$work/view.2" | sed '1,2d; /^@/d'; }
rules_status() {
  read_state now || return 1
  want_all || return 1
  for f in $(families); do
    if ! loaded "$work/now.$f"; then
      differs "IPv$f: not loaded"
    elif ! same_table "$work/wanted.$f" "$work/now.$f"; then
      differs "IPv$f: differs from rules.v$f (- the file, + the kernel)"
      difference
    fi
    wrong=$(misplaced "$work/now.$f")
    [ -z "$wrong" ] || differs "IPv$f: clusters are not asked in the order of their names (apply): $wrong"
  done
  same_sets "$work/wanted.sets" "$work/now.sets" || {
    differs "sets: differ from ipset (- the file, + the kernel)"
    difference
  }
}

# The first rule that decides is asked alone, and what comes first changes: Docker puts its own there at every start.
# What others have put before ours is theirs to say, so it is named and not moved.
place_status() {
  other_variant
  [ -z "$elsewhere" ] || differs "$elsewhere"
  other_tables
  [ "$table" = shared ] || return 0
  for f in $(families); do
    look_at '
      /^-A / && our_hook() { there[$2] = $4; next }
      /^-A / && built_in($2) && !($2 in there) {
        if (NF == 4 && is_cluster($4)) { if (!foreign[$2]) ahead[$2]++ } else { foreign[$2] = 1; line[$2, ++n[$2]] = $0 }
      }
      END {
        for (c in there) {
          for (i = 1; i <= n[c]; i++) print there[c], line[c, i]
          if (n[c]) print "! " c " " ahead[c] + 1 " " there[c]
        }
      }' "$work/now.$f" >"$work/ahead"
    while read -r hook line; do
      case "$hook $line " in
        '! '*)
          set -- $line
          say "note: this puts it first again: printf '*filter\n-D $1 -j $3\n-I $1 $2 -j $3\nCOMMIT\n' |" \
            "$(tool "$f")-restore -w 10 --noflush"
          ;;
        *" -j ACCEPT "* | *" -j DROP "* | *" -j REJECT "* | *" -j QUEUE "* | *" -j NFQUEUE "*)
          differs "IPv$f: decides before $hook is asked: $line"
          ;;
        *) say "note: IPv$f: is asked before $hook: $line" ;;
      esac
    done <"$work/ahead"
  done
}

# ---- the whole filter table, where it is ours

# others_of FILE: the built-in chains and what is of others, as a file that can be loaded.
others_of() {
  awk -v base="$base" '
    function ours(name) { return name == base || index(name, base ".") == 1 }
    /^#/ || /^:/ && ours(substr($1, 2)) { next }
    /^-A / { for (i = 1; i < NF; i++) if (($i == "-A" || $i == "-j" || $i == "-g") && ours($(i + 1))) next }
    { print }' "$1"
}
# accepting FILE: the same where everything passes that no rule decides.
accepting() { others_of "$1" | sed 's/^\(:[A-Z]* \)DROP /\1ACCEPT /'; }
count_others() { others_of "$1" | grep -c '^-A '; }
others_go() {
  for f in $(families); do
    case " $hooks" in
      *" INPUT:"*) ;;
      *) ! grep -q '^:INPUT DROP ' "$work/old.$f" || say "IPv$f: INPUT's policy DROP becomes ACCEPT: the gateway itself is open" ;;
    esac
    n=$(count_others "$work/old.$f")
    [ "$n" != 0 ] || continue
    if loaded "$work/old.$f" && [ -e "$before" ]; then
      say "$n rules of others, added since ours were loaded, go from the filter table of IPv$f for good"
    else
      say "$n rules of others go from the filter table of IPv$f, until \`apply.sh remove\`"
    fi
  done
}
# What `remove` brings back: the table as it was before the first of ours, written before that is loaded. Of a table
# that is ours already, without a rule of others, nobody knows what it was.
made_before=
keep_before() {
  [ "$table" = own ] || return 0
  foreign=
  held=
  for f in $(families); do
    ! loaded "$work/old.$f" || held=1
    [ "$(count_others "$work/old.$f")" = 0 ] || foreign=1
  done
  if [ -n "$held" ]; then
    [ ! -e "$before" ] && [ -n "$foreign" ] || return 0
  elif [ -e "$before" ] && [ -e "$units/$unit" ]; then
    return 0
  fi
  rm -rf "$before.new"
  mkdir -p "$before.new" || return 1
  for f in $(families); do into "$before.new/filter.v$f" others_of "$work/old.$f" || return 1; done
  sync "$before.new"/* && rm -rf "$before" && mv "$before.new" "$before" && made_before=1
}
# What an unconfirmed load takes back, it takes back as a whole.
warn_of_wait() {
  [ "$table" = shared ] || say "until then let nobody else change the filter table: taking it back takes that as well"
}

# is_known FAMILY: whether its table can be brought back, and is to be.
is_known() { [ -z "$without_before" ] && grep -qsx COMMIT "$before/filter.v$1"; }
# It may name what is gone by now: sets of others, users, interfaces' groups.
test_before() {
  for f in $(families); do
    ! loaded "$work/now.$f" || ! is_known "$f" || "$(tool "$f")-restore" --test --noflush <"$before/filter.v$f" ||
      die "$(tool "$f") does not take what was here before, $before/filter.v$f: bring back what it names, or use" \
        "\`remove --without-before\`, which lets pass whatever no rule decides; nothing was changed"
  done
}
remove_rules() {
  other_variant
  read_state now || die "cannot read $why"
  [ "$table" = own ] || [ ! -e "$before" ] || die "the whole filter table is $base's: use the apply.sh that loaded it"
  ! grep -q -e "--match-set $base\." "$work"/now.[46] || command -v ipset >/dev/null || die "not installed here: ipset"
  [ "$table" = shared ] || [ -n "$without_before" ] || test_before
  for f in $(families); do
    into "$work/to" printf '*filter\nCOMMIT\n' || die "cannot write $work"
    loaded "$work/now.$f" || [ "$table" = shared ] || continue
    if [ "$table" = own ] && is_known "$f"; then
      into "$work/to" cat "$before/filter.v$f" || die "cannot read $before"
    elif [ "$table" = own ]; then
      into "$work/to" accepting "$work/now.$f" || die "cannot write $work"
      [ -n "$without_before" ] ||
        say "warning: what was in the filter table of IPv$f before is not known: it lets pass now whatever no rule decides"
    fi
    put_table "$f" "$work/now.$f" "$work/to" there || die "another rule of $(tool "$f") leads to a chain of $base"
  done
  into "$work/nothing" true
  drop_sets "$work/nothing" ||
    die "another rule names a set of $base${elsewhere:+; $elsewhere: let update-alternatives choose it, and remove again}"
  read_state now || die "cannot read $why"
  for f in $(families); do ! loaded "$work/now.$f" || die "chains of $base are still there"; done
  [ -z "$elsewhere" ] || left="$left; $elsewhere: let update-alternatives choose it, and remove again"
  away "$before" "$before.new"
  rmdir "${before%/*}" 2>/dev/null || :
}

# ---- the same for every device. Its own are above: what `kind` of rules it loads, need_own_tools, nft_holds_rules,
# take_stock of what there is of ours, which is_loaded asks, keep_before and warn_of_wait for what goes with it, watch and
# unwatch, load_rules with load_names within it, verify_rules, take_back_rules, settle_rules once they stay, check_rules,
# warn_of_saved, rules_status, place_status and remove_rules, which may have a remove_option. What cannot be read or
# written fails with `why`.

usage() {
  cat <<TEXT
usage: sh apply.sh COMMAND, as root, beside the files that it loads

  check                whether this machine takes the files; changes no rule
  apply                loads them, and takes them back after 60 s unless confirmed
    --within SECONDS   … after SECONDS, 300 at most
    --yes              … never: the files have been tried
    --at-boot          … never, and what is loaded stays, whatever fails
  confirm              keeps what \`apply\` loaded; from a new connection, which proves that you still get in
  status               what differs from the files; 0 if nothing does
  persist              loads at every boot as well what is loaded now (systemd)
  remove               takes all of $base off this machine${remove_option:+
    $remove_option   … and brings nothing back of what was here before}
TEXT
  exit 2
}

# What this writes outside the kernel lies below $root, so that it can be tried elsewhere; systemd is asked there only if
# HCIPOLC_SYSTEMCTL says how. HCIPOLC_WATCH is how long a first load looks at open connections. A cluster's rules for another kind of firewall may be here as well: nothing is called as
# theirs is.
root=${HCIPOLC_ROOT:-}
me=$kind-$base
run=$root/run/hcipolc
PATH=$PATH:/usr/sbin:/sbin
export PATH LC_ALL=C
umask 077
at_boot=
failed=
why=
patience=20 # seconds
watch_seconds=${HCIPOLC_WATCH:-5}
systemctl=${HCIPOLC_SYSTEMCTL:-}
[ -n "$systemctl$root" ] || systemctl=$(command -v systemctl)
cd -- "$(dirname -- "$0")" || exit 1

say() { printf '%s\n' "$base: $*"; }
die() {
  say "$*" >&2
  exit 1
}
differs() {
  say "$*"
  same=1
}
# What does not succeed, but is no reason to take all back; and what is, but at boot, where half is more than nothing.
broken() {
  say "$*" >&2
  failed=1
}
fail() { if [ -n "$at_boot" ]; then broken "$*"; else roll_back "$*"; fi; }

# into FILE COMMAND…: what the command writes, all of it. The tools of the kernel do not say that a file system is full;
# cat does.
into() {
  into=$1
  shift
  into_status=$({ { "$@" && echo ok >&3; } | cat >"$into"; } 3>&1) && [ "$into_status" = ok ]
}
# put_file NEW FILE: the one in the place of the other, which goes if there is none; in one step.
put_file() {
  if [ ! -e "$1" ]; then
    [ ! -e "$2" ] || rm -f "$2"
  elif ! cmp -s "$1" "$2"; then
    mkdir -p "${2%/*}" && cp "$1" "$2~" && chmod 644 "$2~" && mv "$2~" "$2" || { rm -f "$2~" && false; }
  fi
}

# has FILE: whether it belongs here. Another one that lies here is of another revision.
has() { case " $files " in *" $1 "*) ;; *) false ;; esac }
need_files() {
  for f in $files; do [ -e "$f" ] || die "no $f beside apply.sh: copy the whole folder"; done
}
# need TOOL PACKAGE: in `missing`, the packages of those that are not here.
need() {
  command -v "$1" >/dev/null && return
  case " $missing " in *" $2 "*) ;; *) missing="$missing $2" ;; esac
}
need_kernel_tools() {
  missing=
  need flock util-linux
  need unshare util-linux
  need_own_tools
}
need_no_more() { [ -z "$missing" ] || die "not installed here:$missing (Debian, Ubuntu: apt-get install$missing)"; }
need_tools() {
  need_files
  need_kernel_tools
  ! has dnsmasq.conf || [ -n "$at_boot" ] || need dnsmasq dnsmasq
  need_no_more
  [ -n "$at_boot" ] || need_snippets
}

# A folder of its own, in which nobody tidies up at boot.
make_work() {
  mkdir -p "$run" || die "cannot write $run"
  work=$(mktemp -d "$run/work.$$.XXXXXX") || die "no temporary folder"
  trap 'rm -rf "$work"' EXIT
  trap 'exit 1' HUP INT TERM QUIT
  # Of those who were killed.
  for w in "$run"/work.*; do
    pid=${w#"$run/work."}
    kill -0 "${pid%%.*}" 2>/dev/null || rm -rf "$w"
  done
}
# Of those that have loaded something and wait, behind a comma.
waiting() {
  for w in "$run"/*.waiting; do
    [ ! -e "$w" ] || { w=${w##*/} && echo ", ${w%.waiting} waits to be confirmed"; }
  done
}
lock() {
  make_work
  exec 9>"$run/lock" || exit 1
  flock -w "$patience" 9 || die "another apply.sh is at work$(waiting)"
  tell_of_killed
  rm -f "$run"/*.waiting "$run"/*.confirmed
}
# Of those that hold the lock no more.
tell_of_killed() {
  for w in "$run"/*.waiting "$run"/*.confirmed; do
    [ ! -e "$w" ] || { w=${w##*/} && say "note: an apply of ${w%.*} ended before it was done; what it loaded stands, unconfirmed"; }
  done
}
# Who only reads waits for nobody.
look() {
  make_work
  exec 9>"$run/lock" || exit 1
  if flock -n -s 9; then tell_of_killed; else say "another apply.sh is at work$(waiting): what it has loaded may change yet"; fi
  exec 9>&-
}

# ---- at boot: a copy of the files, and a unit that loads it

homes=$root/etc/hcipolc
kept=$homes/$me
units=$root/etc/systemd/system
unit=hcipolc-$me.service

# What loads rules of others at boot may begin with taking away all rules: this comes after it, and again whenever it is
# run again. Those that are not here cost nothing.
loaders='nftables.service netfilter-persistent.service iptables.service ip6tables.service ferm.service firewalld.service'
unit_text() {
  cat <<TEXT
# Written by hcipolc's apply.sh. Before the network, so that no packet passes without the rules; after those who load a
# whole ruleset of their own, \`flush ruleset\` and all, and again whenever they do.
[Unit]
Description=hcipolc: packet filter rules of $base ($kind)
DefaultDependencies=no
After=local-fs.target systemd-modules-load.service $loaders
PartOf=$loaders
ReloadPropagatedFrom=$loaders
Wants=network-pre.target
Before=network-pre.target dnsmasq.service shutdown.target
Conflicts=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh /etc/hcipolc/$me/apply.sh apply --at-boot
ExecReload=/bin/sh /etc/hcipolc/$me/apply.sh apply --at-boot
TimeoutStartSec=360

[Install]
WantedBy=sysinit.target $loaders
TEXT
}

# same_as_loaded: nothing is to come at boot that has never been loaded.
same_as_loaded() {
  same=0
  rules_status >"$work/said" || die "cannot read or compare: $why"
  ! has dnsmasq.conf || cmp -s dnsmasq.conf "$mine" || differs "dnsmasq: its names are not those of dnsmasq.conf" >>"$work/said"
  [ "$same" = 0 ] || cat "$work/said" >&2
  return "$same"
}
# The copies but for one.
drop_copies() {
  for d in "$kept".??????; do [ ! -d "$d" ] || [ "$d" = "$1" ] || rm -rf "$d"; done
}

persist() {
  need_tools
  lock
  same_as_loaded || die "these files are not what is loaded: \`apply\` and \`confirm\` them first"
  mkdir -p "$homes" "$units" || die "cannot write $homes"
  new=$(mktemp -d "$kept.XXXXXX") || die "cannot write beside $kept"
  trap 'rm -rf "$work" "$new" "$new.link" "$units/$unit.new"' EXIT
  for f in $files apply.sh; do cp "$f" "$new/" || die "cannot copy $f"; done
  unit_text >"$units/$unit.new" && chmod 644 "$units/$unit.new" || die "cannot write $unit"
  sync "$new"/* "$new" "$units/$unit.new" || die "cannot write $kept"
  # A link changes in one step, so that a boot meets the one copy or the other.
  ln -s "${new##*/}" "$new.link" && mv -T "$new.link" "$kept" || die "cannot replace $kept"
  trap 'rm -rf "$work"' EXIT
  mv "$units/$unit.new" "$units/$unit" || die "cannot write $unit"
  drop_copies "$new"
  if [ -n "$systemctl" ]; then
    "$systemctl" daemon-reload && "$systemctl" -q enable "$unit" || die "systemctl does not take the unit"
  else
    say "enable $unit"
  fi
  warn_of_flush
  warn_of_saved
  say "loaded at every boot, from /etc/hcipolc/$me"
}

warn_of_flush() {
  nft_holds_rules && grep -Eqs '^[[:blank:]]*flush[[:blank:]]+ruleset' "$root/etc/nftables.conf" || return 0
  say "note: /etc/nftables.conf has \`flush ruleset\`, so loading it takes these rules away; after \`persist\`," \
    "\`systemctl restart nftables\` loads them again, \`nft -f\` does not"
}

boot_status() {
  [ -e "$units/$unit" ] || {
    say "not loaded at boot (apply.sh persist)"
    return
  }
  for f in $files apply.sh; do
    cmp -s "$f" "$kept/$f" || differs "at boot another $f is loaded than this one (apply.sh persist)"
  done
  unit_text | cmp -s - "$units/$unit" || differs "$unit is not what \`apply.sh persist\` writes"
  [ -z "$systemctl" ] || "$systemctl" -q is-enabled "$unit" || differs "$unit is not enabled, so nothing is loaded at boot"
}

# A unit that is gone but still active could not be started again later.
drop_boot() {
  if [ -e "$units/$unit" ]; then
    [ -z "$systemctl" ] || "$systemctl" -q disable --now "$unit" || left="$left; systemctl does not stop $unit"
    away "$units/$unit"
    [ -z "$systemctl" ] || "$systemctl" daemon-reload || left="$left; systemctl does not reload"
  fi
  away "$kept" "$units/$unit.new"
  for d in "$kept".?????? "$kept".??????.link; do [ ! -e "$d" ] && [ ! -L "$d" ] || away "$d"; done
}

# ---- dnsmasq, where the policy has names. Of two lines for one domain it takes the first, in whatever files they stand,
# and of several lines that match a name the longest. So the clusters of a machine share one file: each leaves its own in
# $names, and $snippet is made of all of them.

names=$root/etc/hcipolc/dnsmasq.d
mine=$names/$me.conf
snippets=$root/etc/dnsmasq.d
snippet=$snippets/hcipolc.conf
cache=$snippets/hcipolc-cache.conf
# How long sets keep an address.
learnt_seconds=86400
changed_names=

need_snippets() {
  ! has dnsmasq.conf || [ -d "$snippets" ] ||
    die "no $snippets, so every name would stay blocked: apt-get install dnsmasq, or link it to the folder that the" \
      "dnsmasq here reads"
}

# The files of others that dnsmasq reads.
other_files() {
  for f in "$root/etc/dnsmasq.conf" "$snippets"/*; do
    case $f in "$snippet" | "$cache" | *.dpkg-dist | *.dpkg-old | *.dpkg-new | *'~') continue ;; esac
    [ ! -f "$f" ] || printf '%s\n' "$f"
  done
}
# bounds_of_others: FILE OPTION SECONDS. A second line of one of these options keeps dnsmasq from starting.
bounds_of_others() {
  other_files | while read -r f; do
    sed -nE 's/^[[:blank:]]*(max-cache-ttl|max-ttl)[[:blank:]]*=[[:blank:]]*([0-9]+).*/\1 \2/p' "$f" | sed "s|^|$f |"
  done
}
# wanted_cache: dnsmasq-cache.conf without what others have set.
wanted_cache() {
  into "$work/bounds" bounds_of_others && awk 'FILENAME == ARGV[1] { set[$2]; next }
    { split($0, part, "=") }
    /^#/ { head = head $0 "\n"; next }
    !(part[1] in set) { body = body $0 "\n" }
    END { if (body != "") printf "%s", head body }' "$work/bounds" dnsmasq-cache.conf
}
# rivals: FILE DOMAIN for lines of others that keep names of ours from our sets.
rivals() {
  other_files | while read -r f; do
    awk -v file="$f" '
      function option() { return match($0, /^[ \t]*(ipset|nftset)[ \t]*=/) ? ($0 ~ /^[ \t]*i/ ? "ipset" : "nftset") : "" }
      { kind = option(); if (kind == "") next; n = split(tolower($0), part, "/") }
      FILENAME == ARGV[1] { for (i = 2; i < n; i++) ours[kind, part[i]]; next }
      {
        for (i = 2; i < n; i++)
          for (domain = part[i]; domain != ""; domain = substr(domain, dot + 1)) {
            if ((kind, domain) in ours) { print file, part[i]; break }
            if (!(dot = index(domain, "."))) break
          }
      }' dnsmasq.conf "$f"
  done
}
warn_of_names() {
  has dnsmasq.conf || return 0
  bounds_of_others | while read -r f option seconds; do
    [ "$seconds" -gt 0 ] && [ "$seconds" -le "$learnt_seconds" ] ||
      say "warning: $option=$seconds in $f lets answers be kept for longer than addresses ($learnt_seconds s): names will be blocked at times"
  done
  rivals | while read -r f domain; do
    say "warning: $f has a line for $domain as well, and only one of two counts: take it out there, or that name may stay blocked"
  done
}

# joined FILE…: a line for each domain, with the sets of all domains that it lies below.
joined() {
  echo "# Written by hcipolc's apply.sh, from the files in /etc/hcipolc/dnsmasq.d; changes are lost."
  awk '
    match($0, /^(ipset|nftset)=\//) {
      option = substr($0, 1, RLENGTH)
      rest = substr($0, RLENGTH + 1)
      slash = index(rest, "/")
      key = option substr(rest, 1, slash - 1)
      there[key] = there[key] "," substr(rest, slash + 1)
    }
    END {
      for (key in there) {
        slash = index(key, "/")
        option = substr(key, 1, slash)
        for (domain = substr(key, slash + 1); domain != ""; domain = substr(domain, dot + 1)) {
          if ((option domain) in there) {
            n = split(substr(there[option domain], 2), set, ",")
            for (i = 1; i <= n; i++) print key "/", set[i]
          }
          if (!(dot = index(domain, "."))) break
        }
      }
    }' "$@" | sort -u | awk '
    function put() { if (line != "") { print line; if (length(line) > 1024) long = 1 } }
    $1 == key { line = line "," $2; next }
    { put(); key = $1; line = $1 $2 }
    END { put(); exit long }'
}
# make_names [FILE]: in $work/dns what dnsmasq would read with FILE as our names. The cache has a bound as long as a
# cluster here has names.
make_names() {
  rm -rf "$work/dns"
  mkdir -p "$work/dns/each" "$work/dns/dnsmasq.d" || return 1
  why="the files in $names cannot be read"
  for f in "$names"/*.conf; do
    [ "$f" = "$mine" ] || [ ! -e "$f" ] || into "$work/dns/each/${f##*/}" cat "$f" || return 1
  done
  if [ -n "${1-}" ] && has "$1"; then into "$work/dns/each/$me.conf" cat "$1" || return 1; fi
  set -- "$work/dns/each"/*.conf
  if [ -e "$1" ]; then
    why="a domain has more sets than a line of dnsmasq takes (1024 bytes)"
    into "$work/dns/dnsmasq.d/${snippet##*/}" joined "$@" || return 1
    why="the files of dnsmasq cannot be read"
    if has dnsmasq-cache.conf; then
      into "$work/cache" wanted_cache || return 1
    elif [ -e "$cache" ]; then
      into "$work/cache" cat "$cache" || return 1
    fi
  elif [ -e "$cache" ] && ! grep -q '^# hcipolc:' "$cache"; then
    into "$work/cache" cat "$cache" || return 1
  fi
  [ ! -s "$work/cache" ] || mv "$work/cache" "$work/dns/dnsmasq.d/${cache##*/}"
}
# As a whole, with the files of others: dnsmasq does not start over one bad line.
test_names() {
  command -v dnsmasq >/dev/null || { why="no dnsmasq is installed" && return 1; }
  ! has dnsmasq.conf || dnsmasq --test -C "$PWD/dnsmasq.conf" || { why="dnsmasq does not take dnsmasq.conf" && return 1; }
  cp -R "$work/dns" "$work/test" || return 1
  : >"$work/test/dnsmasq.conf"
  why="the files of dnsmasq cannot be read"
  other_files | while read -r f; do
    case $f in
      "$snippets"/*) into "$work/test/dnsmasq.d/${f##*/}" cat "$f" ;;
      *) into "$work/test/dnsmasq.conf" sed "s|$snippets|$work/test/dnsmasq.d|g" "$f" ;;
    esac || exit 1
  done || return 1
  why="dnsmasq would not start with all of its files"
  dnsmasq --test -C "$work/test/dnsmasq.conf" -7 "$work/test/dnsmasq.d,.dpkg-dist,.dpkg-old,.dpkg-new" >"$work/tested" 2>&1
  tested=$?
  sed "s|$work/test/|$root/etc/|g" "$work/tested" >&2
  rm -rf "$work/test"
  return "$tested"
}
# put_names: what make_names made, in the place of what is there.
put_names() {
  why="the files of dnsmasq cannot be written"
  for f in "$snippet" "$cache"; do
    new=$work/dns/dnsmasq.d/${f##*/}
    if [ -e "$new" ] || [ -e "$f" ]; then cmp -s "$new" "$f" || changed_names=1; fi
    put_file "$new" "$f" || return 1
  done
  put_file "$work/dns/each/$me.conf" "$mine"
}
# The unit comes before dnsmasq's: in its own job it must not wait for that one's.
restart_dnsmasq() {
  [ -n "$changed_names" ] || return 0
  if [ -n "$systemctl" ] && "$systemctl" -q is-active dnsmasq; then
    why="dnsmasq does not start again"
    "$systemctl" ${at_boot:+--no-block} restart dnsmasq
  else
    say "restart dnsmasq: its files changed"
  fi
}
# At boot a gateway without names is better than one without rules.
load_names() {
  has dnsmasq.conf || [ -e "$mine" ] || return 0
  make_names dnsmasq.conf || { fail "$why" && return; }
  test_names || if [ -n "$at_boot" ]; then say "warning: $why: names stay blocked"; else roll_back "$why"; fi
  put_names && restart_dnsmasq || fail "$why"
}
drop_names() {
  make_names && put_names || left="$left; $mine ($why)"
  [ -z "$changed_names" ] || test_names || say "warning: $why"
  restart_dnsmasq || left="$left; $why"
}

remember_names() {
  why="the files of dnsmasq"
  into "$work/was" true || return 1
  for f in "$mine" "$snippet" "$cache"; do [ ! -e "$f" ] || into "$work/was.${f##*/}" cat "$f" || return 1; done
}
take_back_names() {
  for f in "$mine" "$snippet" "$cache"; do put_file "$work/was.${f##*/}" "$f" || return 1; done
  restart_dnsmasq
}

names_status() {
  has dnsmasq.conf || [ -e "$mine" ] || return 0
  has dnsmasq.conf || {
    differs "dnsmasq: fills sets that these files do not have"
    return
  }
  cmp -s dnsmasq.conf "$mine" || differs "dnsmasq: its names are not those of dnsmasq.conf"
  make_names dnsmasq.conf || die "cannot compare: $why"
  for f in "$snippet" "$cache"; do
    new=$work/dns/dnsmasq.d/${f##*/}
    { [ ! -e "$new" ] && [ ! -e "$f" ]; } || cmp -s "$new" "$f" ||
      differs "dnsmasq: $f is not what $names and dnsmasq-cache.conf say"
  done
  [ -z "$(rivals)" ] || differs "dnsmasq: other files have lines for the same names"
  [ -z "$systemctl" ] || "$systemctl" -q is-active dnsmasq || differs "dnsmasq: does not run, so names stay blocked"
  warn_of_names
}

# ---- commands

# What was there before, of ours. It acts before it speaks: who would hear it may be cut off.
roll_back() {
  trap '' INT TERM QUIT
  rm -f "$work/room" "$run/$me.waiting"
  bad=
  unwatch
  take_back_rules || bad=1
  take_back_names || bad=1
  rm -f "$run/$me.confirmed"
  [ -n "$bad" ] || die "$*; taken back: what was there before is back"
  rm -rf "$rescue"
  trap - EXIT
  mv "$work" "$rescue" || rescue=$work
  die "$*; NOT all of it could be taken back: look at what is loaded; what was there before is in $rescue"
}
# What would mend it.
rescue=$run/not-taken-back.$me

# To the first rules that ask for the state of a connection, one that is open already is new, and its next packet may come
# from whom nothing allows to open one. So before the first load somebody asks who decides nothing, for as long as it takes
# until most connections have had a packet each way. At boot none is open.
see_connections() {
  [ -z "$at_boot" ] && [ "$watch_seconds" -gt 0 ] && ! is_loaded || return 0
  watch || { say "warning: connections that are open now cannot be seen, and may be refused" && return; }
  # Not before: this is what the connection that it comes through is seen by.
  say "first $watch_seconds s to see which connections are open"
  sleep "$watch_seconds" 9>&-
}

await() {
  rm -f "$run/$me.confirmed" "$run/$me.kept"
  : >"$run/$me.waiting" || roll_back "cannot write $run"
  say "loaded; within $within s, from a new connection: sh '$PWD/apply.sh' confirm"
  warn_of_wait
  left=$within
  while [ "$left" -gt 0 ] && [ -e "$run/$me.waiting" ]; do
    sleep 1 9>&-
    left=$((left - 1))
  done
  # Of two who rename one file one succeeds: this one, or `confirm`.
  mv "$run/$me.waiting" "$work/late" 2>/dev/null && roll_back "not confirmed within $within s"
  [ -e "$run/$me.confirmed" ] || roll_back "not confirmed"
}

apply() {
  within=60
  while [ $# -gt 0 ]; do
    case $1 in
      --yes) within= ;;
      --at-boot) within= at_boot=1 patience=330 ;; # longer than anybody waits to be confirmed
      --within)
        shift
        within=${1-}
        case $within in '' | *[!0-9]* | 0* | ????*) usage ;; esac
        [ "$within" -le 300 ] || usage
        ;;
      *) usage ;;
    esac
    shift
  done
  need_tools
  lock
  unwatch
  take_stock && remember_names || die "cannot read what is there now ($why); nothing was changed"
  # To take all back, even if something else fills this file system meanwhile.
  into "$work/state" cat "$work"/old* "$work"/was* $files &&
    into "$work/room" cat "$work/state" "$work/state" "$work/state" "$work/state" || [ -n "$at_boot" ] ||
    die "no room in $run for what is there now; nothing was changed"
  keep_before || fail_before
  warn_of_names
  # A lost connection, or a terminal that stops this, must not keep it from taking back what cut it.
  trap '' HUP PIPE TSTP TTOU USR1 USR2 ALRM
  [ -n "$at_boot" ] || trap 'roll_back interrupted' INT TERM QUIT
  see_connections
  load_rules
  unwatch
  verify_rules || fail "the kernel has not what the files say"
  [ -z "$within" ] || await
  trap '' INT TERM QUIT
  settle_rules
  [ -z "$within" ] || mv "$run/$me.confirmed" "$run/$me.kept"
  [ -z "$failed" ] || die "NOT all of it succeeded"
  say "done"
}
fail_before() {
  [ -n "$at_boot" ] || die "$before cannot be written, so \`remove\` would not know what was here; nothing was changed"
  broken "$before cannot be written, so \`remove\` will not know what was here"
}

confirm() {
  [ -e "$run/$me.waiting" ] || die "nothing waits to be confirmed"
  exec 9>"$run/lock" || exit 1
  ! flock -n 9 || die "what waited was killed: what it loaded stands, unconfirmed"
  mv "$run/$me.waiting" "$run/$me.confirmed" 2>/dev/null || die "too late: it is being taken back"
  # Until it has answered, or is gone.
  while [ -e "$run/$me.confirmed" ] && ! flock -n 9; do sleep 1; done
  [ -e "$run/$me.kept" ] || die "too late, or what waited was killed: look at what is loaded"
  rm -f "$run/$me.kept"
  say "confirmed"
}

check() {
  need_tools
  look
  check_rules
  { ! has dnsmasq.conf && [ ! -e "$mine" ]; } || { make_names dnsmasq.conf && test_names; } || die "$why"
  warn_of_names
  warn_of_flush
  warn_of_saved
  say "all files are taken"
}

status() {
  need_tools
  look
  same=0
  rules_status || die "cannot read or compare: $why"
  place_status
  names_status
  boot_status
  warn_of_saved
  [ "$same" = 1 ] || say "as the files say"
  return "$same"
}

# away FILE…: what stays is in `left`.
away() {
  for a in "$@"; do rm -rf "$a" || left="$left; $a"; done
}
remove() {
  need_kernel_tools
  need_no_more
  lock
  unwatch
  left=
  remove_rules
  drop_names
  drop_boot
  away "$run/$me.kept" "$rescue"
  rmdir "$names" "$homes" 2>/dev/null || : # of others as well, if there are any
  [ -z "$left" ] || die "the rules are gone; NOT removed: ${left#; }"
  say "nothing of it is left"
}

[ $# -gt 0 ] || usage
command=$1
shift
case $command in
  apply) apply "$@" ;;
  check | confirm | status | persist | remove)
    [ $# = 0 ] || { [ "$command $*" = "remove $remove_option" ] && without_before=1; } || usage
    "$command"
    ;;
  *) usage ;;
esac
