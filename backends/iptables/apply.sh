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
