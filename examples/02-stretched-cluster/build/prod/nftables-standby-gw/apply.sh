#!/bin/sh
# hcipolc: loads, undoes and compares the file beside it for cluster prod. Generated; changes are lost.
base='HCI-prod'

# What apply.sh does to the kernel: `base` names the table, which is all that it reads or touches.
files=ruleset.nft
more=

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

remove_rules() {
  now "$work/now" || die "cannot read what is there"
  [ ! -s "$work/now" ] || nft delete table inet "$base" || die "nft does not delete the table"
}

# ---- the same for every device. Its own are above: `files` that it needs and `more` that it may have, take_stock of
# what there is of ours, load_rules with load_names within it, take_back_rules, settle_rules once they stay,
# check_rules, rules_status and remove_rules.

usage() {
  cat <<TEXT
usage: sh apply.sh COMMAND, as root, beside the files that it loads

  check                whether this machine takes the files; changes no rule
  apply                loads them, and takes them back after 60 s unless confirmed
    --within SECONDS   … after SECONDS
    --yes              … never: the files have been tried
  confirm              keeps what \`apply\` loaded; from a new connection, which proves that you still get in
  status               what differs from the files; 0 if nothing does
  persist              loads them at every boot as well (systemd)
  remove               takes all of $base off this machine
TEXT
  exit 2
}

# What this writes outside the kernel lies below $root, so that it can be tried elsewhere.
root=${HCIPOLC_ROOT:-}
run=$root/run/hcipolc
kept=$root/etc/hcipolc/$base
unit=$root/etc/systemd/system/hcipolc-$base.service
snippets=$root/etc/dnsmasq.d
snippet=$snippets/$base.conf
cache=$snippets/hcipolc-cache.conf
PATH=$PATH:/usr/sbin:/sbin
export PATH LC_ALL=C
umask 077
cd -- "$(dirname -- "$0")" || exit 1

say() { echo "$base: $*"; }
die() {
  say "$*" >&2
  exit 1
}
differs() {
  say "$*"
  same=1
}

# ---- dnsmasq, where the policy has names

restart_dnsmasq() {
  if [ -z "$root" ] && command -v systemctl >/dev/null && systemctl -q is-active dnsmasq; then
    systemctl restart dnsmasq
  else
    say "restart dnsmasq: its file changed"
  fi
}
# Where somebody has set these already, a second line would keep dnsmasq from starting.
needs_cache() {
  [ -e dnsmasq-cache.conf ] && [ ! -e "$cache" ] &&
    ! grep -Eqs '^(max-cache-ttl|max-ttl)=' "$root/etc/dnsmasq.conf" "$snippets"/*.conf
}
put_names() {
  if [ ! -e dnsmasq.conf ]; then
    drop_names
    return
  fi
  [ -d "$snippets" ] || { say "no $snippets: give dnsmasq.conf to the dnsmasq here yourself"; return 0; }
  if needs_cache; then cp dnsmasq-cache.conf "$cache" && chmod 644 "$cache" && changed_names=1; fi
  if ! cmp -s dnsmasq.conf "$snippet"; then
    dnsmasq --test -C "$PWD/dnsmasq.conf" || return 1
    cp dnsmasq.conf "$snippet" && chmod 644 "$snippet" || return 1
    changed_names=1
  fi
  [ -z "$changed_names" ] || restart_dnsmasq
}
load_names() { put_names || roll_back "dnsmasq does not take dnsmasq.conf"; }
drop_names() {
  [ ! -e "$snippet" ] || { rm -f "$snippet" && changed_names=1 && restart_dnsmasq; }
}

# ---- commands

lock() {
  mkdir -p "$run" || die "cannot write $run"
  exec 9>"$run/lock"
  flock -w 20 9 || die "another apply.sh is at work"
  work=$(mktemp -d) || die "no temporary folder"
  trap 'rm -rf "$work"' EXIT
  changed_names=
}

# What was there before, of ours.
roll_back() {
  trap '' INT TERM
  rm -f "$run/$base.waiting"
  say "taking it back: $*" >&2
  bad=
  take_back_rules || bad=1
  if [ -n "$changed_names" ]; then
    if [ -e "$work/old.names" ]; then cp "$work/old.names" "$snippet"; else rm -f "$snippet"; fi
    [ -e "$work/had.cache" ] || rm -f "$cache"
    restart_dnsmasq
  fi
  [ -z "$bad" ] || die "NOT all of it could be taken back: look at what is loaded"
  die "what was there before is back"
}

await() {
  token=$run/$base.confirmed
  rm -f "$token"
  : >"$run/$base.waiting"
  say "loaded; within $within s, from a new connection: sh $PWD/apply.sh confirm"
  left=$within
  while [ "$left" -gt 0 ] && [ ! -e "$token" ]; do
    sleep 1
    left=$((left - 1))
  done
  rm -f "$run/$base.waiting"
  [ -e "$token" ] || roll_back "not confirmed within $within s"
  rm -f "$token"
}

apply() {
  within=60
  while [ $# -gt 0 ]; do
    case $1 in
      --yes) within= ;;
      --within) [ $# -gt 1 ] && within=$2 && shift || usage ;;
      *) usage ;;
    esac
    shift
  done
  case $within in *[!0-9]* | 0*) usage ;; esac
  lock
  take_stock || die "cannot read what is there now; nothing was changed"
  [ ! -e "$snippet" ] || cp "$snippet" "$work/old.names"
  [ ! -e "$cache" ] || : >"$work/had.cache"
  # A lost connection must not keep this from taking back what cut it.
  trap '' HUP PIPE
  trap 'roll_back interrupted' INT TERM
  load_rules || roll_back "the kernel does not take the rules"
  [ -z "$within" ] || await
  trap '' INT TERM
  settle_rules
  say "done"
}

confirm() {
  [ -e "$run/$base.waiting" ] || die "nothing waits to be confirmed"
  : >"$run/$base.confirmed"
  say "confirmed"
}

check() {
  lock
  for f in $files; do [ -e "$f" ] || die "no $f beside apply.sh"; done
  check_rules
  [ ! -e dnsmasq.conf ] || dnsmasq --test -C "$PWD/dnsmasq.conf" || die "dnsmasq.conf is not taken"
  say "all files are taken"
}

status() {
  lock
  same=0
  rules_status
  [ ! -e dnsmasq.conf ] || cmp -s dnsmasq.conf "$snippet" || differs "dnsmasq: $snippet is not dnsmasq.conf"
  [ -e "$unit" ] || say "not loaded at boot (apply.sh persist)"
  [ "$same" = 1 ] || say "as the files say"
  return "$same"
}

persist() {
  lock
  mkdir -p "$kept" "$(dirname -- "$unit")" || die "cannot write $kept"
  # In one step, so that a boot never meets half of it.
  new=$(mktemp -d "$kept.XXXXXX") || die "cannot write beside $kept"
  for f in $files $more dnsmasq.conf dnsmasq-cache.conf apply.sh; do
    [ ! -e "$f" ] || cp "$f" "$new/" || die "cannot copy $f"
  done
  rm -rf "$kept" && mv "$new" "$kept" || die "cannot replace $kept"
  cat >"$unit" <<TEXT
# Written by hcipolc's apply.sh. Before the network, so that no packet passes without the rules.
[Unit]
Description=hcipolc: packet filter rules of $base
DefaultDependencies=no
After=local-fs.target systemd-modules-load.service
Wants=network-pre.target
Before=network-pre.target dnsmasq.service shutdown.target
Conflicts=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh /etc/hcipolc/$base/apply.sh apply --yes

[Install]
WantedBy=sysinit.target
TEXT
  chmod 644 "$unit"
  if [ -z "$root" ] && command -v systemctl >/dev/null; then
    systemctl daemon-reload && systemctl -q enable "hcipolc-$base.service" || die "systemctl does not take the unit"
  else
    say "enable hcipolc-$base.service"
  fi
  say "loaded at every boot, from /etc/hcipolc/$base"
}

remove() {
  lock
  remove_rules
  drop_names
  if [ -e "$unit" ]; then
    [ -n "$root" ] || ! command -v systemctl >/dev/null || systemctl -q disable "hcipolc-$base.service"
    rm -f "$unit"
  fi
  rm -rf "$kept" "$run/$base.confirmed"
  [ ! -e "$cache" ] || say "$cache stays: other clusters here may need it"
  say "nothing else of it is left"
}

[ $# -gt 0 ] || usage
command=$1
shift
case $command in
  apply) apply "$@" ;;
  check | confirm | status | persist | remove)
    [ $# = 0 ] || usage
    "$command"
    ;;
  *) usage ;;
esac
