# What apply.sh does, the same for every cluster. `base` is what our chains and sets are called after, `hooks` says
# which built-in chains jump to which of them, and `table` whether the whole filter table is ours or shared.
kind=iptables
files='rules.v4 rules.v6'
more=ipset
before=${HCIPOLC_ROOT:-}/var/lib/hcipolc/$base

# ---- what the kernel has of ours: chains and sets called $base or $base.…; nothing else is read or touched

families() {
  echo 4
  # A kernel without IPv6 has nothing to filter in it.
  [ ! -e /proc/net/if_inet6 ] || echo 6
}
tool() { [ "$1" = 4 ] && echo iptables || echo ip6tables; }
need_own_tools() {
  for f in $(families); do for part in "" -save -restore; do need "$(tool "$f")$part" iptables; done; done
  [ ! -e ipset ] || need ipset ipset
}
nft_holds_rules() { case $(iptables -V) in *nf_tables*) ;; *) false ;; esac; }

# saved FAMILY: the filter table into $work/saved. What cannot be read is not empty.
saved() { "$(tool "$1")-save" -t filter >"$work/saved"; }

# ours_of [FILE]: chains and rules of ours, as a restore file has them, without the counters.
ours_of() {
  awk -v base="$base" '
    function ours(name) { return name == base || index(name, base ".") == 1 }
    /^:/ && ours(substr($1, 2)) { print $1, "- [0:0]" }
    /^-A / && ours($2)' "$@"
}
rules_of() { saved "$1" && ours_of "$work/saved"; }
# chains FILE…: the names in it.
chains() { sed -n 's/^:\([^ ]*\) .*/\1/p' "$@" | sort -u; }
# lines FAMILY FILE: its rules as the kernel writes them, chain by chain; the order of chains means nothing.
lines() {
  awk -v bits="$([ "$1" = 4 ] && echo 32 || echo 128)" '
    function whole(i) { if (($i == "-s" || $i == "-d") && $(i + 1) !~ "/") $(i + 1) = $(i + 1) "/" bits }
    /^-A / { whole(3); whole(5); print }' "$2" | sort -s -k2,2
}

# hooks_of FAMILY: BUILT-IN:CHAIN for each jump to a chain where our rules begin.
hooks_of() {
  saved "$1" || return 1
  awk -v base="$base" '
    $1 == "-A" && NF == 4 && $2 ~ /^(INPUT|FORWARD|OUTPUT)$/ && $3 == "-j" &&
      ($4 == base || $4 == base ".in" || $4 == base ".out") { print $2 ":" $4 }' "$work/saved"
}
# hook_lines FAMILY HOOK…: what is missing to these, and what is too much.
hook_lines() {
  hooks_of "$1" >"$work/hooks.now" || return 1
  shift
  for h in "$@"; do grep -qx "$h" "$work/hooks.now" || echo "-I ${h%%:*} 1 -j ${h#*:}"; done
  while read -r h; do
    case " $* " in *" $h "*) ;; *) echo "-D ${h%%:*} -j ${h#*:}" ;; esac
  done <"$work/hooks.now"
}

# changed_chains FAMILY NOW WANTED: those that are wanted otherwise than they are.
changed_chains() {
  lines "$1" "$2" >"$work/lines.now"
  lines "$1" "$3" >"$work/lines.wanted"
  awk '
    FILENAME == ARGV[1] { there[$1] }
    FILENAME == ARGV[2] { now[$2] = now[$2] "\n" $0 }
    FILENAME == ARGV[3] { wanted[$2] = wanted[$2] "\n" $0 }
    FILENAME == ARGV[4] && !($1 in there && now[$1] == wanted[$1])' \
    "$work/chains.now" "$work/lines.now" "$work/lines.wanted" "$work/chains.wanted"
}
# put_rules FAMILY FILE HOOK…: one transaction, in which chains and hooks that are not wanted go as well, and chains
# that are as they are wanted are not named: they keep their counters.
put_rules() {
  family=$1
  rules_of "$family" >"$work/now" || return 1
  ours_of "$2" >"$work/wanted" || return 1
  # What iptables-restore has to say of the file, it says of all of it.
  grep -vE '^(#|:|-A |\*filter$|COMMIT$|$)' "$2" >"$work/strange"
  shift 2
  chains "$work/now" >"$work/chains.now"
  chains "$work/wanted" >"$work/chains.wanted"
  comm -23 "$work/chains.now" "$work/chains.wanted" >"$work/chains.gone"
  changed_chains "$family" "$work/now" "$work/wanted" >"$work/chains.changed"
  hook_lines "$family" "$@" >"$work/hooks.lines" || return 1
  {
    echo '*filter'
    sed 's/.*/:& - [0:0]/' "$work/chains.changed" "$work/chains.gone"
    awk 'FILENAME == ARGV[1] { changed[$1]; next } /^-A / && $2 in changed' "$work/chains.changed" "$work/wanted"
    cat "$work/strange"
    cat "$work/hooks.lines"
    sed 's/^/-X /' "$work/chains.gone"
    echo COMMIT
  } >"$work/restore"
  "$(tool "$family")-restore" -w 10 --noflush <"$work/restore"
}

same_rules() {
  hook_lines "$1" $hooks >"$work/hooks.lines" && [ ! -s "$work/hooks.lines" ] || return 1
  rules_of "$1" >"$work/now" || return 1
  [ "$(chains "$work/now")" = "$(chains "$2")" ] || return 1
  lines "$1" "$work/now" >"$work/lines.now"
  lines "$1" "$2" >"$work/lines.wanted"
  cmp -s "$work/lines.now" "$work/lines.wanted"
}

# ---- the whole filter table, where it is ours

# table_of FAMILY: with its counters. The nft variant says nothing of a table that nobody has used.
table_of() {
  "$(tool "$1")-save" -c -t filter >"$work/table" || return 1
  if grep -q '^:INPUT ' "$work/table"; then cat "$work/table"; else
    printf '*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n'
  fi
}
# others_of FILE: a table without what is ours.
others_of() {
  awk -v base="$base" '
    function ours(name) { return name == base || index(name, base ".") == 1 }
    /^:/ && ours(substr($1, 2)) { next }
    /-A / { for (i = 1; i < NF; i++) if (($i == "-A" || $i == "-j" || $i == "-g") && ours($(i + 1))) next }
    { print }' "$1"
}
put_table() { "$(tool "$1")-restore" -c -w 10 <"$2"; }
# put_own FAMILY FILE: of a table that is ours already only what changed.
put_own() {
  table_of "$1" >"$work/all" || return 1
  others_of "$work/all" | sed 's/^\(:[^ ]* [^ ]*\) .*/\1/; /^[:[]/!d' | sort >"$work/others.now"
  sed -n 's/^\(:[A-Z]* [A-Z]*\) .*/\1/p' "$2" | sort >"$work/others.wanted"
  if cmp -s "$work/others.now" "$work/others.wanted"; then put_rules "$1" "$2" $hooks; else
    "$(tool "$1")-restore" -w 10 <"$2"
  fi
}
# whole_lines FAMILY FILE: as lines, with the policies of the built-in chains.
whole_lines() {
  sed -n 's/^\[[0-9]*:[0-9]*\] //; s/^\(:[^ ]* [^ ]*\) .*/\1/; /^:/p' "$2" | sort
  sed 's/^\[[0-9]*:[0-9]*\] //' "$2" >"$work/plain"
  lines "$1" "$work/plain"
}
same_table() {
  table_of "$1" >"$work/now" || return 1
  whole_lines "$1" "$work/now" >"$work/lines.now"
  whole_lines "$1" "$2" >"$work/lines.wanted"
  cmp -s "$work/lines.now" "$work/lines.wanted"
}
# What `remove` brings back: the table as it was before the first of ours.
keep_before() {
  [ ! -e "$before" ] || { [ ! -e "$units/$unit" ] && [ ! -e "$work/had.ours" ]; } || return 0
  mkdir -p "$before" || return 1
  for f in $(families); do others_of "$work/table.$f" >"$before/filter.v$f" || return 1; done
}
others_go() {
  for f in $(families); do
    table_of "$f" >"$work/all" || die "cannot read the filter table of IPv$f"
    n=$(others_of "$work/all" | grep -c -e '-A ')
    [ "$n" = 0 ] || say "$n rules of others go from the filter table of IPv$f, until \`apply.sh remove\`"
  done
}

# ---- sets

# sets_now: `create` and `add` lines of our sets; without the tool there can be none.
sets_now() {
  command -v ipset >/dev/null || return 0
  ipset save >"$work/saved.sets" || return 1
  awk -v base="$base" '($1 == "create" || $1 == "add") && index($2, base ".") == 1' "$work/saved.sets"
}
# An empty file needs no tool.
restore_sets() { [ ! -s "$1" ] || ipset restore <"$1"; }
# set_names FILE: the sets that remain after it is loaded.
set_names() { awk '$1 == "create" { name[$2] } $1 == "destroy" { delete name[$2] } END { for (n in name) print n }' "$1" | sort; }
# members FILE: `set prefix`, sorted; not those of learnt sets, which have a timeout.
members() {
  awk '$1 == "create" && / timeout / { learnt[$2] }
    $1 == "swap" { other[$2] = $3 }
    $1 == "add" { n++; set[n] = $2; member[n] = $3 }
    END {
      for (i = 1; i <= n; i++) {
        name = set[i] in other ? other[set[i]] : set[i]
        if (!(name in learnt)) print name, member[i]
      }
    }' "$1" | sort -u
}
# put_sets FILE: as `ipset save` wrote it, each set in one step; learnt sets keep what they have.
put_sets() {
  awk '$1 == "create" && / timeout / { learnt[$2]; print $0, "-exist"; next }
    $1 == "create" {
      rest = substr($0, length("create " $2) + 1)
      print "create " $2 rest " -exist"; print "create " $2 "-n" rest " -exist"; print "flush " $2 "-n"
      all[++n] = $2
    }
    $1 == "add" && !($2 in learnt) { print "add " $2 "-n " $3 }
    END { for (i = 1; i <= n; i++) { print "swap " all[i] "-n " all[i]; print "destroy " all[i] "-n" } }' \
    "$1" >"$work/sets.restore" && restore_sets "$work/sets.restore"
}
# load_sets FILE: for ipset restore; of sets that have the members already nothing is done.
load_sets() {
  sets_now >"$work/sets.now" || return 1
  members "$work/sets.now" >"$work/members.now"
  members "$1" >"$work/members.wanted"
  set_names "$work/sets.now" >"$work/names.now"
  set_names "$1" >"$work/names.wanted"
  {
    comm -3 "$work/members.now" "$work/members.wanted" | awk '{ print $1 }'
    comm -13 "$work/names.now" "$work/names.wanted"
  } | sort -u >"$work/sets.changed"
  awk 'FILENAME == ARGV[1] { changed[$1]; next }
    /^(create|flush|add|swap|destroy) / { name = $2; sub(/-n$/, "", name); if (!(name in changed)) next }
    { print }' "$work/sets.changed" "$1" >"$work/sets.restore" && restore_sets "$work/sets.restore"
}
# drop_sets FILE: those that it does not have.
drop_sets() {
  sets_now >"$work/sets.now" || return 1
  set_names "$work/sets.now" >"$work/names.now"
  set_names "$1" >"$work/names.wanted"
  comm -23 "$work/names.now" "$work/names.wanted" | while read -r name; do ipset destroy "$name"; done
}
