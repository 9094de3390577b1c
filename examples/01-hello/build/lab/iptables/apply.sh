#!/bin/sh
# hcipolc: loads, undoes and compares the files beside it for cluster lab. Generated; changes are lost.
base='HCI-lab'
hooks='FORWARD:HCI-lab'
table=shared

# What apply.sh does, the same for every cluster. `base` is what our chains and sets are called after, `hooks` says
# which built-in chains jump to which of them, and `table` whether the whole filter table is ours or shared.
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

# ours_of [FILE]: chains and rules of ours, as a restore file has them, without the counters.
ours_of() {
  awk -v base="$base" '
    function ours(name) { return name == base || index(name, base ".") == 1 }
    /^:/ && ours(substr($1, 2)) { print $1, "- [0:0]" }
    /^-A / && ours($2)' "$@"
}
rules_of() { "$(tool "$1")-save" -t filter | ours_of; }
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
  "$(tool "$1")-save" -t filter |
    awk -v base="$base" '
      $1 == "-A" && NF == 4 && $2 ~ /^(INPUT|FORWARD|OUTPUT)$/ && $3 == "-j" &&
        ($4 == base || $4 == base ".in" || $4 == base ".out") { print $2 ":" $4 }'
}
# hook_lines FAMILY HOOK…: what is missing to these, and what is too much.
hook_lines() {
  hooks_of "$1" >"$work/hooks.now"
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
  rules_of "$family" >"$work/now"
  ours_of "$2" >"$work/wanted"
  # What iptables-restore has to say of the file, it says of all of it.
  grep -vE '^(#|:|-A |\*filter$|COMMIT$|$)' "$2" >"$work/strange"
  shift 2
  chains "$work/now" >"$work/chains.now"
  chains "$work/wanted" >"$work/chains.wanted"
  comm -23 "$work/chains.now" "$work/chains.wanted" >"$work/chains.gone"
  changed_chains "$family" "$work/now" "$work/wanted" >"$work/chains.changed"
  {
    echo '*filter'
    sed 's/.*/:& - [0:0]/' "$work/chains.changed" "$work/chains.gone"
    awk 'FILENAME == ARGV[1] { changed[$1]; next } /^-A / && $2 in changed' "$work/chains.changed" "$work/wanted"
    cat "$work/strange"
    hook_lines "$family" "$@"
    sed 's/^/-X /' "$work/chains.gone"
    echo COMMIT
  } >"$work/restore"
  "$(tool "$family")-restore" -w 10 --noflush <"$work/restore"
}

same_rules() {
  [ -z "$(hook_lines "$1" $hooks)" ] || return 1
  rules_of "$1" >"$work/now"
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
  table_of "$1" >"$work/all"
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
  table_of "$1" >"$work/now"
  whole_lines "$1" "$work/now" >"$work/lines.now"
  whole_lines "$1" "$2" >"$work/lines.wanted"
  cmp -s "$work/lines.now" "$work/lines.wanted"
}
# What `remove` brings back: the table as it was before the first of ours.
keep_before() {
  [ ! -e "$before" ] || { [ ! -e "$unit" ] && [ ! -e "$work/had.ours" ]; } || return 0
  mkdir -p "$before" || return 1
  for f in $(families); do others_of "$work/table.$f" >"$before/filter.v$f" || return 1; done
}
others_go() {
  for f in $(families); do
    table_of "$f" >"$work/all"
    n=$(others_of "$work/all" | grep -c -e '-A ')
    [ "$n" = 0 ] || say "$n rules of others go from the filter table of IPv$f, until \`apply.sh remove\`"
  done
}

# ---- sets

# sets_now: `create` and `add` lines of our sets.
sets_now() {
  ipset save | awk -v base="$base" '($1 == "create" || $1 == "add") && index($2, base ".") == 1'
}
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
    "$1" | ipset restore
}
# load_sets FILE: for ipset restore; of sets that have the members already nothing is done.
load_sets() {
  sets_now >"$work/sets.now"
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
    { print }' "$work/sets.changed" "$1" | ipset restore
}
# drop_sets FILE: those that it does not have.
drop_sets() {
  sets_now >"$work/sets.now"
  set_names "$work/sets.now" >"$work/names.now"
  set_names "$1" >"$work/names.wanted"
  comm -23 "$work/names.now" "$work/names.wanted" | while read -r name; do ipset destroy "$name"; done
}

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
    if [ -z "$(rules_of "$f")" ]; then
      differs "IPv$f: not loaded"
    elif [ "$table" = own ]; then
      same_table "$f" "rules.v$f" || {
        differs "IPv$f: the filter table differs from rules.v$f (- the file, + the kernel)"
        diff -U0 "$work/lines.wanted" "$work/lines.now" | sed -n '/^[-+][-:]/p'
      }
    else
      same_rules "$f" "rules.v$f" || {
        differs "IPv$f: differs from rules.v$f (- the file, + the kernel)"
        rules_of "$f" >"$work/now"
        lines "$f" "rules.v$f" >"$work/lines.wanted"
        lines "$f" "$work/now" >"$work/lines.now"
        diff -U0 "$work/lines.wanted" "$work/lines.now" | sed -n '/^[-+]-A/p'
        hook_lines "$f" $hooks | sed 's/^-I \([A-Z]*\) 1 -j \(.*\)/\1 does not jump to \2/; s/^-D \([A-Z]*\) -j \(.*\)/\1 jumps to \2/'
      }
    fi
  done
  sets_now >"$work/sets.now"
  members "$work/ipset" >"$work/members.wanted"
  members "$work/sets.now" >"$work/members.now"
  cmp -s "$work/members.wanted" "$work/members.now" || {
    differs "sets: differ from ipset (- the file, + the kernel)"
    diff -U0 "$work/members.wanted" "$work/members.now" | sed -n '/^[-+]'"$base"'/p'
  }
  [ "$(set_names "$work/ipset")" = "$(set_names "$work/sets.now")" ] || differs "sets: not the same sets as in ipset"
}

remove_rules() {
  : >"$work/nothing"
  if [ "$table" = own ]; then
    [ -e "$before" ] || [ -z "$(for f in $(families); do rules_of "$f"; done)" ] ||
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
