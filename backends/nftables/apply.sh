# What apply.sh does to the kernel: `base` names the table, which is all that it reads or touches.
kind=nftables
files=ruleset.nft
more=
need_own_tools() { need nft nftables; }
nft_holds_rules() { :; }

# now FILE: our table as nft shows it, nothing where it is not there.
now() {
  nft list tables >"$work/tables" || return 1
  : >"$1"
  ! grep -qx "table inet $base" "$work/tables" || nft -nn list table inet "$base" >"$1"
}
# wanted FILE: the same of a kernel that has ruleset.nft alone, in a namespace of its own.
wanted() { unshare -n sh -c "nft -f ruleset.nft && nft -nn list table inet '$base'" >"$1"; }

# names KIND FILE: the sets, maps or chains of a table as nft shows it.
names() { sed -n "s/^\t$1 \([^ ]*\) {\$/\1/p" "$2" | sort; }
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
same() {
  rules "$1" >"$work/rules.1"
  rules "$2" >"$work/rules.2"
  cmp -s "$work/rules.1" "$work/rules.2"
}

# gone FILE FILE: deletes what the first has and the second has not; nothing leads there any more.
gone() {
  for kind in map set chain; do
    names "$kind" "$1" >"$work/names.1"
    names "$kind" "$2" >"$work/names.2"
    comm -23 "$work/names.1" "$work/names.2" | sed "s/.*/delete $kind inet $base &/"
  done
}
# put FILE FILE TEXT: one transaction from the first state to the second, of which TEXT is the loader. No packet meets
# half of it, and what dnsmasq has added to sets that stay stays with them.
put() {
  {
    cat "$3"
    gone "$1" "$2" | sed '/^delete map/ { h; s/^delete/flush/; G; }'
  } >"$work/put"
  nft -f "$work/put"
}

take_stock() { now "$work/old"; }
load_rules() {
  wanted "$work/new" || return 1
  same "$work/old" "$work/new" || put "$work/old" "$work/new" ruleset.nft || return 1
  load_names
}
take_back_rules() {
  now "$work/now" || return 1
  if [ ! -s "$work/old" ]; then
    [ ! -s "$work/now" ] || nft delete table inet "$base"
    return
  fi
  {
    echo "table inet $base { }"
    echo "flush table inet $base"
    # A set that is gone is made anew by what nft showed of it; one that dnsmasq adds to keeps what it has.
    learnt "$work/now" >"$work/learnt"
    for kind in set map; do
      names "$kind" "$work/now" >"$work/names.1"
      names "$kind" "$work/old" >"$work/names.2"
      comm -12 "$work/names.1" "$work/names.2" | comm -23 - "$work/learnt" | sed "s/.*/flush $kind inet $base &/"
    done
    cat "$work/old"
  } >"$work/back"
  put "$work/now" "$work/old" "$work/back"
}
settle_rules() { :; }

check_rules() {
  wanted "$work/new" || die "ruleset.nft is not taken"
  nft -c -f ruleset.nft || die "ruleset.nft is not taken beside what is here"
}

rules_status() {
  now "$work/now" && wanted "$work/new" || die "cannot compare"
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
