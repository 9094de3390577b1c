# What apply.sh does to the kernel: `base` names the table, which is all that it reads or touches, and `files` what
# belongs beside this.
kind=nftables
remove_option=
need_own_tools() { need nft nftables; }
nft_holds_rules() { :; }

# now FILE: our table as nft shows it, nothing where it is not there.
now() {
  why="the table"
  into "$work/tables" nft list tables || return 1
  if grep -qx "table inet $base" "$work/tables"; then into "$1" nft -nn list table inet "$base"; else into "$1" true; fi
}
# wanted FILE: the same of a kernel that has ruleset.nft alone, in a namespace of its own.
wanted() {
  why="ruleset.nft is not taken"
  into "$1" unshare -n sh -c "nft -f ruleset.nft && nft -nn list table inet '$base'"
}

# things FILE: what a table has, as nft shows it: `map NAME`, `set NAME`, `chain NAME`, and what only others put there,
# `counter NAME`, `ct helper NAME`.
things() { sed -n 's/^\t\([a-z].*\) {$/\1/p' "$1" | sort; }
of_kind() { sed -n "s/^$1 //p"; }
# learnt FILE: the sets that dnsmasq adds to.
learnt() { awk '/^\tset / { name = $2 } /^\t\tflags .*timeout/ { print name }' "$1" | sort; }
# rules FILE: without what dnsmasq has added, each line and each element with the name of where it is. In which order
# sets and chains were made means nothing; lines of one place keep theirs.
rules() {
  awk '
    /^\t[a-z]/ { place = $1 " " $2; learnt = 0 }
    /^\t\tflags .*timeout/ { learnt = 1 }
    /^\t\telements = / { inside = 1 }
    inside && learnt { if (/}$/) inside = 0; next }
    {
      sub(/^[ \t]+/, "")
      if (inside) {
        if (/}$/) inside = 0
        sub(/^elements = \{ */, "")
        sub(/ *\}$/, "")
        sub(/,$/, "")
        gsub(/, */, "\n" place ": ")
      }
      if ($0 != "" && $0 != "}") print place ": " $0
    }' "$1" | sort -s -k1,2
}
same() { into "$work/rules.1" rules "$1" && into "$work/rules.2" rules "$2" && cmp -s "$work/rules.1" "$work/rules.2"; }
# made FILE: how each of its sets, maps and chains is made, without what is in it.
made() {
  awk '/^\t[a-z].* \{$/ { name = $1 " " $2 } /^\t\t(type|flags|timeout|size|gc-interval|auto-merge|typeof) ?/ { print name ": " $0 }
    /^\t\tcounter$/ && name !~ /^chain/ { print name ": counter" }' "$1" | sort
}
# otherwise FILE FILE: what the one has made otherwise than the other.
otherwise() { comm -3 "$1" "$2" | sed 's/^\t*//; s/: .*//' | sort -u; }

# put FILE FILE TEXT [-c]: one transaction from the first state to the second, of which TEXT is the loader. What is gone,
# and what is made otherwise, is emptied and deleted; what dnsmasq has added to sets that stay stays with them.
put() {
  into "$work/things.1" things "$1" && into "$work/things.2" things "$2" || return 1
  into "$work/made.1" made "$1" && into "$work/made.2" made "$2" || return 1
  otherwise "$work/made.1" "$work/made.2" >"$work/differ" || return 1
  comm -12 "$work/things.1" "$work/things.2" | comm -12 - "$work/differ" >"$work/anew" || return 1
  comm -23 "$work/things.1" "$work/things.2" >"$work/gone" || return 1
  into "$work/put" steps "$3" && nft ${4-} -f "$work/put"
}
# delete FILE: maps first, which may lead to chains.
delete() {
  of_kind map <"$1" | sed "s/.*/flush map inet $base &/"
  for k in map set chain; do of_kind "$k" <"$1" | sed "s/.*/delete $k inet $base &/"; done
  sed -nE "/^(map|set|chain) /!s/(.*) ([^ ]*)/delete \1 inet $base \2/p" "$1"
}
steps() {
  if [ -s "$work/anew" ]; then
    echo "flush table inet $base"
    of_kind map <"$work/things.1" | sed "s/.*/flush map inet $base &/"
    delete "$work/anew"
  fi
  cat "$1" && delete "$work/gone"
}

take_stock() { now "$work/old"; }
is_loaded() { [ -s "$work/old" ]; }
watch() { nft 'table inet hcipolc-watch { chain forward { type filter hook forward priority 0; ct state new; }; }'; }
unwatch() { nft delete table inet hcipolc-watch 2>/dev/null; }
keep_before() { :; }
warn_of_wait() { :; }
warn_of_saved() { :; }
load_rules() {
  wanted "$work/new" && { same "$work/old" "$work/new" || put "$work/old" "$work/new" ruleset.nft; } ||
    fail "the kernel does not take ruleset.nft"
  load_names
}
verify_rules() { now "$work/now" && [ -s "$work/new" ] && same "$work/new" "$work/now"; }
take_back_rules() {
  now "$work/now" || return 1
  if [ ! -s "$work/old" ]; then
    [ ! -s "$work/now" ] || nft delete table inet "$base"
    return
  fi
  same "$work/now" "$work/old" || { into "$work/back" back && put "$work/now" "$work/old" "$work/back"; } || return 1
  now "$work/now" && same "$work/now" "$work/old"
}
# back: a set that is gone is made anew by what nft showed of it; one that dnsmasq adds to keeps what it has. What is made
# otherwise now is gone by then.
back() {
  printf 'table inet %s { }\nflush table inet %s\n' "$base" "$base"
  things "$work/now" >"$work/back.1" && things "$work/old" >"$work/back.2" && learnt "$work/now" >"$work/learnt" || return 1
  into "$work/made.1" made "$work/now" && into "$work/made.2" made "$work/old" || return 1
  otherwise "$work/made.1" "$work/made.2" >"$work/differ" || return 1
  for k in set map; do
    comm -12 "$work/back.1" "$work/back.2" | comm -23 - "$work/differ" | of_kind "$k" | comm -23 - "$work/learnt" | sed "s/.*/flush $k inet $base &/"
  done
  cat "$work/old"
}
settle_rules() { :; }

check_rules() {
  wanted "$work/new" || die "$why"
  now "$work/old" && put "$work/old" "$work/new" ruleset.nft -c || die "ruleset.nft is not taken beside what is here"
}

rules_status() {
  now "$work/now" && wanted "$work/new" || return 1
  if [ ! -s "$work/now" ]; then
    differs "not loaded"
  elif ! same "$work/new" "$work/now"; then
    differs "the table differs from ruleset.nft (- the file, + the kernel)"
    diff -U0 "$work/rules.1" "$work/rules.2" | sed '1,2d; /^@/d'
  fi
}

# Every table is asked.
place_status() { :; }

remove_rules() {
  now "$work/now" || die "cannot read what is there"
  [ ! -s "$work/now" ] || nft delete table inet "$base" || die "nft does not delete the table"
}
