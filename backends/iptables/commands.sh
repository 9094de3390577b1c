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
