#!/bin/sh
# hcipolc: loads, undoes and compares the files beside it for cluster shanghai. Generated; changes are lost.
base='HCI-shanghai'
hooks='FORWARD:HCI-shanghai'
table=shared

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

# ---- the same for every device. Its own are above: what `kind` of rules it loads, `files` that it needs and `more` that
# it may have, need_own_tools, nft_holds_rules, take_stock of what there is of ours, load_rules with load_names within it,
# take_back_rules, settle_rules once they stay, check_rules, rules_status, place_status and remove_rules.

usage() {
  cat <<TEXT
usage: sh apply.sh COMMAND, as root, beside the files that it loads

  check                whether this machine takes the files; changes no rule
  apply                loads them, and takes them back after 60 s unless confirmed
    --within SECONDS   … after SECONDS
    --yes              … never: the files have been tried
    --at-boot          … never, and dnsmasq keeps no rule away
  confirm              keeps what \`apply\` loaded; from a new connection, which proves that you still get in
  status               what differs from the files; 0 if nothing does
  persist              loads at every boot as well what is loaded now (systemd)
  remove               takes all of $base off this machine
TEXT
  exit 2
}

# What this writes outside the kernel lies below $root, so that it can be tried elsewhere; systemd is asked there only if
# HCIPOLC_SYSTEMCTL says how. A cluster's rules for another kind of firewall may be here as well: nothing is called as
# theirs is.
root=${HCIPOLC_ROOT:-}
me=$kind-$base
run=$root/run/hcipolc
PATH=$PATH:/usr/sbin:/sbin
export PATH LC_ALL=C
umask 077
at_boot=
patience=20 # seconds
systemctl=${HCIPOLC_SYSTEMCTL:-}
[ -n "$systemctl$root" ] || systemctl=$(command -v systemctl)
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

# need TOOL PACKAGE: in `missing`, the packages of those that are not here.
need() {
  command -v "$1" >/dev/null && return
  case " $missing " in *" $2 "*) ;; *) missing="$missing $2" ;; esac
}
need_tools() {
  missing=
  need flock util-linux
  need unshare util-linux
  need_own_tools
  [ ! -e dnsmasq.conf ] || [ -n "$at_boot" ] || need dnsmasq dnsmasq
  [ -z "$missing" ] || die "not installed here:$missing (Debian, Ubuntu: apt-get install$missing)"
  [ -n "$at_boot" ] || need_snippets
}

# A folder of its own, in which nobody tidies up at boot.
make_work() {
  mkdir -p "$run" || die "cannot write $run"
  work=$(mktemp -d "$run/work.XXXXXX") || die "no temporary folder"
  trap 'rm -rf "$work"' EXIT
}
# Of those that have loaded something and wait, behind a comma.
waiting() {
  for w in "$run"/*.waiting; do
    [ ! -e "$w" ] || { w=${w##*/} && echo ", ${w%.waiting} waits to be confirmed"; }
  done
}
lock() {
  make_work
  exec 9>"$run/lock"
  flock -w "$patience" 9 || die "another apply.sh is at work$(waiting)"
}
# Who only reads waits for nobody.
look() {
  make_work
  exec 9>"$run/lock"
  flock -n -s 9 || say "another apply.sh is at work$(waiting): what it has loaded may change yet"
  exec 9>&-
}

# ---- at boot: a copy of the files, and a unit that loads it

homes=$root/etc/hcipolc
kept=$homes/$me
units=$root/etc/systemd/system
unit=hcipolc-$me.service

# What loads rules of others at boot may begin with taking away all rules: this comes after it, and again whenever it is
# run again.
unit_text() {
  cat <<TEXT
# Written by hcipolc's apply.sh. Before the network, so that no packet passes without the rules; after those who load a
# whole ruleset of their own, \`flush ruleset\` and all, and again whenever they do.
[Unit]
Description=hcipolc: packet filter rules of $base ($kind)
DefaultDependencies=no
After=local-fs.target systemd-modules-load.service nftables.service netfilter-persistent.service
PartOf=nftables.service netfilter-persistent.service
ReloadPropagatedFrom=nftables.service netfilter-persistent.service
Wants=network-pre.target
Before=network-pre.target dnsmasq.service shutdown.target
Conflicts=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh /etc/hcipolc/$me/apply.sh apply --at-boot
ExecReload=/bin/sh /etc/hcipolc/$me/apply.sh apply --at-boot

[Install]
WantedBy=sysinit.target
TEXT
}

# same_as_loaded: nothing is to come at boot that has never been loaded.
same_as_loaded() {
  same=0
  rules_status >"$work/said"
  [ ! -e dnsmasq.conf ] || cmp -s dnsmasq.conf "$mine" || differs "dnsmasq: its names are not those of dnsmasq.conf" >>"$work/said"
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
  for f in $files $more dnsmasq.conf dnsmasq-cache.conf apply.sh; do
    [ ! -e "$f" ] || cp "$f" "$new/" || die "cannot copy $f"
  done
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
  for f in $files $more dnsmasq.conf dnsmasq-cache.conf apply.sh; do
    [ -e "$f" ] || [ -e "$kept/$f" ] || continue
    cmp -s "$f" "$kept/$f" || differs "at boot another $f is loaded than this one (apply.sh persist)"
  done
}

# A unit that is gone but still active could not be started again later.
drop_boot() {
  if [ -e "$units/$unit" ]; then
    [ -z "$systemctl" ] || "$systemctl" -q disable --now "$unit" || say "warning: systemctl does not stop $unit"
    rm -f "$units/$unit"
    [ -z "$systemctl" ] || "$systemctl" daemon-reload || say "warning: systemctl does not reload"
  fi
  rm -rf "$kept"
  drop_copies ""
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
  [ ! -e dnsmasq.conf ] || [ -d "$snippets" ] ||
    die "no $snippets, so every name would stay blocked: apt-get install dnsmasq, or link it to the folder that the" \
      "dnsmasq here reads"
}

# The files of others that dnsmasq reads.
other_files() {
  for f in "$root/etc/dnsmasq.conf" "$snippets"/*; do
    case $f in "$snippet" | "$cache" | *.dpkg-dist | *.dpkg-old | *.dpkg-new | *'~') continue ;; esac
    [ ! -f "$f" ] || echo "$f"
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
  bounds_of_others >"$work/bounds"
  awk 'FILENAME == ARGV[1] { set[$2]; next }
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
  [ -e dnsmasq.conf ] || return 0
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
# write_snippet: out of what is in $names.
write_snippet() {
  set -- "$names"/*.conf
  if [ ! -e "$1" ]; then
    [ ! -e "$snippet" ] || { rm -f "$snippet" && changed_names=1; }
    return
  fi
  joined "$@" >"$work/snippet" || { say "the sets of a domain fill more than a line of dnsmasq (1024 bytes)" && return 1; }
  cmp -s "$work/snippet" "$snippet" && return
  changed_names=1
  cp "$work/snippet" "$snippet" && chmod 644 "$snippet"
}
write_cache() {
  wanted_cache >"$work/cache"
  cmp -s "$work/cache" "$cache" && return
  [ -s "$work/cache" ] || [ -e "$cache" ] || return 0
  changed_names=1
  if [ -s "$work/cache" ]; then cp "$work/cache" "$cache" && chmod 644 "$cache"; else rm -f "$cache"; fi
}

# As a whole: dnsmasq does not start over one bad line.
test_names() {
  command -v dnsmasq >/dev/null || return 0
  conf=$root/etc/dnsmasq.conf
  [ -e "$conf" ] || conf=/dev/null
  dnsmasq --test -C "$conf" -7 "$snippets,.dpkg-dist,.dpkg-old,.dpkg-new"
}
restart_dnsmasq() {
  if [ -n "$systemctl" ] && "$systemctl" -q is-active dnsmasq; then
    "$systemctl" restart dnsmasq
  else
    say "restart dnsmasq: its files changed"
  fi
}
put_names() {
  if [ -e dnsmasq.conf ]; then
    dnsmasq --test -C "$PWD/dnsmasq.conf" || return 1
    write_cache || return 1
    mkdir -p "$names" && cp dnsmasq.conf "$mine" || return 1
  else
    rm -f "$mine"
  fi
  write_snippet || return 1
  [ -n "$changed_names" ] || return 0
  test_names && restart_dnsmasq
}
# At boot a gateway without names is better than one without rules.
load_names() {
  put_names && return
  [ -n "$at_boot" ] || roll_back "dnsmasq does not take dnsmasq.conf"
  say "warning: dnsmasq does not take dnsmasq.conf: names stay blocked"
}
drop_names() {
  rm -f "$mine"
  write_snippet
  [ -n "$changed_names" ] || return 0
  if test_names; then restart_dnsmasq; else say "warning: dnsmasq would not start with its files as they are"; fi
}

remember_names() {
  for f in "$mine" "$snippet" "$cache"; do [ ! -e "$f" ] || cp -p "$f" "$work/was.${f##*/}" || return 1; done
}
take_back_names() {
  for f in "$mine" "$snippet" "$cache"; do
    if [ -e "$work/was.${f##*/}" ]; then cp -p "$work/was.${f##*/}" "$f" || return 1; else rm -f "$f"; fi
  done
  [ -z "$changed_names" ] || restart_dnsmasq
}

names_status() {
  [ -e dnsmasq.conf ] || [ -e "$mine" ] || return 0
  [ -e dnsmasq.conf ] || {
    differs "dnsmasq: fills sets that these files do not have"
    return
  }
  cmp -s dnsmasq.conf "$mine" || differs "dnsmasq: its names are not those of dnsmasq.conf"
  joined "$names"/*.conf 2>/dev/null | cmp -s - "$snippet" || differs "dnsmasq: $snippet is not what $names says"
  wanted_cache | cmp -s - "$cache" || [ -z "$(wanted_cache)" ] || differs "dnsmasq: $cache is not dnsmasq-cache.conf"
  [ -z "$(rivals)" ] || differs "dnsmasq: other files have lines for the same names"
  warn_of_names
}

# ---- commands

# What was there before, of ours.
roll_back() {
  trap '' INT TERM
  rm -f "$run/$me.waiting"
  say "taking it back: $*" >&2
  bad=
  take_back_rules || bad=1
  take_back_names || bad=1
  [ -z "$bad" ] || die "NOT all of it could be taken back: look at what is loaded"
  die "what was there before is back"
}

await() {
  token=$run/$me.confirmed
  rm -f "$token"
  : >"$run/$me.waiting"
  say "loaded; within $within s, from a new connection: sh $PWD/apply.sh confirm"
  left=$within
  while [ "$left" -gt 0 ] && [ ! -e "$token" ]; do
    sleep 1
    left=$((left - 1))
  done
  rm -f "$run/$me.waiting"
  [ -e "$token" ] || roll_back "not confirmed within $within s"
  rm -f "$token"
}

apply() {
  within=60
  while [ $# -gt 0 ]; do
    case $1 in
      --yes) within= ;;
      --at-boot) within= at_boot=1 patience=300 ;;
      --within) [ $# -gt 1 ] && within=$2 && shift || usage ;;
      *) usage ;;
    esac
    shift
  done
  case $within in *[!0-9]* | 0*) usage ;; esac
  need_tools
  lock
  take_stock && remember_names || die "cannot read what is there now; nothing was changed"
  warn_of_names
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
  [ -e "$run/$me.waiting" ] || die "nothing waits to be confirmed"
  : >"$run/$me.confirmed"
  say "confirmed"
}

check() {
  for f in $files; do [ -e "$f" ] || die "no $f beside apply.sh"; done
  need_tools
  look
  check_rules
  [ ! -e dnsmasq.conf ] || dnsmasq --test -C "$PWD/dnsmasq.conf" || die "dnsmasq.conf is not taken"
  warn_of_names
  warn_of_flush
  say "all files are taken"
}

status() {
  need_tools
  look
  same=0
  rules_status
  place_status
  names_status
  boot_status
  [ "$same" = 1 ] || say "as the files say"
  return "$same"
}

remove() {
  lock
  remove_rules
  drop_names
  drop_boot
  rm -f "$run/$me.confirmed"
  rmdir "$names" "$homes" 2>/dev/null || : # of others as well, if there are any
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
