# ---- what the commands do

# The file for ipset, which may be missing.
know_sets() { if [ -e ipset ]; then cp ipset "$work/ipset"; else : >"$work/ipset"; fi; }
other_variant() {
  case $(iptables -V) in *legacy*) other=nft ;; *) other=legacy ;; esac
  ! command -v "iptables-$other-save" >/dev/null ||
    [ "$("iptables-$other-save" 2>/dev/null | grep -c '^-A')" = 0 ] ||
    say "warning: iptables-$other has rules as well, and both variants are asked for every packet"
}

take_stock() {
  know_sets
  other_variant
  [ "$table" = own ] || [ ! -e "$before" ] || die "the whole filter table is $base's: remove that first"
  [ "$table" = shared ] || others_go
  for f in $(families); do
    rules_of "$f" >"$work/old.$f" || return 1
    hooks_of "$f" >"$work/hooks.$f" || return 1
    [ ! -s "$work/old.$f" ] || : >"$work/had.ours"
    [ "$table" = shared ] || table_of "$f" >"$work/table.$f" || return 1
  done
  sets_now >"$work/old.sets"
}
load_rules() {
  # Each set is filled beside the one in use and swapped in.
  load_sets "$work/ipset" || roll_back "ipset does not take its file"
  load_names
  for f in $(families); do
    if [ "$table" = own ]; then
      same_table "$f" "rules.v$f" || put_own "$f" "rules.v$f"
    else
      same_rules "$f" "rules.v$f" || put_rules "$f" "rules.v$f" $hooks
    fi || roll_back "$(tool "$f") does not take rules.v$f"
  done
}
# Rules, then the sets that they name.
take_back_rules() {
  bad_rules=0
  put_sets "$work/old.sets" || bad_rules=1
  for f in $(families); do
    if [ "$table" = own ]; then
      put_table "$f" "$work/table.$f" || bad_rules=1
    else
      put_rules "$f" "$work/old.$f" $(cat "$work/hooks.$f") || bad_rules=1
    fi
  done
  drop_sets "$work/old.sets" || bad_rules=1
  return "$bad_rules"
}
settle_rules() {
  [ "$table" = shared ] || keep_before || say "warning: $before cannot be written, so remove will not know what was here"
  # Not before: the rules that were there name them.
  drop_sets "$work/ipset" || say "warning: a set that no file has is still there"
}

check_rules() {
  other_variant
  # Rules are only taken where their sets are; in a namespace of its own that changes nothing.
  sets='ipset restore <ipset &&'
  [ -e ipset ] || sets=
  beside=--noflush
  [ "$table" = shared ] || beside=
  for f in $(families); do
    unshare -n sh -c "$sets $(tool "$f")-restore --test $beside <rules.v$f" || die "rules.v$f is not taken"
  done
  [ "$table" = shared ] || others_go
}

rules_status() {
  know_sets
  for f in $(families); do
    rules_of "$f" >"$work/now" || die "cannot read the rules of IPv$f"
    if [ ! -s "$work/now" ]; then
      differs "IPv$f: not loaded"
    elif [ "$table" = own ]; then
      same_table "$f" "rules.v$f" || {
        differs "IPv$f: the filter table differs from rules.v$f (- the file, + the kernel)"
        diff -U0 "$work/lines.wanted" "$work/lines.now" | sed -n '/^[-+][-:]/p'
      }
    else
      same_rules "$f" "rules.v$f" || {
        differs "IPv$f: differs from rules.v$f (- the file, + the kernel)"
        lines "$f" "rules.v$f" >"$work/lines.wanted"
        lines "$f" "$work/now" >"$work/lines.now"
        diff -U0 "$work/lines.wanted" "$work/lines.now" | sed -n '/^[-+]-A/p'
        sed 's/^-I \([A-Z]*\) 1 -j \(.*\)/\1 does not jump to \2/; s/^-D \([A-Z]*\) -j \(.*\)/\1 jumps to \2/' "$work/hooks.lines"
      }
    fi
  done
  sets_now >"$work/sets.now" || die "cannot read the sets"
  members "$work/ipset" >"$work/members.wanted"
  members "$work/sets.now" >"$work/members.now"
  cmp -s "$work/members.wanted" "$work/members.now" || {
    differs "sets: differ from ipset (- the file, + the kernel)"
    diff -U0 "$work/members.wanted" "$work/members.now" | sed -n '/^[-+]'"$base"'/p'
  }
  [ "$(set_names "$work/ipset")" = "$(set_names "$work/sets.now")" ] || differs "sets: not the same sets as in ipset"
}

nothing_loaded() {
  for f in $(families); do
    rules_of "$f" >"$work/now" || die "cannot read the rules of IPv$f"
    [ ! -s "$work/now" ] || return 1
  done
}

# The first rule that decides is asked alone, and what comes first changes: Docker puts its own there at every start.
# What others have put before ours is theirs to say, so it is named and not moved.
place_status() {
  [ "$table" = shared ] || return 0
  for f in $(families); do
    saved "$f" || die "cannot read the rules of IPv$f"
    for h in $hooks; do
      awk -v chain="${h%%:*}" -v hook="-A ${h%%:*} -j ${h#*:}" '
        $0 == hook { there = 1; exit }
        $1 == "-A" && $2 == chain { before = before $0 "\n" }
        END { if (there) printf "%s", before }' "$work/saved" >"$work/before"
      while read -r line; do
        case " $line " in
          *" -j ACCEPT "* | *" -j DROP "* | *" -j REJECT "* | *" -j QUEUE "* | *" -j NFQUEUE "*)
            differs "IPv$f: decides before ${h#*:} is asked: $line" ;;
          *) say "note: IPv$f: is asked before ${h#*:}: $line" ;;
        esac
      done <"$work/before"
      [ ! -s "$work/before" ] || say "note: \`$(tool "$f") -D ${h%%:*} -j ${h#*:}\`, then \`apply\`, puts it first again"
    done
  done
}

remove_rules() {
  : >"$work/nothing"
  if [ "$table" = own ]; then
    [ -e "$before" ] || nothing_loaded ||
      die "$before, with what was here before, is gone: load a filter table of yours with $(tool 4)-restore, then try again"
  elif [ -e "$before" ]; then
    die "the whole filter table is $base's: use the apply.sh that loaded it"
  fi
  for f in $(families); do
    if [ "$table" = own ]; then
      [ ! -e "$before/filter.v$f" ] || put_table "$f" "$before/filter.v$f" || die "$(tool "$f") does not take $before/filter.v$f"
    else
      put_rules "$f" "$work/nothing" || die "another rule of $(tool "$f") leads to a chain of $base"
    fi
  done
  drop_sets "$work/nothing" || die "another rule names a set of $base"
  rm -rf "$before"
}
